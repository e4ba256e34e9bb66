/**
 * What a run leaves, taken away: at its end, and afterwards where nobody was there to do so. See
 * supervise.ts for the folder's note.
 */
import type { Host } from "../attach/host.ts";
import { netnsNumberAt, netnsNumberOf } from "../attach/inhabitants.ts";
import { deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { attachmentsOf, forgetRun, type RunRecord, writeRun } from "./record.ts";
import { delRequest } from "./request.ts";
import type { RunTools } from "./world.ts";

/** Milliseconds that its processes may take to go. */
const endMs = 2_000;

/** Looks that find none, one after the other, on a machine where others start processes all the time. */
const enough = 20;

/** Whether its command runs, be it with nobody watching over it. */
export const isRunning = (
  host: Host,
  { processes }: Pick<RunTools, "processes">,
  run: RunRecord,
): boolean =>
  run.end === undefined &&
  run.process !== undefined &&
  run.boot === host.kernel.bootId() &&
  processes.lives(run.process);

/**
 * Takes away what is left of a run that has ended unseen; gives what stays of it. The caller holds
 * its name's lock.
 */
export async function settle(
  host: Host,
  tools: RunTools,
  run: RunRecord,
): Promise<RunRecord | undefined> {
  if (run.end !== undefined || isRunning(host, tools, run)) return run;
  host.log.info("a run has ended unseen", { name: run.name });
  return finish(host, tools, run, undefined);
}

/**
 * Ends what a command has left running, takes its interfaces away, and its record unless that is
 * kept; gives that then. What fails can be done again.
 */
export async function finish(
  host: Host,
  { processes, plugin }: Pick<RunTools, "processes" | "plugin">,
  run: RunRecord,
  status: number | undefined,
): Promise<RunRecord | undefined> {
  endProcesses(host, processes, run);
  for (const id of attachmentsOf(run)) await plugin.del(delRequest(id));
  if (!run.kept) {
    forgetRun(host, run.name);
    return undefined;
  }
  const ended = { ...run, end: { status, at: host.kernel.sinceBoot() } };
  writeRun(host, ended);
  return ended;
}

/**
 * Ends the processes in a run's namespace, also those that they start meanwhile: one that starts its
 * successor and goes can be missed by every single look, so a look that finds none counts where no
 * process of the machine has begun during it, or with many more like it. Throws Failure "try-again"
 * where there are some still.
 */
function endProcesses(host: Host, processes: RunTools["processes"], run: RunRecord): void {
  const deadline = deadlineIn(host.clock, endMs);
  for (let empty = 0; empty < enough; ) {
    const given = processes.lastGiven();
    let found = 0;
    for (const pid of processesIn(host, processes, run)) {
      const left = processes.find(pid);
      if (left !== undefined) processes.send(left, "SIGKILL");
      found += 1;
    }
    const complete = processes.lastGiven() === given;
    if (found === 0 && complete) return;
    empty = found === 0 ? empty + 1 : 0;
    if (found > 0 && deadline.left() === 0)
      throw new Failure("try-again", `Cannot end "${run.name}": it goes on starting processes`, {
        details: `Try again: socketplane rm --force ${run.name}`,
      });
    // Those that are killed need a moment to go.
    if (complete) host.kernel.sleep(1);
  }
}

/**
 * The processes in a run's namespace, the newest first, each as it is found. *Bites here*: the identity of a namespace that is gone is soon
 * another's, so one of the run's links must lead there; and who only looks into it from here, as
 * this program does for an instant, is not of the run.
 */
function* processesIn(
  host: Host,
  processes: RunTools["processes"],
  run: RunRecord,
): Iterable<number> {
  if (run.boot !== host.kernel.bootId()) return;
  const numbers = attachmentsOf(run).map((id) => netnsNumberOf(host, id));
  for (const pid of processes.list().toReversed()) {
    if (processes.netnsOf(pid) !== run.netns || processes.isFromHere(pid)) continue;
    const number = netnsNumberAt(host, pid);
    if (number !== undefined && numbers.includes(number)) yield pid;
  }
}
