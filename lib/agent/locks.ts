/** Locks of the run directory, waited for without blocking: ADDs hold them for some milliseconds. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { type NodeIpam, underLock } from "../ipam/held.ts";
import { pause } from "./pause.ts";

/** How long a lock is waited for, and what ends the waiting. */
export interface Patience {
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
}

/** A deadline that is over: what waits for a lock tries once. */
export const atOnce: Deadline = { left: () => 0 };

/** Milliseconds between two tries. */
const betweenTries = 3;

/** Runs `body` while nobody else is at work on the switch. Throws Failure "try-again". */
export async function underSwitchLock<T>(
  run: Dir,
  patience: Patience,
  body: () => T | Promise<T>,
): Promise<T> {
  const unlock = await patiently(patience, () => run.lock("switch.lock", "exclusive", atOnce));
  try {
    return await body();
  } finally {
    unlock();
  }
}

/** Runs `body` with a network's folder, while no other process changes its blocks. */
export async function underNetworkLock<T>(
  ipam: NodeIpam,
  network: string,
  patience: Patience,
  body: (folder: Dir) => Promise<T>,
): Promise<T> {
  let hasLock = false;
  const begin = (folder: Dir) => {
    hasLock = true;
    return body(folder);
  };
  for (;;) {
    try {
      return await underLock(ipam, network, atOnce, begin);
    } catch (fault) {
      if (hasLock || isOver(patience, fault)) throw fault;
    }
    await pause(betweenTries, patience.signal);
  }
}

async function patiently<T>(patience: Patience, take: () => T): Promise<T> {
  for (;;) {
    try {
      return take();
    } catch (fault) {
      if (isOver(patience, fault)) throw fault;
    }
    await pause(betweenTries, patience.signal);
  }
}

function isOver({ deadline, signal }: Patience, fault: unknown): boolean {
  const isTaken = fault instanceof Failure && fault.kind === "try-again";
  return !isTaken || deadline.left() === 0 || signal.aborted;
}
