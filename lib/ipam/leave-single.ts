/** What follows the release of an address, where it had a lease of its own. */
import type { Deadline } from "../deadline.ts";
import { type Assignment, isSingle } from "./assignment.ts";
import type { NodeIpam } from "./held.ts";

/** Gives the lease back too; nothing for an address of a block, as nearly all are. */
export async function leaveSingle(
  ipam: NodeIpam,
  released: Assignment | undefined,
  deadline: Deadline,
): Promise<void> {
  if (released === undefined || !isSingle(released.block)) return;
  const { giveBackSingle } = await import("./single.ts");
  await giveBackSingle(ipam, released, deadline);
}
