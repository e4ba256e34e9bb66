/**
 * What a run leaves, taken away: at its end, and afterwards where nobody was there to do so. See
 * supervise.ts for the folder's note.
 */
import type { Host } from "../attach/host.ts";
import { netnsNumberAt, netnsNumberOf } from "../attach/inhabitants.ts";
import { attachmentsOf, forgetRun, type RunRecord, writeRun } from "./record.ts";
import { delRequest } from "./request.ts";
import type { RunTools } from "./world.ts";

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
  for (const pid of processesIn(host, processes, run)) {
    const left = processes.find(pid);
    if (left !== undefined) processes.send(left, "SIGKILL");
  }
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
 * The processes in a run's namespace. *Bites here*: the identity of a namespace that is gone is soon
 * another's, so one of the run's links must lead there; and who only looks into it from here, as
 * this program does for an instant, is not of the run.
 */
function processesIn(
  host: Host,
  processes: RunTools["processes"],
  run: RunRecord,
): readonly number[] {
  if (run.boot !== host.kernel.bootId()) return [];
  const numbers = attachmentsOf(run).map((id) => netnsNumberOf(host, id));
  return processes
    .list()
    .filter((pid) => processes.netnsOf(pid) === run.netns && !processes.isFromHere(pid))
    .filter((pid) => {
      const number = netnsNumberAt(host, pid);
      return number !== undefined && numbers.includes(number);
    });
}
