/** Takes away what containers have left that went without a DEL: for the agent. */
import { type Deadline, within } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { type AttachmentId, ownerName } from "../ipam/assignment.ts";
import { listAssignments } from "../ipam/assignments.ts";
import type { Host } from "./host.ts";
import { isOwnAddress, outerName } from "./names.ts";
import { lockAttachment } from "./node.ts";
import { disconnect } from "./remove.ts";
import { ourPorts } from "./sync.ts";

/**
 * Detaches each attachment whose link is gone, as its namespace took that along, and gives its
 * address back; gives which those were. One that a command is at work on is left to that. The
 * caller does not hold the switch's lock.
 */
export function sweepGone(host: Host, deadline: Deadline): readonly AttachmentId[] {
  // In another network namespace than the switch's, every container would seem to be gone.
  if (host.links().get(host.config.ovs.bridge) === undefined) return [];
  const written = listAssignments(host.ipam.dirs).filter(
    ({ id, ofport }) => ofport !== undefined && !isOwnAddress(id),
  );
  const plugged = ourPorts(host, deadline).attachments;
  const known = new Map([...written, ...plugged].map(({ id }) => [ownerName(id), id]));
  const links = new Set(
    host
      .links()
      .list()
      .map(({ name }) => name),
  );
  const gone = [...known.values()].filter((id) => !links.has(outerName(id)));
  return gone.filter((id) => detach(host, id, deadline));
}

function detach(host: Host, id: AttachmentId, deadline: Deadline): boolean {
  const unlock = tryLock(host, id, deadline);
  if (unlock === undefined) return false;
  try {
    // An ADD may have made it since.
    if (host.links().get(outerName(id)) !== undefined) return false;
    disconnect(host, id, deadline);
    host.log.warn("gave back what a container has left that is gone", { ...id });
    return true;
  } finally {
    unlock();
  }
}

/** Undefined while an ADD, DEL or CHECK of it is under way. */
function tryLock(host: Host, id: AttachmentId, deadline: Deadline): (() => void) | undefined {
  try {
    return lockAttachment(host, id, within(deadline, host.clock, 0));
  } catch (fault) {
    if (fault instanceof Failure && fault.kind === "try-again") return undefined;
    throw fault;
  }
}
