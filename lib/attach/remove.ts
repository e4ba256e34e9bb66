/**
 * Takes an attachment away: from its names, never from a cache or the container's namespace.
 *
 * Every step forgives absence, and only absence; the steps that don't need each other all run; the
 * address is given back last, when nothing is left that could answer for it.
 */
import { type Deadline, deadlineIn } from "../deadline.ts";
import { asFailure, Failure } from "../errors.ts";
import type { Assignment, AttachmentId } from "../ipam/assignment.ts";
import { find, heldPort } from "../ipam/assignments.ts";
import { release } from "../ipam/release.ts";
import type { Limits } from "../limits.ts";
import { attachmentCookie, only } from "../overlay/cookies.ts";
import { withoutMeters } from "../overlay/meters.ts";
import type { Ofport } from "../ovs/flow.ts";
import type { Flows } from "../ovs/switch.ts";
import { refusedWith } from "../sys/errno.ts";
import type { Deletion, Host } from "./host.ts";
import { outerName } from "./names.ts";
import { readPort } from "./ports.ts";
import { removeRow } from "./rows.ts";
import { limitsIn } from "./stored-rows.ts";

/** Gives the assignment that was given back. */
export function disconnect(
  host: Host,
  id: AttachmentId,
  deadline: Deadline,
): Assignment | undefined {
  const link = outerName(id);
  const known = find(host.ipam.dirs, id);
  const faults: unknown[] = [];
  const step = (act: () => void) => {
    try {
      act();
    } catch (fault) {
      faults.push(fault);
    }
  };
  const unlock = host.run.lock("switch.lock", "shared", deadline);
  try {
    let deletion: Deletion | undefined;
    step(() => {
      deletion = host.startDeleting(link);
    });
    // The kernel is at work on the link meanwhile.
    const had = known && { ...known, ofport: heldPort(host.ipam.dirs, known) };
    step(() => removePort(host, link, had, deadline));
    step(() => deletion?.finish(deadline));
  } finally {
    unlock();
  }
  if (faults.length > 0) {
    const passing = faults.every((fault) => fault instanceof Failure && fault.kind === "try-again");
    throw Failure.join(
      passing ? "try-again" : asFailure(faults[0]).kind,
      `Cannot detach "${id.ifname}" of container ${id.containerId}`,
      faults,
    );
  }
  return release(host.ipam.dirs, id);
}

/** Removes a container's port with its flows; nothing if there is none. */
export function removePort(
  host: Host,
  link: string,
  known: Pick<Assignment, "ofport" | "limits"> | undefined,
  deadline: Deadline,
): void {
  const { bridge, uuid, ids } = readPort(host, link, deadline);
  if (!bridge) return;
  const ofport = known?.ofport ?? Number(ids["socketplane-port"]);
  const limits = known?.limits ?? limitsIn(ids);
  try {
    if (ofport > 0) removeFlows(host, { ofport, limits }, deadline);
  } finally {
    // A switch that hangs has taken all the time, but the database asks it nothing.
    const until = deadline.left() > 0 ? deadline : deadlineIn(host.clock, databaseMs);
    if (uuid !== undefined) {
      host.database(until).transact([removeRow(uuid)], until);
    }
  }
}

/** What a database that answers takes at most, milliseconds. */
const databaseMs = 2_000;

/** Removes an attachment's flows and meters. A switch that doesn't run has none. */
function removeFlows(
  host: Host,
  { ofport, limits }: { readonly ofport: Ofport; readonly limits: Limits | undefined },
  deadline: Deadline,
): void {
  let flows: Flows;
  try {
    flows = host.flows(deadline);
  } catch (fault) {
    const cause = fault instanceof Failure ? fault.cause : undefined;
    if (refusedWith(cause, "ECONNREFUSED", "ENOENT")) return;
    throw fault;
  }
  const cookies = only(attachmentCookie(ofport));
  flows.stage([{ do: "delete", cookies }], deadline).commit(deadline);
  if (limits !== undefined) flows.changeMeters(withoutMeters(ofport), deadline);
}
