/**
 * Gives leases back to the store, so that a death in between is seen and ended by the next.
 *
 * A mark says that the lease, of that revision, is not ours any more, whatever the store still
 * says: the removal may have been sent by a process that died, or by one that stopped waiting, and
 * happen at any time after.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { blockName, type HeldBlock, parseBlockName } from "./assignment.ts";
import { removeLeases } from "./leases.ts";
import type { Registry } from "./networks.ts";

/** The mark is a file beside the blocks' folders, whose name ends in this. */
export const given = ".given";

/** Marks blocks that have no folder any more. The caller holds the network's lock. */
export function markGiven(folder: Dir, blocks: readonly HeldBlock[]): void {
  for (const block of blocks) folder.create(blockName(block) + given, "");
}

/**
 * Removes from the store what is marked. The caller holds the network's lock; throws what the store
 * throws, and then the marks stay.
 */
export async function endGivingBack(
  registry: Registry,
  folder: Dir,
  network: string,
  deadline: Deadline,
): Promise<void> {
  for (const name of folder.list()) {
    const block = name.endsWith(given) ? parseBlockName(name.slice(0, -given.length)) : undefined;
    if (block === undefined) continue;
    await removeLeases(registry, network, [block], deadline);
    folder.remove(name);
  }
}
