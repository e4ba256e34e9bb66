/** Claims a block, and makes it one that this node gives addresses of. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import type { Revision } from "../store/store.ts";
import { blockName } from "./assignment.ts";
import { type Claim, claimBlock } from "./claim.ts";
import type { restMs } from "./freshness.ts";
import { claiming, type HeldNetwork, type NodeIpam, writeCache } from "./held.ts";
import { asking } from "./refresh.ts";

/**
 * Claims what is asked for, or the next block, under the network's lock, which the caller holds.
 * Gives what is held then: as before, where the network or the node was changed meanwhile.
 */
export async function claimInto(
  ipam: NodeIpam,
  folder: Dir,
  held: HeldNetwork,
  { who, ...claim }: Claim & { readonly who: keyof typeof restMs },
  deadline: Deadline,
): Promise<HeldNetwork> {
  // Nobody else would look for it in the store, should this process die before it is written down.
  if (claim.mac !== undefined) folder.replace(claiming, "");
  const block = await asking(ipam, who, deadline, (registry, until) =>
    claimBlock(registry, held, claim, until),
  );
  if (block === undefined) return held;
  const blocks = [...held.blocks, block].sort((a, b) => a.prefix.base - b.prefix.base);
  folder.make(blockName(block)).close();
  // What the agent saw before this claim must not be written over it.
  const now = { ...held, blocks, revision: block.revision as Revision };
  writeCache(folder, now);
  if (claim.mac !== undefined) folder.remove(claiming);
  return now;
}
