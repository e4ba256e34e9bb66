/** Inside the lab's machine: starts each plugin as a runtime does, in turn, and takes the times. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

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
}

/** As much of Bun's API as is used here. */
declare const Bun: {
  spawn(options: {
    cmd: readonly string[];
    env: Record<string, string>;
    stdin: Uint8Array;
    stdout: "pipe";
    stderr: "pipe";
  }): {
    readonly exited: Promise<number>;
    readonly stdout: ReadableStream;
    readonly stderr: ReadableStream;
    resourceUsage(): { readonly maxRSS: number } | undefined;
  };
};

const [input = "", output = ""] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(input, "utf8")) as Plan;
const names = Object.keys(plan.rivals);
const atOnce = 8;
const samples: Record<string, number[]> = {};
const take = (what: string, value: number) => {
  samples[what] ??= [];
  samples[what].push(value);
};

/** Rotated, so that nobody is always first. */
const inTurn = <T>(all: readonly T[], round: number): readonly T[] => [
  ...all.slice(round % all.length),
  ...all.slice(0, round % all.length),
];

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}

interface Ended {
  readonly ms: number;
  readonly maxRss: number;
  readonly stdout: string;
}

/** One whole process, from its start until it is reaped. */
async function time(path: string, stdin: unknown, env: Record<string, string>): Promise<Ended> {
  const bytes = new TextEncoder().encode(stdin === undefined ? "" : JSON.stringify(stdin));
  const started = performance.now();
  const child = Bun.spawn({
    cmd: [path],
    env: { ...plan.env, ...env },
    stdin: bytes,
    stdout: "pipe",
    stderr: "pipe",
  });
  const status = await child.exited;
  const ms = performance.now() - started;
  const stdout = await new Response(child.stdout).text();
  if (status !== 0) {
    const stderr = await new Response(child.stderr).text();
    throw new Error(`${path} ${JSON.stringify(env)}: status ${status}: ${stdout}${stderr}`);
  }
  return { ms, maxRss: child.resourceUsage()?.maxRSS ?? 0, stdout };
}

function verb(name: string, command: string, container: string, more: object = {}): Promise<Ended> {
  const { path, conf } = plan.rivals[name] as Rival;
  return time(
    path,
    { ...conf, ...more },
    {
      CNI_COMMAND: command,
      CNI_CONTAINERID: container,
      CNI_NETNS: `/run/netns/${container}`,
      CNI_IFNAME: "eth0",
      CNI_PATH: `${plan.executables}:/usr/lib/cni`,
    },
  );
}

/** Namespaces of containers, for as long as `body` runs. */
async function withContainers(
  count: number,
  body: (containers: readonly string[]) => Promise<void>,
): Promise<void> {
  const made = Array.from({ length: count }, (_, index) => `spt-${process.pid}-bench${index}`);
  try {
    for (const name of made) ip("netns", "add", name);
    await body(made);
  } finally {
    for (const name of made) spawnSync("ip", ["netns", "delete", name]);
  }
}

const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));

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
  const version = { cniVersion: "1.0.0" };
  for (const name of inTurn([...names, "empty"], number)) {
    const env = { CNI_COMMAND: "VERSION" };
    const path = name === "empty" ? plan.empty : (plan.rivals[name] as Rival).path;
    keep(`${name} VERSION`, (await time(path, version, env)).ms);
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
