/** Gives up blocks that are not in use: here first, then in the store. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { blockName, type HeldBlock } from "./assignment.ts";
import { endGivingBack, markGiven } from "./give-back.ts";
import { type HeldNetwork, type NodeIpam, writeCache } from "./held.ts";
import { asking } from "./refresh.ts";

/**
 * Gives up those of `blocks` that no address is in use of; gives which those were. The caller holds
 * the network's lock, with its folder. Throws what the store throws: then they are marked, and the
 * next that asks the store ends it.
 */
export async function giveUp(
  ipam: NodeIpam,
  folder: Dir,
  held: HeldNetwork,
  blocks: readonly HeldBlock[],
  deadline: Deadline,
): Promise<readonly HeldBlock[]> {
  // The folder first: an ADD that looks for it then finds none, and looks again; one that was
  // faster has made it impossible.
  const gone = blocks.filter((block) => folder.removeDir(blockName(block)) === "removed");
  if (gone.length === 0) return [];
  markGiven(folder, gone);
  writeCache(folder, { ...held, blocks: held.blocks.filter((block) => !gone.includes(block)) });
  const of = { network: held.stored.network.name, node: held.node.name };
  await asking(ipam, "able", deadline, (registry, until) =>
    endGivingBack(registry, folder, of, until),
  );
  return gone;
}
