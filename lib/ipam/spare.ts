/** Blocks in reserve: claimed before the last address is given, given back when they are not used. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { blockName, type HeldBlock } from "./assignment.ts";
import { addressesIn, countFree } from "./choose-block.ts";
import { claimInto } from "./claim-into.ts";
import { giveUp } from "./give-up.ts";
import { type HeldNetwork, type NodeIpam, readCache, underLock } from "./held.ts";
import { readLeases } from "./leases.ts";
import type { Network } from "./network.ts";
import { readNodes } from "./nodes.ts";
import { asking, refresh } from "./refresh.ts";

/**
 * Claims another block of a network that this node has blocks of when few addresses are left in
 * them, so that an ADD need not. "none left": what is free is left to nodes that have none.
 */
export async function claimAhead(
  ipam: NodeIpam,
  network: string,
  deadline: Deadline,
): Promise<"claimed" | "enough" | "none left"> {
  return underLock(ipam, network, deadline, async (folder) => {
    const cached = readCache(folder);
    if (cached === undefined || !isShort(folder, cached)) return "enough";
    const held = await refresh(ipam, folder, { name: network, spec: undefined }, "able", deadline);
    if (held.stored.network.deleting || !isShort(folder, held)) return "enough";
    if ((await countSpare(ipam, held.stored.network, deadline)) <= 0) return "none left";
    const now = await claimInto(ipam, folder, held, { who: "able" }, deadline);
    return now === held ? "enough" : "claimed";
  });
}

/**
 * Gives back the blocks without an address in use: all but one, and but those that would soon be
 * claimed again. Gives those that this node holds no longer.
 */
export async function giveBack(
  ipam: NodeIpam,
  network: string,
  deadline: Deadline,
): Promise<readonly HeldBlock[]> {
  return underLock(ipam, network, deadline, async (folder) => {
    const held = readCache(folder);
    if (held === undefined) return [];
    return giveUp(ipam, folder, held, dispensable(folder, held), deadline);
  });
}

/** Fewer are left than a quarter of a block. */
const isShort = (folder: Dir, { stored, blocks }: HeldNetwork): boolean =>
  blocks.length > 0 && freeIn(folder, stored.network, blocks) < blockSize(stored.network) / 4;

/** The last ones first. Of what stays, half a block is free: else it would soon be claimed again. */
function dispensable(folder: Dir, { stored, blocks }: HeldNetwork): readonly HeldBlock[] {
  const { network } = stored;
  const empty = blocks.filter((block) => takenIn(folder, block) === 0);
  const single = empty.filter(({ prefix }) => prefix.length > network.blockLength);
  let kept = blocks.filter((block) => !single.includes(block));
  for (const block of empty.filter((one) => !single.includes(one)).reverse()) {
    const rest = kept.filter((one) => one !== block);
    const spare = rest.length > 0 && freeIn(folder, network, rest) >= blockSize(network) / 2;
    if (spare) kept = rest;
  }
  return blocks.filter((block) => !kept.includes(block));
}

/** Blocks that no node needs more than this one. */
async function countSpare(ipam: NodeIpam, network: Network, deadline: Deadline): Promise<number> {
  return asking(ipam, "able", deadline, async (registry, until) => {
    const leases = await readLeases(registry, network.name, until);
    const holders = new Set(leases.map(({ node }) => node));
    const nodes = [...(await readNodes(registry, until)).keys()];
    return countFree(network, leases) - nodes.filter((name) => !holders.has(name)).length;
  });
}

const freeIn = (folder: Dir, network: Network, blocks: readonly HeldBlock[]): number =>
  blocks.reduce((free, block) => free + freeOf(folder, network, block), 0);

function freeOf(folder: Dir, network: Network, block: HeldBlock): number {
  // What was asked for outside of the range has no address to give, and is taken all the same.
  return Math.max(0, addressesIn(network, block.prefix) - takenIn(folder, block));
}

function takenIn(folder: Dir, block: HeldBlock): number {
  const opened = folder.open(blockName(block));
  const taken = opened?.list().length ?? 0;
  opened?.close();
  return taken;
}

const blockSize = ({ blockLength }: Network): number => 2 ** (32 - blockLength);
