/**
 * The driver of ProcessTable (processes.ts).
 *
 * Sources: proc_pid_stat(5), proc_pid_cmdline(5), proc_loadavg(5), namespaces(7).
 */
import { refusedWith } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { namesAt } from "./folder.ts";
import { readFile } from "./io.ts";
import type { ProcessId, ProcessTable } from "./processes.ts";
import { sendSignal } from "./signals.ts";
import { statAt } from "./stat.ts";

export function openProcessTable(ffi: Ffi): ProcessTable {
  const find = (pid: number) => findProcess(ffi, pid);
  const lives = ({ pid, began }: ProcessId) => find(pid)?.began === began;
  const netnsAt = (path: string) => statAt(ffi, `/proc/${path}/ns/net`)?.id;
  return {
    find,
    lives,
    list: () => numbersIn(ffi, "/proc"),
    lastGiven: () => Number(readFile(ffi, "/proc/loadavg")?.trim().split(" ").at(-1)),
    commandLine: (pid) => (readIfThere(ffi, `/proc/${pid}/cmdline`) ?? "").split("\0").slice(0, -1),
    netnsOf: (pid) => netnsAt(`${pid}`),
    isFromHere: (pid) => {
      const here = netnsAt("thread-self");
      return numbersIn(ffi, `/proc/${pid}/task`).some(
        (thread) => netnsAt(`${pid}/task/${thread}`) === here,
      );
    },
    send: (wanted, signal) => sendSignal(ffi, wanted.pid, signal, () => lives(wanted)),
  };
}

/** A zombie has ended: only its parent has not asked how. */
function findProcess(ffi: Ffi, pid: number): ProcessId | undefined {
  const stat = readIfThere(ffi, `/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything.
  const [state, ...rest] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const began = Number(rest[18]);
  return state === undefined || state === "Z" || state === "X" ? undefined : { pid, began };
}

/** Of processes, or of one's threads, ascending. */
function numbersIn(ffi: Ffi, path: string): readonly number[] {
  const pids = namesAt(ffi, path).filter((name) => /^\d+$/.test(name));
  return pids.map(Number).sort((a, b) => a - b);
}

/** A process may go while it is read. */
function readIfThere(ffi: Ffi, path: string): string | undefined {
  try {
    return readFile(ffi, path);
  } catch (fault) {
    if (refusedWith(fault, "ESRCH")) return undefined;
    throw fault;
  }
}
