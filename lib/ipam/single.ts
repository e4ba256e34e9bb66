/**
 * Leases of one address each: with a MAC that was asked for, or outside of the network's range.
 * Nobody else is given it, so it goes back with the one who asked.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { reasonOf } from "../errors.ts";
import { type HeldBlock, parseBlockName } from "./assignment.ts";
import type { Claim } from "./claim.ts";
import { given } from "./give-back.ts";
import { giveUp } from "./give-up.ts";
import {
  claiming,
  type HeldNetwork,
  heldNow,
  type NodeIpam,
  readCache,
  underLock,
} from "./held.ts";
import { refresh } from "./refresh.ts";

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
  await giveBackIf(ipam, network, ({ prefix }) => prefix.base === base, deadline);
}

/**
 * Gives back all of this node that nothing is in use of: an ADD may have been killed between its
 * claim and its address. No ADD is under way on this node. Gives the networks that were looked at.
 */
export async function giveBackUnused(
  ipam: NodeIpam,
  deadline: Deadline,
): Promise<readonly string[]> {
  const networks = ipam.dirs.networks.list().filter((network) => {
    const blocks = heldNow(ipam.dirs, network)?.blocks ?? [];
    return blocks.some(isOfOne) || isCutShort(ipam, network);
  });
  for (const network of networks) await giveBackIf(ipam, network, () => true, deadline);
  return networks;
}

async function giveBackIf(
  ipam: NodeIpam,
  network: string,
  isMeant: (block: HeldBlock) => boolean,
  deadline: Deadline,
): Promise<void> {
  try {
    await underLock(ipam, network, deadline, async (folder) => {
      const names = folder.list();
      if (names.some(isMark)) {
        await refresh(ipam, folder, { name: network, spec: undefined }, "able", deadline);
        folder.remove(claiming);
      }
      const held = readCache(folder);
      if (held === undefined) return;
      const meant = held.blocks.filter((block) => isOfOne(block) && isMeant(block));
      await giveUp(ipam, folder, held, meant, deadline);
    });
  } catch (fault) {
    ipam.log.warn("a lease is given back later", { network, reason: reasonOf(fault) });
  }
}

/** A claim or a giving back was, of which the store may know and the cache not. */
function isCutShort({ dirs }: NodeIpam, network: string): boolean {
  const folder = dirs.networks.open(network);
  const names = folder?.list() ?? [];
  folder?.close();
  return names.some(isMark);
}

const isMark = (name: string): boolean => name === claiming || name.endsWith(given);

const isOfOne = ({ prefix }: HeldBlock): boolean => prefix.length === 32;

/**
 * Gives back what stands in a claim's way and is not in use, as a killed ADD leaves it. Gives what
 * is held then.
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
      isOfOne(block) && (block.prefix.base === address || (mac !== undefined && block.mac === mac)),
  );
  const gone = await giveUp(ipam, folder, held, inTheWay, deadline);
  return gone.length === 0 ? held : (readCache(folder) ?? held);
}
