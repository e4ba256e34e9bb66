/** Gives up blocks that are not in use: here first, then in the store. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { blockName, type HeldBlock, isSingle } from "./assignment.ts";
import { endGivingBack, markGiven } from "./give-back.ts";
import { going, type HeldNetwork, type NodeIpam, writeCache } from "./held.ts";
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
  const gone = blocks.filter((block) => isGone(folder, block));
  if (gone.length === 0) return [];
  markGiven(folder, gone);
  writeCache(folder, { ...held, blocks: held.blocks.filter((block) => !gone.includes(block)) });
  const of = { network: held.stored.network.name, node: held.node.name };
  await asking(ipam, "able", deadline, (registry, until) =>
    endGivingBack(registry, folder, of, until),
  );
  return gone;
}

function isGone(folder: Dir, block: HeldBlock): boolean {
  const name = blockName(block);
  const outcome = folder.removeDir(name);
  if (outcome !== "absent") return outcome === "removed";
  // Of one address: who gave it up was killed here, unless its whole network is on its way out.
  return isSingle(name) && !folder.list().includes(going(name));
}
