/** What follows the release of an address, where it had a lease of its own. */
import type { Deadline } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import { type Assignment, isSingle } from "../ipam/assignment.ts";
import { leaveSingle } from "../ipam/leave-single.ts";
import { tellOfLeases } from "./gateway.ts";
import type { Host } from "./host.ts";

/**
 * Gives the lease back too, and takes it out of switch and firewall; nothing for an address of a
 * block. What can't be done now is done by the next ADD, or the agent.
 */
export async function leave(
  host: Host,
  released: Assignment | undefined,
  deadline: Deadline,
): Promise<void> {
  await leaveSingle(host.ipam, released, deadline);
  if (released === undefined || !isSingle(released.block)) return;
  const { network } = released;
  try {
    await tellOfLeases(host, network, deadline);
  } catch (fault) {
    const reason = reasonOf(fault);
    host.log.warn("the switch is told later of a lease that was given back", { network, reason });
  }
}
