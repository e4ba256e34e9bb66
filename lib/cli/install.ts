/** `socketplane install` and `uninstall`: this executable at its places, and off them again. */
import { attachedHere } from "../attach/clear.ts";
import { commandDeadline, loadNodeConfig, openNode } from "../attach/node.ts";
import { asFailure, Failure, reasonOf } from "../errors.ts";
import { defaultNodeConfig, type NodeConfig } from "../node-config.ts";
import { type Installing, install, type Told } from "../service/install.ts";
import { usualPlaces, wantedFiles } from "../service/install-plan.ts";
import { installedHere, uninstall } from "../service/uninstall.ts";
import { type Common, command } from "./command.ts";
import { folderOf } from "./folder.ts";
import { show } from "./output.ts";
import type { CliWorld } from "./world.ts";

const rootOption = {
  type: "text",
  value: "DIR",
  describe: "In an image's folder rather than on this machine; nothing is started or ended",
  completes: "file",
} as const;

const columns = ["path", "state"];

export const installCommand = command({
  name: "install",
  describe: "Put the executables and what they need to their places",
  about: [
    "Copy this executable to where container runtimes look for plugins, under both of its names; ",
    "link the command into the path; where systemd is, write its units; and where there is nothing ",
    "yet, a network list and node.json. What is replaced is replaced at once and whole: whoever runs ",
    "it goes on with the old one. What it writes it writes down in /var/lib/socketplane, and ",
    "`socketplane uninstall` takes back that.",
  ].join(""),
  options: {
    root: rootOption,
    cniBin: {
      type: "text",
      value: "DIR",
      describe: `Where the runtime looks for plugins [default: ${usualPlaces.cniBin}]`,
      completes: "file",
    },
    cniConf: {
      type: "text",
      value: "DIR",
      describe: `Where it looks for network lists [default: ${usualPlaces.cniConf}]`,
      completes: "file",
    },
    prefix: {
      type: "text",
      value: "DIR",
      describe: `The command is linked into its "bin" [default: ${usualPlaces.prefix}]`,
      completes: "file",
    },
  },
  examples: [
    ["./dist/bin/socketplane install", "After a build, or with a new version"],
    ["socketplane install --root /mnt/image", "While an image is made"],
    ["socketplane install --cni-bin /usr/lib/cni", "Where a runtime looks elsewhere"],
  ],
  run: async (world, args) => {
    const { isOurProgram, hasSystemd, reloadUnits } = await world.installer();
    if (!isOurProgram) {
      throw new Failure("io", "Cannot install: what runs here is a runtime with sources", {
        details: "Build the executable, and call that: npm run build",
      });
    }
    const root = rootOf(args.root);
    const places = {
      cniBin: folderOf("--cni-bin", args.cniBin) ?? usualPlaces.cniBin,
      cniConf: folderOf("--cni-conf", args.cniConf) ?? usualPlaces.cniConf,
      prefix: folderOf("--prefix", args.prefix) ?? usualPlaces.prefix,
    };
    const files = wantedFiles(places, hasSystemd(root) ? "units" : "no units");
    world.terminal.progress("Copying");
    const told = install(await installingAt(world, root), files, world.version);
    if (root === "" && hasSystemd(root)) await reloadUnits();
    show(world.terminal, args.output, told, columns);
    const isNew = told.some(({ state }) => state === "replaced");
    if (isNew && root === "" && (await isAgentRunning(world, args))) {
      world.terminal.stderr("The agent still runs the old one: socketplane agent restart\n");
    }
  },
});

export const uninstallCommand = command({
  name: "uninstall",
  describe: "Take back what install has written",
  about: [
    "End the agent, and remove exactly what `socketplane install` has written: what was changed ",
    "since stays, and is named. Refused while containers are attached, or this machine is in a ",
    "cluster.",
  ].join(""),
  options: {
    root: rootOption,
    force: {
      type: "flag",
      describe: "Although containers are attached: nothing will take them away any more",
    },
  },
  examples: [["socketplane uninstall", "After: socketplane cluster leave"]],
  run: async (world, args) => {
    const root = rootOf(args.root);
    const installing = await installingAt(world, root);
    const record = installedHere(installing);
    if (record !== undefined && root === "") {
      if (!args.force) refuseInUse(world, args);
      await endAgent(world, args);
    }
    const told = uninstall(installing);
    const { hasSystemd, reloadUnits } = await world.installer();
    if (record !== undefined && root === "" && hasSystemd(root)) await reloadUnits();
    show(world.terminal, args.output, told, columns);
    tellLeft(world, told);
  },
});

/** Where paths begin: nothing stands for the machine's own root. */
const rootOf = (text: string | undefined): string =>
  (folderOf("--root", text) ?? "").replace(/\/+$/, "");

const installingAt = async (world: CliWorld, root: string): Promise<Installing> => ({
  tree: (await world.installer()).tree,
  makeDir: world.makeDir,
  root,
  deadline: commandDeadline(world.clock),
});

/** One that can't be read must not be in the way of its own removal. */
function configOrDefaults(world: CliWorld, args: Common): NodeConfig {
  try {
    return loadNodeConfig(world, args.config, undefined);
  } catch {
    return defaultNodeConfig();
  }
}

async function isAgentRunning(world: CliWorld, args: Common): Promise<boolean> {
  const config = configOrDefaults(world, args);
  const services = await world.openServices(config, args.config);
  return (await services.status("agent")).state === "running";
}

/** Nobody could take them away afterwards. */
function refuseInUse(world: CliWorld, args: Common): void {
  const config = orForce("reading node.json", () => loadNodeConfig(world, args.config, undefined));
  if (config.store.type === "etcd") {
    throw new Failure("network-conflict", "Cannot uninstall: this machine is in a cluster", {
      details: "First: socketplane cluster leave. To leave it as it is: --force.",
    });
  }
  // Nothing was ever attached where there is no run directory.
  if (world.readFile(`${config.runDir}/boot`) === undefined) return;
  const host = openNode(world, config);
  try {
    const attached = orForce("looking for containers", () =>
      attachedHere(host, commandDeadline(host.clock)),
    );
    if (attached.length === 0) return;
    const named = attached.map(({ containerId, ifname }) => `${containerId} (${ifname})`);
    const count = attached.length === 1 ? "a container is" : `${attached.length} containers are`;
    throw new Failure("network-conflict", `Cannot uninstall: ${count} attached here`, {
      details: `Remove them first: ${named.join(", ")}. To leave them as they are: --force.`,
    });
  } finally {
    host.close();
  }
}

/** What can't be found out may be left alone by who says so. */
function orForce<T>(deed: string, act: () => T): T {
  try {
    return act();
  } catch (fault) {
    const { kind, details } = asFailure(fault);
    const advice = `To go on without ${deed}: --force.`;
    throw new Failure(kind, `Cannot uninstall: ${reasonOf(fault)}`, {
      details: details === undefined ? advice : `${details}\n${advice}`,
      cause: fault,
    });
  }
}

async function endAgent(world: CliWorld, args: Common): Promise<void> {
  const config = configOrDefaults(world, args);
  const services = await world.openServices(config, args.config);
  for (const name of ["agent", "etcd"] as const) {
    const { state, enabled } = await services.status(name);
    if (enabled) await services.disable(name);
    if (state !== "absent") await services.stop(name);
  }
}

function tellLeft({ terminal }: CliWorld, told: readonly Told[]): void {
  if (told.length === 0) terminal.stderr("There is nothing that install has written.\n");
}
