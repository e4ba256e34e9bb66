/**
 * Gives leases back to the store, so that a death in between is seen and ended by the next.
 *
 * A mark says that the lease, of that revision, is not ours any more, whatever the store still
 * says: the removal may have been sent by a process that died, or by one that stopped waiting, and
 * happen at any time after.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { blockName, type HeldBlock } from "./assignment.ts";
import { readLeases, removeLeases } from "./leases.ts";
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
  { network, node }: { readonly network: string; readonly node: string },
  deadline: Deadline,
): Promise<void> {
  const marked = new Set(folder.list().filter((name) => name.endsWith(given)));
  if (marked.size === 0) return;
  // A store that went back may have given the same revision to another node.
  const ours = (await readLeases(registry, network, deadline)).filter(
    (lease) => lease.node === node && marked.has(blockName(lease) + given),
  );
  await removeLeases(registry, network, ours, deadline);
  for (const name of marked) folder.remove(name);
}
