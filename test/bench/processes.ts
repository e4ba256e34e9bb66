/** Whole processes and what they take, as a runtime starts them: run by Bun, inside the lab. */
import { spawnSync } from "node:child_process";

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

/** Numbers by what they are of. */
export function openSamples() {
  const samples: Record<string, number[]> = {};
  const take = (what: string, value: number) => {
    samples[what] ??= [];
    samples[what].push(value);
  };
  return { samples, take };
}

/** Rotated, so that nobody is always first. */
export const inTurn = <T>(all: readonly T[], round: number): readonly T[] => [
  ...all.slice(round % all.length),
  ...all.slice(0, round % all.length),
];

export interface Ended {
  readonly ms: number;
  readonly maxRss: number;
  readonly stdout: string;
}

/** One whole process, from its start until it is reaped. Throws if it fails. */
export async function time(
  path: string,
  stdin: unknown,
  env: Record<string, string>,
): Promise<Ended> {
  const bytes = new TextEncoder().encode(stdin === undefined ? "" : JSON.stringify(stdin));
  const started = performance.now();
  const child = Bun.spawn({
    cmd: [path],
    env,
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

/** Namespaces of containers, for as long as `body` runs. */
export async function withContainers(
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

export const rest = (ms: number) => new Promise((done) => setTimeout(done, ms));

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
