/**
 * Leases of one address each: with a MAC that was asked for, or outside of the network's range.
 * Nobody else is given it, so it goes back with the one who asked.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { reasonOf } from "../errors.ts";
import { type HeldBlock, parseBlockName } from "./assignment.ts";
import type { Claim } from "./claim.ts";
import { giveUp } from "./give-up.ts";
import { type HeldNetwork, type NodeIpam, readCache, underLock } from "./held.ts";

/**
 * Gives back the lease of one address, by its folder's name, if nothing is in use of it any more.
 * A store that is away is told by the next that reaches it.
 */
export async function giveBackSingle(
  ipam: NodeIpam,
  { network, block }: { readonly network: string; readonly block: string },
  deadline: Deadline,
): Promise<void> {
  // It may have been claimed again since, under another revision.
  const base = parseBlockName(block)?.prefix.base;
  const isMeant = ({ prefix }: HeldBlock) => prefix.length === 32 && prefix.base === base;
  try {
    await underLock(ipam, network, deadline, async (folder) => {
      const held = readCache(folder);
      if (held === undefined) return;
      await giveUp(ipam, folder, held, held.blocks.filter(isMeant), deadline);
    });
  } catch (fault) {
    ipam.log.warn("a lease is given back later", { network, block, reason: reasonOf(fault) });
  }
}

/**
 * Gives back what stands in a claim's way and is not in use: an ADD may have been killed between
 * its claim and its address. Gives what is held then.
 */
export async function clearFor(
  ipam: NodeIpam,
  folder: Dir,
  held: HeldNetwork,
  { address, mac }: Claim,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const inTheWay = held.blocks.filter(
    (block) =>
      block.prefix.length === 32 &&
      (block.prefix.base === address || (mac !== undefined && block.mac === mac)),
  );
  const gone = await giveUp(ipam, folder, held, inTheWay, deadline);
  return gone.length === 0 ? held : (readCache(folder) ?? held);
}
