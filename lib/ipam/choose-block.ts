/** Which block a node claims: pure. */
import { fnv1a64 } from "../hash.ts";
import type { Ip4 } from "../net/ip4.ts";
import { last4, type Prefix4, prefix4Of } from "../net/prefix.ts";
import type { Lease } from "./leases.ts";
import type { Network } from "./network.ts";

/**
 * A block that holds dynamic addresses and that no lease touches. The network's first goes to its
 * first node; every other node begins at a place of its own, so that they don't race for one block,
 * and goes on from the block it claimed last.
 */
export function nextBlock(
  network: Network,
  leases: readonly Lease[],
  node: string,
): Prefix4 | undefined {
  const { base, size, count } = blocksOf(network);
  const blocks = leases.filter(({ prefix }) => prefix.length === network.blockLength);
  const last = blocks
    .filter((lease) => lease.node === node)
    .sort(byRevision)
    .at(-1);
  const start =
    blocks.length === 0
      ? 0
      : last === undefined
        ? fnv1a64(node).low % count
        : (last.prefix.base - base) / size + 1;
  const taken = takenBlocks(network, leases);
  for (let step = 0; step < count; step += 1) {
    const block = base + ((start + step) % count) * size;
    const prefix: Prefix4 = { base: block as Ip4, length: network.blockLength };
    if (!taken.has(block) && addressesIn(network, prefix) > 0) return prefix;
  }
  return undefined;
}

/** How many blocks no lease touches. */
export function countFree(network: Network, leases: readonly Lease[]): number {
  const { base, size, count } = blocksOf(network);
  const taken = takenBlocks(network, leases);
  let free = 0;
  for (let block = base; block < base + count * size; block += size) {
    const prefix: Prefix4 = { base: block as Ip4, length: network.blockLength };
    if (!taken.has(block) && addressesIn(network, prefix) > 0) free += 1;
  }
  return free;
}

/**
 * The block of an address, if it has dynamic ones as well; else the address is a lease of its own.
 * (A lease inside a block would keep all others of the block from being given.)
 */
export function leaseFor(network: Network, address: Ip4): Prefix4 {
  const block = prefix4Of(address, network.blockLength);
  return addressesIn(network, block) > 0 ? block : prefix4Of(address, 32);
}

/**
 * How many addresses a block has to give: neither the gateway, nor what is out of the range. A
 * single address is for who asked for it.
 */
export function addressesIn({ range, gateway }: Network, block: Prefix4): number {
  if (block.length === 32) return 0;
  const from = Math.max(block.base, range.first);
  const to = Math.min(last4(block), range.last);
  if (from > to) return 0;
  return to - from + 1 - (gateway >= from && gateway <= to ? 1 : 0);
}

/** The blocks that reach into the network's range. */
export function blocksOf({ range, blockLength }: Network) {
  const size = 2 ** (32 - blockLength);
  const { base } = prefix4Of(range.first, blockLength);
  return { base: base as number, size, count: Math.ceil((range.last + 1 - base) / size) };
}

export const takenBlocks = (
  { blockLength }: Network,
  leases: readonly Lease[],
): ReadonlySet<number> =>
  new Set(leases.map(({ prefix }) => prefix4Of(prefix.base, blockLength).base));

const byRevision = (a: Lease, b: Lease): number => a.revision - b.revision;
