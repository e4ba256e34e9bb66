/** Runs programs, in a namespace if asked, each with a limit: nothing here waits for ever. */
import { spawn, spawnSync } from "node:child_process";

/** Milliseconds after which a program is killed: far beyond what any should take. */
const usualLimitMs = 30_000;

const systemPath = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;

export interface Command {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Name or path of the namespace to run it in; by default our own. */
  readonly netns?: string;
  /** The whole environment; by default a PATH. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Working directory. */
  readonly cwd?: string;
  /** Milliseconds after which it is killed. */
  readonly limitMs?: number;
}

export interface Outcome {
  /** Exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  /** The program's own pid, also in a namespace: what enters it becomes the program. */
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly outcome: Promise<Outcome>;
  /** Resolves when what it has written, on standard output or error, matches. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/** Starts a program and does not wait. */
export function start(command: Command): Running {
  const [program = "", ...args] = enter(command);
  const child = spawn(program, args, {
    env: command.env ?? { PATH: systemPath },
    cwd: command.cwd,
    timeout: command.limitMs ?? usualLimitMs,
    killSignal: "SIGKILL",
  });
  const seen = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      seen[stream] += text;
    });
  }
  // A program that ends without reading its input is no fault of ours.
  child.stdin.on("error", () => {}).end(command.stdin ?? "");
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`Cannot run ${shown(command)}: ${error}`)));
    child.once("close", (status, signal) =>
      resolve({ ...seen, status: status ?? undefined, signal: signal ?? undefined }),
    );
  });
  outcome.catch(() => {});
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(seen.stdout) ?? pattern.exec(seen.stderr);
        if (found !== null) resolve(found);
      };
      look();
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      outcome.then((ended) => reject(new Error(refusal(command, ended))), reject);
    });
  return { pid: child.pid ?? 0, kill: (signal) => void child.kill(signal), outcome, says };
}

/** Runs a program to its end, whatever that is. */
export const run = (command: Command): Promise<Outcome> => start(command).outcome;

/** Runs a program that must succeed and gives its standard output. */
export async function must(command: Command): Promise<string> {
  const outcome = await run(command);
  if (outcome.status === 0) return outcome.stdout;
  throw new Error(refusal(command, outcome));
}

/** Runs ip(8), synchronously: it is also needed when the process is ending. */
export function ip(...argv: readonly string[]): string {
  const options = { env: { PATH: systemPath }, timeout: usualLimitMs, encoding: "utf8" } as const;
  const { status, stdout, stderr, error } = spawnSync("ip", argv, options);
  if (status === 0) return stdout;
  throw new Error(`Cannot run ip ${argv.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

function enter({ netns, argv }: Command): readonly string[] {
  if (netns === undefined) return argv;
  if (netns.includes("/")) return ["nsenter", `--net=${netns}`, ...argv];
  return ["/usr/sbin/ip", "netns", "exec", netns, ...argv];
}

const shown = ({ argv }: Command): string => argv.join(" ");

function refusal(command: Command, { status, signal, stdout, stderr }: Outcome): string {
  const state = stderr.trim() || stdout.trim() || signal || `exit status ${status}`;
  return `Cannot run ${shown(command)}: ${state}`;
}
