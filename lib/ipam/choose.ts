/** Which address is given next: pure. */
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { last4 } from "../net/prefix.ts";
import type { HeldBlock } from "./assignment.ts";
import type { Network } from "./network.ts";

/** A block held, with the addresses that are taken in it. */
export interface Candidate {
  readonly block: HeldBlock;
  readonly address: Ip4;
}

/**
 * The next free address: upwards from the one after `last`, then from the lowest; so an address
 * given back rests as long as it can. `taken` gives the addresses taken in a block, as text.
 *
 * A plain function, not a generator of all of them: *measured*, those cost an ADD 0.2 ms.
 */
export function nextFree(
  network: Network,
  blocks: readonly HeldBlock[],
  taken: (block: HeldBlock) => ReadonlySet<string>,
  last: Ip4 | undefined,
): Candidate | undefined {
  const ordered = [...blocks].sort((a, b) => a.prefix.base - b.prefix.base);
  const start = last === undefined ? network.range.first : last + 1;
  return (
    firstFree(network, ordered, taken, start, network.range.last) ??
    firstFree(network, ordered, taken, network.range.first, start - 1)
  );
}

function firstFree(
  network: Network,
  blocks: readonly HeldBlock[],
  taken: (block: HeldBlock) => ReadonlySet<string>,
  first: number,
  last: number,
): Candidate | undefined {
  for (const block of blocks) {
    const from = Math.max(first, block.prefix.base, network.range.first);
    const to = Math.min(last, last4(block.prefix), network.range.last);
    // A single address is for who asked for it.
    if (from > to || block.prefix.length === 32) continue;
    const used = taken(block);
    for (let address = from as Ip4; address <= to; address = (address + 1) as Ip4) {
      if (address !== network.gateway && !used.has(formatIp4(address))) return { block, address };
    }
  }
  return undefined;
}
