/**
 * The driver of Programs (processes.ts).
 *
 * A program is born in a namespace because the thread that starts it is in there: both runtimes
 * start children from the thread that asks. node:child_process and node:os are loaded when they are
 * first needed.
 * Sources: setns(2), dup3(2), tty_ioctl(4), signal(7).
 */
import type { ChildProcess } from "node:child_process";
import { succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { closing, cString, cwd, O, writeText } from "./io.ts";
import { inside } from "./netns.ts";
import { openProcessTable } from "./process-table.ts";
import type { ExitStatus, Program, Programs, Started } from "./processes.ts";
import { relaySignals } from "./relay.ts";

const O_APPEND = 0o2000;

/** *Bites here*: Bun keeps a copy of stdout for itself, so that its end would never come. */
const endOfSpeech = "\0";

export function openPrograms(ffi: Ffi): Programs {
  return {
    start: (program) => startProgram(ffi, program),
    relay: () => relaySignals(ffi),
    startAgain,
    limitLog: async (...args) => (await import("./limited-log.ts")).limitLog(...args),
    letGo: () => letGo(ffi),
  };
}

async function startProgram(ffi: Ffi, program: Program): Promise<Started> {
  const { spawn } = await import("node:child_process");
  const { argv, env, netns, streams } = program;
  const [path = "", ...args] = argv;
  const log = streams === "ours" ? undefined : openLog(ffi, streams.log);
  try {
    const stdin = streams === "ours" ? 0 : streams.stdin === "empty" ? "ignore" : "pipe";
    const stdio = [stdin, log?.fd ?? 1, log?.fd ?? 2] as const;
    const child = inside(ffi, netns, () => spawn(path, args, { env, stdio: [...stdio] }));
    const ended = endOf(child);
    const refused = await refusalOf(child);
    if (refused !== undefined) return { how: "refused", errno: refused };
    const pid = child.pid ?? 0;
    // One that has ended by now began when it likes: nobody has its number yet.
    const process = openProcessTable(ffi).find(pid) ?? { pid, began: 0 };
    return { how: "started", process, ended };
  } finally {
    log?.close();
  }
}

/** The errno, once it is known whether there is one. */
const refusalOf = (child: ChildProcess): Promise<string | undefined> =>
  new Promise((resolve) => {
    child.once("spawn", () => resolve(undefined));
    child.once("error", (fault) => resolve("code" in fault ? String(fault.code) : fault.message));
  });

const endOf = (child: ChildProcess): Promise<ExitStatus> =>
  new Promise((resolve, reject) => {
    child.once("exit", (status, signal) => {
      if (status !== null) resolve(status);
      else statusOfSignal(signal ?? "SIGKILL").then(resolve, reject);
    });
  });

/** As shells have it. */
async function statusOfSignal(signal: NodeJS.Signals): Promise<ExitStatus> {
  const { constants } = await import("node:os");
  return 128 + constants.signals[signal];
}

/** Opens a log to add to it: 0600, made if absent. */
export function openLog(ffi: Ffi, path: string) {
  const flags = O.wronly | O.creat | O_APPEND | O.cloexec | ffi.abi.noFollow;
  const fd = ffi.call("openat", cwd, cString(path), flags, 0o600);
  succeed(fd, { action: "open log", subject: `"${path}"`, call: "openat", kind: "io" });
  return { fd, close: closing(ffi, fd) };
}

async function startAgain(env: Readonly<Record<string, string>>) {
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, [...ourScript(), ...process.argv.slice(2)], {
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const status = endOf(child);
  let text = "";
  const said = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.stdout.setEncoding("utf8").once("close", () => resolve(text));
    child.stdout.on("data", (more: string) => {
      text += more;
      if (text.endsWith(endOfSpeech)) resolve(text);
    });
  });
  return said.endsWith(endOfSpeech)
    ? { said: said.slice(0, -endOfSpeech.length), status: undefined }
    : { said, status: await status };
}

/** What the runtime was given to run; nothing where that is in the executable. */
export function ourScript(): readonly string[] {
  const [, script = ""] = process.argv;
  // Node's executables have in its place the name that they were called by, whatever that is.
  const embedded = script.startsWith("/$bunfs/") || process.getBuiltinModule("node:sea")?.isSea();
  return embedded ? [] : [...process.execArgv, script];
}

function letGo(ffi: Ffi): void {
  writeText(ffi, 1, endOfSpeech, "stdout");
  process.chdir("/");
  const attempt = { action: "open", subject: '"/dev/null"', call: "openat" };
  const fd = succeed(ffi.call("openat", cwd, cString("/dev/null"), O.rdwr | O.cloexec), attempt);
  // Bun has copies of its own of standard output and error: who reads them would wait for our end.
  const copies = copiesOf([0, 1, 2]);
  for (const stream of [0, 1, 2]) ffi.call("dup3", fd, stream, 0);
  for (const copy of copies) ffi.call("dup3", fd, copy, O.cloexec);
  ffi.call("close", fd);
}

/** The descriptors, beside these, that are of the same pipes, sockets and terminals (proc(5)). */
function copiesOf(streams: readonly number[]): readonly number[] {
  // Loaded here, as little else of the command needs it.
  const { readdirSync, readlinkSync } = process.getBuiltinModule("node:fs");
  const targetOf = (fd: number) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // Closed, or that of this very listing.
      return undefined;
    }
  };
  const targets = new Set(streams.map(targetOf).filter((target) => target !== undefined));
  const open = readdirSync("/proc/self/fd").map(Number);
  return open.filter((fd) => !streams.includes(fd) && targets.has(targetOf(fd) ?? ""));
}
