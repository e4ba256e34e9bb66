/** Inside the lab's machine: starts each plugin as a runtime does, in turn, and takes the times. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Ended, inTurn, openSamples, rest, time, withContainers } from "./processes.ts";

interface Rival {
  readonly path: string;
  readonly conf: Record<string, unknown>;
}

interface Plan {
  readonly rounds: number;
  readonly executables: string;
  readonly empty: string;
  readonly env: Record<string, string>;
  readonly rivals: Readonly<Record<string, Rival>>;
  /** Whose STATUS is asked, under which names its samples go. */
  readonly statuses: readonly (Rival & { readonly what: string })[];
}

const [input = "", output = ""] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(input, "utf8")) as Plan;
const names = Object.keys(plan.rivals);
const atOnce = 8;
const { samples, take } = openSamples();

function verb(name: string, command: string, container: string, more: object = {}): Promise<Ended> {
  const { path, conf } = plan.rivals[name] as Rival;
  return time(
    path,
    { ...conf, ...more },
    {
      ...plan.env,
      CNI_COMMAND: command,
      CNI_CONTAINERID: container,
      CNI_NETNS: `/run/netns/${container}`,
      CNI_IFNAME: "eth0",
      CNI_PATH: `${plan.executables}:/usr/lib/cni`,
    },
  );
}

const versionOf = (name: string, path: string) => ({
  what: `${name} VERSION`,
  path,
  command: "VERSION",
  conf: { cniVersion: "1.0.0" } as object,
});

/** What is asked again and again, and changes nothing. */
const probes = [
  ...names.map((name) => versionOf(name, (plan.rivals[name] as Rival).path)),
  versionOf("empty", plan.empty),
  ...plan.statuses.map((status) => ({ ...status, command: "STATUS" })),
];

/** They are short, and differ by more than the others from one time to the next. */
const probedEachRound = 5;

async function probeAll(number: number, keep: typeof take): Promise<void> {
  for (const { what, path, command, conf } of inTurn(probes, number)) {
    const env = { ...plan.env, CNI_COMMAND: command, CNI_PATH: plan.executables };
    keep(what, (await time(path, conf, env)).ms);
  }
}

async function round(number: number, counted: boolean): Promise<void> {
  const keep = counted ? take : () => undefined;
  for (const name of inTurn(names, number)) {
    await withContainers(1, async ([container = ""]) => {
      const added = await verb(name, "ADD", container);
      keep(`${name} ADD`, added.ms);
      keep(`${name} memory`, added.maxRss / 1024 ** 2);
      const prevResult = JSON.parse(added.stdout);
      keep(`${name} CHECK`, (await verb(name, "CHECK", container, { prevResult })).ms);
      keep(`${name} DEL`, (await verb(name, "DEL", container)).ms);
      // What the kernel still does for one is not another's time.
      await rest(60);
    });
  }
  for (let turn = 0; turn < probedEachRound; turn += 1) {
    await probeAll(number * probedEachRound + turn, keep);
  }
  if (number % 3 !== 0) return;
  for (const name of inTurn(names, number / 3)) {
    await withContainers(atOnce, async (containers) => {
      const started = performance.now();
      await Promise.all(containers.map((container) => verb(name, "ADD", container)));
      keep(`${name} ${atOnce} ADDs`, performance.now() - started);
      const deleting = performance.now();
      await Promise.all(containers.map((container) => verb(name, "DEL", container)));
      keep(`${name} ${atOnce} DELs`, performance.now() - deleting);
      await rest(150);
    });
  }
}

for (let number = 0; number < plan.rounds + 3; number += 1) await round(number, number >= 3);
writeFileSync(output, JSON.stringify(samples));
