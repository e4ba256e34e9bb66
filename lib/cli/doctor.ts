/** `socketplane doctor`: what is wrong here, and what to do about it. */
import { usualPlaces } from "../service/install-plan.ts";
import { parseInstalled, recordFile, recordFolder } from "../service/installed.ts";
import { command } from "./command.ts";
import { folderOf } from "./folder.ts";
import { styleOf } from "./style.ts";
import type { CliWorld } from "./world.ts";

export const doctorCommand = command({
  name: "doctor",
  describe: "Find what is wrong on this machine, and say what to do",
  about: [
    "Look at all that a network depends on: the kernel, the files of the installation, Open vSwitch, ",
    "the store, this node's registration and leases, the agent, the underlay, firewalls, networks, ",
    "containers, flows, and the way to the other nodes. Each line says what was seen, and, where ",
    "something is wrong, what to do. What can't be told because of another fault says so. Nothing is ",
    "changed.\n\n",
    "The exit status is 0 where all is well, 1 where there are warnings, or what could not be looked ",
    "at, and 2 where something is broken. What each check means: docs/doctor.md.",
  ].join(""),
  options: {
    cniBin: {
      type: "text",
      value: "DIR",
      describe: `Where the runtime looks for plugins [default: ${usualPlaces.cniBin}, or where install has put them]`,
      completes: "file",
    },
    cniConf: {
      type: "text",
      value: "DIR",
      describe: `Where it looks for network lists [default: ${usualPlaces.cniConf}, or where install has put one]`,
      completes: "file",
    },
    brief: { type: "flag", describe: "Only what is not as it should be" },
  },
  examples: [
    ["sudo socketplane doctor", "When a network does not work"],
    ["socketplane doctor --brief", "What is wrong, and nothing else"],
    ["socketplane doctor -o json", "For programs"],
  ],
  run: async (world, args) => {
    const { terminal } = world;
    const { examine } = await import("../doctor/doctor.ts");
    const { exitStatus, worstOf } = await import("../doctor/judge.ts");
    const { countOf, textOf } = await import("./doctor-text.ts");
    const installed = placesOfInstall(world);
    const places = await world.places();
    const folder = (option: string, text: string | undefined) =>
      folderOf(option, text === undefined ? undefined : places.absolute(text));
    terminal.progress("Looking");
    const findings = await examine({
      ...world,
      chosen: args.config,
      bin: folder("--cni-bin", args.cniBin) ?? installed.cniBin,
      conf: folder("--cni-conf", args.cniConf) ?? installed.cniConf,
      places,
      agentStatus: async (config) =>
        (await world.openServices(config, args.config)).status("agent"),
    });
    const state = worstOf(findings);
    const shown = args.brief ? findings.filter((one) => one.state !== "ok") : findings;
    if ((args.output ?? (terminal.interactive ? "table" : "json")) === "json") {
      const said = { state, count: countOf(findings), findings: shown };
      terminal.stdout(`${JSON.stringify(said, undefined, 2)}\n`);
    } else {
      const style = styleOf(world.env, terminal.interactive);
      terminal.stdout(textOf(findings, args.brief ? "not ok" : "all", style));
    }
    return exitStatus[state];
  },
});

/** Where install has put what it wrote; the usual places where it was not called, or nobody knows. */
function placesOfInstall({ readFile }: Pick<CliWorld, "readFile">): typeof usualPlaces {
  try {
    const path = `${recordFolder}/${recordFile}`;
    const text = readFile(path);
    const files = text === undefined ? [] : parseInstalled(text, path).files;
    const folderWith = (name: string) =>
      files.find((file) => file.path.endsWith(`/${name}`))?.path.slice(0, -name.length - 1);
    return {
      ...usualPlaces,
      cniBin: folderWith("socketplane-ipam") ?? usualPlaces.cniBin,
      cniConf: folderWith("10-socketplane.conflist") ?? usualPlaces.cniConf,
    };
  } catch {
    return usualPlaces;
  }
}
