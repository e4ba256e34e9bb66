/** Ending runs, and forgetting them. See supervise.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
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
 * there is none of that name.
 */
export async function stopRun(
  host: Host,
  tools: RunTools,
  name: string,
  patience: number,
): Promise<boolean> {
  const run = knownRun(host, "stop", name);
  if (run.end !== undefined) return false;
  const told = patience > 0 && signal(tools, run, "SIGTERM");
  if (!told || !comesToEnd(host, tools, name, deadlineIn(host.clock, patience))) {
    signal(tools, readRun(host, name) ?? run, "SIGKILL");
  }
  const release = lockName(host, name, deadlineIn(host.clock, settleMs));
  try {
    const left = readRun(host, name);
    const settled = left && (await settle(host, tools, left));
    if (settled !== undefined && isRunning(host, tools, settled)) refuseRunning(name);
  } finally {
    release();
  }
  return true;
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
  knownRun(host, "remove", name);
  if (running === "end") await stopRun(host, tools, name, 0);
  const release = tryLock(host, name) ?? refuseRunning(name);
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

const signal = ({ processes }: RunTools, { process }: RunRecord, which: NodeJS.Signals): boolean =>
  process !== undefined && processes.send(process, which);

/** Whether it does so in time. */
function comesToEnd(host: Host, tools: RunTools, name: string, deadline: Deadline): boolean {
  for (let pause: number = pauses.first; ; pause *= pauses.growth) {
    const run = readRun(host, name);
    if (run === undefined || !isRunning(host, tools, run)) return true;
    if (deadline.left() === 0) return false;
    host.kernel.sleep(Math.min(pause, pauses.last, deadline.left()));
  }
}
