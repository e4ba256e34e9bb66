/**
 * Signals to processes. They go by a descriptor, opened before it is looked at who that is: a number
 * may become another's between the look and the signal.
 *
 * Sources: pidfd_open(2), pidfd_send_signal(2), signal(7).
 */
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";

/** Those that are sent or handed on; the same on every architecture here. */
export const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
} as const;

export type SentSignal = keyof typeof signalNumbers;

/** Sends a signal to who `isMeant` says is the one; false where that is another, or gone. */
export function sendSignal(
  ffi: Ffi,
  pid: number,
  signal: SentSignal,
  isMeant: () => boolean,
): boolean {
  const subject = `process ${pid}`;
  const fd = ffi.call("pidfd_open", pid, 0);
  if (failed(fd, "ESRCH")) return false;
  // Before Linux 5.3: by the number, at once.
  if (failed(fd, "ENOSYS")) return isMeant() && kill(pid, signal);
  succeed(fd, { action: "open", subject, call: "pidfd_open" });
  try {
    if (!isMeant()) return false;
    const sent = ffi.call("pidfd_send_signal", fd, signalNumbers[signal], 0, 0);
    if (failed(sent, "ESRCH")) return false;
    succeed(sent, { action: "send a signal to", subject, call: "pidfd_send_signal" });
    return true;
  } finally {
    ffi.call("close", fd);
  }
}

function kill(pid: number, signal: SentSignal): boolean {
  try {
    return process.kill(pid, signal);
  } catch (fault) {
    if (fault instanceof Error && "code" in fault && fault.code === "ESRCH") return false;
    throw fault;
  }
}
