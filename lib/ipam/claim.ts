/** Claims a block that no node holds, or the address that was asked for. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { hexOfIp4, type Ip4 } from "../net/ip4.ts";
import { contains4, last4, type Prefix4, prefix4Of } from "../net/prefix.ts";
import { compareAndSwap } from "../store/cas.ts";
import type { Revision } from "../store/store.ts";
import type { HeldBlock } from "./assignment.ts";
import { claimTxn, type Lease, readLeases } from "./leases.ts";
import type { Network } from "./network.ts";
import type { Registry, StoredNetwork } from "./networks.ts";
import type { RegisteredNode } from "./nodes.ts";

/**
 * Claims a block with free addresses: the one of `address`, if given. Throws Failure "no-address"
 * when there is none left, saying who holds them.
 */
export async function claimBlock(
  registry: Registry,
  stored: StoredNetwork,
  node: RegisteredNode,
  address: Ip4 | undefined,
  deadline: Deadline,
): Promise<HeldBlock> {
  const action = `claim a block of network "${stored.network.name}"`;
  const claimed = await compareAndSwap(registry, action, deadline, async () => {
    const leases = await readLeases(registry, stored.network.name, deadline);
    const prefix =
      address === undefined
        ? firstFreeBlock(stored.network, leases)
        : leaseFor(stored.network, address);
    if (prefix === undefined) throw exhausted(stored.network, leases);
    const holder = leases.find((lease) => contains4(lease.prefix, prefix.base));
    if (holder !== undefined) throw heldElsewhere(stored.network, holder);
    return { value: prefix, txn: claimTxn(registry.keys, stored, node, prefix) };
  });
  return { prefix: claimed.value, revision: claimed.revision as Revision };
}

/** Whether there is a block that no node holds. */
export async function hasFreeBlock(
  registry: Registry,
  network: Network,
  deadline: Deadline,
): Promise<boolean> {
  return firstFreeBlock(network, await readLeases(registry, network.name, deadline)) !== undefined;
}

/**
 * The block of an address, if it has dynamic ones as well; else the address is a lease of its own.
 * (A lease inside a block would keep all others of the block from being given.)
 */
function leaseFor(network: Network, address: Ip4): Prefix4 {
  const block = prefix4Of(address, network.blockLength);
  return hasAddress(network, block) ? block : prefix4Of(address, 32);
}

/** The lowest block that holds dynamic addresses and that no lease touches. */
export function firstFreeBlock(network: Network, leases: readonly Lease[]): Prefix4 | undefined {
  const size = 2 ** (32 - network.blockLength);
  const taken = new Set(
    leases.map((lease) => hexOfIp4(prefix4Of(lease.prefix.base, network.blockLength).base)),
  );
  const first = prefix4Of(network.range.first, network.blockLength).base;
  for (let base = first; base <= network.range.last; base = (base + size) as Ip4) {
    const prefix = { base, length: network.blockLength };
    if (!taken.has(hexOfIp4(base)) && hasAddress(network, prefix)) return prefix;
  }
  return undefined;
}

/** Whether a block has an address to give: not only the gateway, or what is out of range. */
function hasAddress(network: Network, block: Prefix4): boolean {
  const from = Math.max(block.base, network.range.first);
  const to = Math.min(last4(block), network.range.last);
  const gateway = network.gateway >= from && network.gateway <= to ? 1 : 0;
  return to - from + 1 - gateway > 0;
}

function exhausted(network: Network, leases: readonly Lease[]): Failure {
  const holders = new Map<string, number>();
  for (const { node } of leases) holders.set(node, (holders.get(node) ?? 0) + 1);
  const first = prefix4Of(network.range.first, network.blockLength).base;
  const blocks = Math.ceil((network.range.last + 1 - first) / 2 ** (32 - network.blockLength));
  const held = [...holders].map(([node, count]) => `${node} holds ${count}`).join(", ");
  return new Failure(
    "no-address",
    `Cannot assign an address in network "${network.name}": none is free, and no block is left of the ${blocks} in its range`,
    { details: `${held}. Remove containers, or use a larger subnet or range.` },
  );
}

function heldElsewhere(network: Network, holder: Lease): Failure {
  return new Failure(
    "no-address",
    `Cannot assign the address asked for in network "${network.name}": its block is held by node "${holder.node}"`,
  );
}
