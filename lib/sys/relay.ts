/**
 * Signals that would end us, handed on to a program that we wait for.
 *
 * What is typed on a terminal goes to all of its foreground group, the program among them: that must
 * not come to it a second time. Who isn't in that group was sent the signal by somebody.
 * Sources: signal(7), tty_ioctl(4), credentials(7) "Process group".
 */

import type { Ffi } from "./ffi.ts";
import { cString, cwd, O } from "./io.ts";
import { openProcessTable } from "./process-table.ts";
import type { ProcessId, Relay } from "./processes.ts";
import { type SentSignal, signalNumbers } from "./signals.ts";

const TIOCGPGRP = 0x540f;

const relayed = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
const typed: readonly SentSignal[] = ["SIGINT", "SIGQUIT"];

export function relaySignals(ffi: Ffi): Relay {
  const table = openProcessTable(ffi);
  const caught: SentSignal[] = [];
  let target: ProcessId | undefined;
  const take = (signal: SentSignal) => {
    caught.push(signal);
    if (target === undefined || (typed.includes(signal) && isForeground(ffi))) return;
    table.send(target, signal);
  };
  const takers = relayed.map((signal) => [signal, () => take(signal)] as const);
  for (const [signal, taker] of takers) process.on(signal, taker);
  return {
    caught: () => {
      const [first] = caught;
      return first && 128 + signalNumbers[first];
    },
    to: (process) => {
      target = process;
      for (const signal of caught) table.send(process, signal);
    },
    release: () => {
      for (const [signal, taker] of takers) process.off(signal, taker);
    },
  };
}

/** Whether we are in the foreground of the terminal that controls us; false without one. */
function isForeground(ffi: Ffi): boolean {
  const terminal = ffi.call("openat", cwd, cString("/dev/tty"), O.rdonly | O.cloexec);
  if (terminal < 0) return false;
  const group = new Uint32Array(1);
  const asked = ffi.call("ioctl", terminal, TIOCGPGRP, new Uint8Array(group.buffer));
  ffi.call("close", terminal);
  return asked === 0 && group[0] === ffi.call("getpgid", 0);
}
