/** Which address is given next: pure. */
import type { Ip4 } from "../net/ip4.ts";
import { last4 } from "../net/prefix.ts";
import type { HeldBlock } from "./assignment.ts";
import type { Network } from "./network.ts";

/** A block held, with the addresses that are taken in it. */
export interface Candidate {
  readonly block: HeldBlock;
  readonly address: Ip4;
}

/**
 * The free addresses in the order they are given: upwards from the one after `last`, then from
 * the lowest; so an address given back rests as long as it can.
 */
export function* freeAddresses(
  network: Network,
  blocks: readonly HeldBlock[],
  taken: (block: HeldBlock) => ReadonlySet<Ip4>,
  last: Ip4 | undefined,
): Generator<Candidate> {
  const ordered = [...blocks].sort((a, b) => a.prefix.base - b.prefix.base);
  const start = last === undefined ? network.range.first : last + 1;
  yield* between(network, ordered, taken, start, network.range.last);
  yield* between(network, ordered, taken, network.range.first, start - 1);
}

function* between(
  network: Network,
  blocks: readonly HeldBlock[],
  taken: (block: HeldBlock) => ReadonlySet<Ip4>,
  first: number,
  last: number,
): Generator<Candidate> {
  for (const block of blocks) {
    const from = Math.max(first, block.prefix.base, network.range.first);
    const to = Math.min(last, last4(block.prefix), network.range.last);
    if (from > to) continue;
    const used = taken(block);
    for (let address = from as Ip4; address <= to; address = (address + 1) as Ip4) {
      if (address !== network.gateway && !used.has(address)) yield { block, address };
    }
  }
}
