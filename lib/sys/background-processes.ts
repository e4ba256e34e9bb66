/**
 * The driver of BackgroundProcesses (background.ts), and of RunLines.
 *
 * Sources: proc_pid_stat(5), setsid(2).
 */
import { type ChildProcess, spawn } from "node:child_process";
import type {
  Background,
  BackgroundProcesses,
  End,
  ProvenProcess,
  RunLines,
} from "./background.ts";
import { isSameProcess } from "./background.ts";
import type { Ffi } from "./ffi.ts";
import { makeParents } from "./folder.ts";
import { readFile } from "./io.ts";
import { splitLines } from "./lines.ts";
import { openProcessTable } from "./process-table.ts";
import { openLog, ourScript } from "./programs.ts";
import { sendSignal } from "./signals.ts";
import { statAt } from "./stat.ts";
import { sinceBoot } from "./time.ts";

/** USER_HZ, in which the kernel tells times to programs on every architecture here. */
const ticksPerSecond = 100;

export function openBackgroundProcesses(ffi: Ffi): BackgroundProcesses {
  const find = (pid: number) => proveProcess(ffi, pid);
  return {
    find,
    send: (wanted, signal) =>
      sendSignal(ffi, wanted.pid, signal, () => isSameProcess(wanted, find(wanted.pid))),
    since: ({ began }) => Date.now() - sinceBoot(ffi) + (began / ticksPerSecond) * 1_000,
    startAgain: (args, env, logFile) => startAgain(ffi, args, env, logFile),
  };
}

/** Who goes by a number now; undefined if nobody does, or has ended. */
export function proveProcess(ffi: Ffi, pid: number): ProvenProcess | undefined {
  const found = openProcessTable(ffi).find(pid);
  const program = statAt(ffi, `/proc/${pid}/exe`)?.id;
  const boot = readFile(ffi, "/proc/sys/kernel/random/boot_id")?.trim();
  if (found === undefined || program === undefined || boot === undefined) return undefined;
  return { ...found, boot, program };
}

function startAgain(
  ffi: Ffi,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  logFile: string,
): Background {
  makeParents(ffi, logFile);
  const { fd, close } = openLog(ffi, logFile);
  try {
    const child = spawn(process.execPath, [...ourScript(), ...args], {
      env,
      cwd: "/",
      detached: true,
      stdio: ["ignore", fd, fd],
    });
    return { pid: child.pid ?? 0, ended: endOf(child), letGo: () => child.unref() };
  } finally {
    close();
  }
}

/** Undefined both for one that could not be started: its "error" tells why. */
export const endOf = (child: ChildProcess): Promise<End> =>
  new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status, signal) =>
      resolve({ status: status ?? undefined, signal: signal ?? undefined }),
    );
  });

export const runLines: RunLines = async (path, args, onLine, signal) => {
  const child = spawn(path, args, {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => void child.kill("SIGTERM");
  let fault: unknown;
  const tell = (line: string) => {
    try {
      if (fault === undefined) onLine(line);
    } catch (thrown) {
      // Nobody is there to catch it where a stream's piece has come.
      fault = thrown;
      stop();
    }
  };
  const streams = [child.stdout, child.stderr].map((stream) => readLines(stream, tell));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const end = await endOf(child);
    await Promise.all(streams);
    if (fault !== undefined) throw fault;
    return end;
  } finally {
    signal.removeEventListener("abort", stop);
  }
};

/** Resolves at the stream's end. */
export function readLines(
  stream: NodeJS.ReadableStream,
  onLine: (line: string) => void,
): Promise<void> {
  const lines = splitLines(onLine);
  stream.setEncoding("utf8");
  return new Promise((resolve) => {
    stream.on("data", (piece: string) => lines.add(piece));
    stream.once("close", () => {
      lines.end();
      resolve();
    });
  });
}
