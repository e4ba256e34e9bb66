/** What was killed, or ended by a reboot, taken away by who comes next. See supervise.ts. */
import type { Host } from "../attach/host.ts";
import { outerName, runCniName } from "../attach/names.ts";
import { reasonOf } from "../errors.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import { listAssignments } from "../ipam/assignments.ts";
import { tryLock } from "./claim.ts";
import { listRuns, readRun } from "./record.ts";
import { delRequest } from "./request.ts";
import { settle } from "./settle.ts";
import type { RunTools } from "./world.ts";

/** What can't be taken away now is left to the next, and said in the log. */
export async function settleAll(host: Host, tools: RunTools): Promise<void> {
  const runs = listRuns(host);
  for (const { name } of runs.filter(({ end }) => end === undefined)) {
    await alone(host, name, async () => {
      const run = readRun(host, name);
      if (run !== undefined) await settle(host, tools, run);
    });
  }
  const known = new Set(runs.map(({ name }) => name));
  for (const id of ours(host).filter(({ containerId }) => !known.has(containerId))) {
    await alone(host, id.containerId, () => dropLost(host, tools, id));
  }
}

/** The run directory was lost, and what was in it: what has no link any more has no command. */
async function dropLost(host: Host, { plugin }: RunTools, id: AttachmentId): Promise<void> {
  if (readRun(host, id.containerId) !== undefined) return;
  if (host.links().get(outerName(id)) === undefined) await plugin.del(delRequest(id));
}

const ours = (host: Host): readonly AttachmentId[] =>
  listAssignments(host.ipam.dirs)
    .map(({ id }) => id)
    .filter(({ name }) => name === runCniName);

/** Does nothing where somebody watches over it. */
async function alone(host: Host, name: string, act: () => Promise<void>): Promise<void> {
  const release = tryLock(host, name);
  if (release === undefined) return;
  try {
    await act();
  } catch (fault) {
    host.log.warn("cannot take away what a run has left", { name, reason: reasonOf(fault) });
  } finally {
    release();
  }
}
