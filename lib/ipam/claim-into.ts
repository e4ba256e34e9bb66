/** Claims a block, and makes it one that this node gives addresses of. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Revision } from "../store/store.ts";
import { blockName } from "./assignment.ts";
import { claimBlock } from "./claim.ts";
import type { restMs } from "./freshness.ts";
import { type HeldNetwork, type NodeIpam, writeCache } from "./held.ts";
import { asking } from "./refresh.ts";

/**
 * Claims the block of an address, or the next one, under the network's lock, which the caller holds.
 * Gives what is held then: as before, where the network or the node was changed meanwhile.
 */
export async function claimInto(
  ipam: NodeIpam,
  folder: Dir,
  held: HeldNetwork,
  { address, who }: { readonly address: Ip4 | undefined; readonly who: keyof typeof restMs },
  deadline: Deadline,
): Promise<HeldNetwork> {
  const block = await asking(ipam, who, deadline, (registry, until) =>
    claimBlock(registry, held, address, until),
  );
  if (block === undefined) return held;
  const blocks = [...held.blocks, block].sort((a, b) => a.prefix.base - b.prefix.base);
  folder.make(blockName(block)).close();
  // What the agent saw before this claim must not be written over it.
  const now = { ...held, blocks, revision: block.revision as Revision };
  writeCache(folder, now);
  return now;
}
