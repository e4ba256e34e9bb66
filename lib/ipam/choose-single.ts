/** Which address is a lease of its own, where none was asked for: pure. */
import type { Ip4 } from "../net/ip4.ts";
import { last4, type Prefix4, prefix4Of } from "../net/prefix.ts";
import { addressesIn, blocksOf, takenBlocks } from "./choose-block.ts";
import type { Lease } from "./leases.ts";
import type { Network } from "./network.ts";

/**
 * An address of the range that no lease covers: in a block that is broken up already, if there is
 * one; else in the last that no lease touches, so that nodes find theirs at the other end.
 */
export function nextSingle(network: Network, leases: readonly Lease[]): Prefix4 | undefined {
  const { blockLength } = network;
  const single = leases.filter(({ prefix }) => prefix.length === 32);
  const taken = new Set(single.map(({ prefix }) => prefix.base));
  const bases = new Set(single.map(({ prefix }) => prefix4Of(prefix.base, blockLength).base));
  for (const base of bases) {
    const address = freeIn(network, { base, length: blockLength }, taken);
    if (address !== undefined) return { base: address, length: 32 };
  }
  const block = lastFree(network, leases);
  const address = block && freeIn(network, block, taken);
  return address === undefined ? undefined : { base: address, length: 32 };
}

function freeIn(
  { range, gateway }: Network,
  block: Prefix4,
  taken: ReadonlySet<Ip4>,
): Ip4 | undefined {
  const last = Math.min(last4(block), range.last);
  for (let at = Math.max(block.base, range.first); at <= last; at += 1) {
    const address = at as Ip4;
    if (address !== gateway && !taken.has(address)) return address;
  }
  return undefined;
}

function lastFree(network: Network, leases: readonly Lease[]): Prefix4 | undefined {
  const { base, size, count } = blocksOf(network);
  const taken = takenBlocks(network, leases);
  for (let at = base + (count - 1) * size; at >= base; at -= size) {
    const block: Prefix4 = { base: at as Ip4, length: network.blockLength };
    if (!taken.has(block.base) && addressesIn(network, block) > 0) return block;
  }
  return undefined;
}
