/**
 * Takes away what containers have left that went without a DEL: for the agent, and one by one for
 * the operator. Where a namespace is deleted, the kernel takes the container's link along, and our end
 * of it; port, flows and address stay.
 */
import { type Deadline, within } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { type AttachmentId, ownerName } from "../ipam/assignment.ts";
import { listAssignments } from "../ipam/assignments.ts";
import type { Host } from "./host.ts";
import { leave } from "./leave.ts";
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
  if (!isWithLinks(host)) return [];
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

/** In another network namespace than the switch's, every container would seem to be gone. */
export const isWithLinks = (host: Host): boolean =>
  host.links().get(host.config.ovs.bridge) !== undefined;

/** Whether an attachment that has a port has no link any more. */
export const isGone = (host: Host, id: AttachmentId): boolean =>
  isWithLinks(host) && host.links().get(outerName(id)) === undefined;

/**
 * Takes such an attachment away, and its address' own lease. Throws Failure "try-again" for one whose
 * link is there: it may be in use.
 */
export async function removeGone(host: Host, id: AttachmentId, deadline: Deadline): Promise<void> {
  const unlock = lockAttachment(host, id, deadline);
  try {
    // An ADD may have made it since.
    if (!isGone(host, id)) {
      throw new Failure(
        "try-again",
        `Cannot remove "${id.containerId}": its interface ${id.ifname} is there`,
        { details: `Who has started it ends it, and calls DEL for network list "${id.name}"` },
      );
    }
    await leave(host, disconnect(host, id, deadline), deadline);
  } finally {
    unlock();
  }
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
