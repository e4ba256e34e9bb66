/** Ending runs, and forgetting them. See supervise.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { SentSignal } from "../sys/signals.ts";
import { lockName, tryLock } from "./claim.ts";
import { forgetRun, type RunRecord, readRun } from "./record.ts";
import { isRunning, settle } from "./settle.ts";
import type { RunTools } from "./world.ts";

/** Milliseconds that taking it away may take, once its command has ended. */
const settleMs = 20_000;

/** Milliseconds between two looks: from the first, growing, to the last. */
const pauses = { first: 2, growth: 1.5, last: 100 } as const;

/**
 * Has a run's command end, by SIGTERM, and after `patience` milliseconds by SIGKILL; returns when its
 * interfaces are gone. False where it has ended already. Throws Failure "unknown-container" where
 * there is none of that name, "try-again" where it does not end.
 */
export async function stopRun(
  host: Host,
  tools: RunTools,
  name: string,
  patience: number,
): Promise<boolean> {
  if (knownRun(host, "stop", name).end !== undefined) return false;
  const polite = deadlineIn(host.clock, patience);
  const deadline = deadlineIn(host.clock, patience + settleMs);
  let sent: SentSignal | undefined;
  for (let pause: number = pauses.first; ; pause *= pauses.growth) {
    const run = readRun(host, name);
    // Who watches over it has taken all away.
    if (run === undefined || run.end !== undefined) return true;
    const wanted = polite.left() > 0 ? "SIGTERM" : "SIGKILL";
    // One that is only being started gets it as soon as it runs.
    if (sent !== wanted && run.process !== undefined) {
      tools.processes.send(run.process, wanted);
      sent = wanted;
    }
    if (await settledHere(host, tools, run)) return true;
    if (deadline.left() === 0) throw new Failure("try-again", `Cannot stop "${name}": it goes on`);
    host.kernel.sleep(Math.min(pause, pauses.last));
  }
}

/** Whether it has ended and nobody watches over it; then what is left of it is taken away. */
async function settledHere(host: Host, tools: RunTools, run: RunRecord): Promise<boolean> {
  if (isRunning(host, tools, run)) return false;
  const release = tryLock(host, run.name);
  if (release === undefined) return false;
  try {
    const left = readRun(host, run.name);
    if (left !== undefined) await settle(host, tools, left);
    return true;
  } finally {
    release();
  }
}

/**
 * Forgets a run that has ended; one that has not is ended first, or refused with Failure "try-again".
 */
export async function removeRun(
  host: Host,
  tools: RunTools,
  name: string,
  running: "end" | "refuse",
): Promise<void> {
  const run = knownRun(host, "remove", name);
  if (running === "end") await stopRun(host, tools, name, 0);
  else if (isRunning(host, tools, run)) refuseRunning(name);
  // Who watches over it may be about to go.
  const release = lockName(host, name, deadlineIn(host.clock, settleMs));
  try {
    const left = readRun(host, name);
    const settled = left && (await settle(host, tools, left));
    if (settled === undefined) return;
    if (isRunning(host, tools, settled)) refuseRunning(name);
    forgetRun(host, name);
  } finally {
    release();
  }
}

/** Throws Failure "unknown-container" where there is none of that name. */
export function knownRun(host: Host, action: string, name: string): RunRecord {
  const run = readRun(host, name);
  if (run !== undefined) return run;
  throw new Failure(
    "unknown-container",
    `Cannot ${action} "${name}": there is no run of that name`,
    {
      details: "See which there are: socketplane ps --all",
    },
  );
}

function refuseRunning(name: string): never {
  throw new Failure("try-again", `Cannot remove "${name}": it runs`, {
    details: `End it first: socketplane stop ${name}; or both in one: socketplane rm --force ${name}`,
  });
}
