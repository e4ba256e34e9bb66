/** Claims a block that no node holds, or the address that was asked for. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatMac, type Mac } from "../net/mac.ts";
import { contains4, type Prefix4 } from "../net/prefix.ts";
import { compareAndSwap } from "../store/cas.ts";
import type { Revision } from "../store/store.ts";
import type { HeldBlock } from "./assignment.ts";
import { blocksOf, leaseFor, nextBlock } from "./choose-block.ts";
import { claimTxn, type Lease, readLeases } from "./leases.ts";
import type { Network } from "./network.ts";
import type { Registry, StoredNetwork } from "./networks.ts";
import type { RegisteredNode } from "./nodes.ts";

/** What a claim compares, as it was read. */
export interface Claimant {
  readonly stored: StoredNetwork;
  readonly node: RegisteredNode;
}

/** What is to be had of a claim. */
export interface Claim {
  readonly address?: Ip4 | undefined;
  /** Of one address, with a lease of its own. */
  readonly mac?: Mac | undefined;
}

/**
 * Claims a block with free addresses: the one of `address`, if given. Undefined where the network or
 * the node's registration is no longer as `claimant` says: read them again. Throws Failure
 * "no-address" when there is none left, saying who holds them.
 */
export async function claimBlock(
  registry: Registry,
  claimant: Claimant,
  claim: Claim,
  deadline: Deadline,
): Promise<HeldBlock | undefined> {
  const { mac } = claim;
  const { stored, node } = claimant;
  const { network } = stored;
  const action = `claim a block of network "${network.name}"`;
  let lost = false;
  const claimed = await compareAndSwap(registry, action, deadline, async () => {
    // Another's claim is one reason to lose; the others last.
    if (lost && !(await isAsRead(registry, claimant, deadline))) {
      return { value: undefined, txn: undefined };
    }
    lost = true;
    const leases = await readLeases(registry, network.name, deadline);
    const namesake = mac && leases.find((lease) => lease.mac === mac);
    if (namesake !== undefined) throw macTaken(network, namesake);
    const prefix = await prefixFor(claim, network, leases, node.name);
    if (prefix === undefined) throw exhausted(network, leases);
    const holder = leases.find((lease) => contains4(lease.prefix, prefix.base));
    if (holder !== undefined) throw heldElsewhere(network, holder, claim);
    return { value: prefix, txn: claimTxn(registry.keys, stored, node, prefix, mac) };
  });
  if (claimed.value === undefined) return undefined;
  const block = { prefix: claimed.value, revision: claimed.revision as Revision };
  return mac === undefined ? block : { ...block, mac };
}

async function prefixFor(
  { address, mac }: Claim,
  network: Network,
  leases: readonly Lease[],
  node: string,
): Promise<Prefix4 | undefined> {
  if (mac !== undefined) {
    // Few ask for one: who doesn't, doesn't load it.
    const { nextSingle } = await import("./choose-single.ts");
    return address === undefined ? nextSingle(network, leases) : { base: address, length: 32 };
  }
  return address === undefined ? nextBlock(network, leases, node) : leaseFor(network, address);
}

/** Claims again what this node has in use and nobody holds; undefined if somebody does. */
export async function claimAgain(
  { keys, store }: Registry,
  { stored, node }: Claimant,
  { prefix, mac }: Pick<HeldBlock, "prefix" | "mac">,
  deadline: Deadline,
): Promise<HeldBlock | undefined> {
  const commit = await store.commit(claimTxn(keys, stored, node, prefix, mac), deadline);
  if (!commit.ok) return undefined;
  const { revision } = commit;
  return mac === undefined ? { prefix, revision } : { prefix, revision, mac };
}

/** Whether there is a block that no node holds. */
export async function hasFreeBlock(
  registry: Registry,
  network: Network,
  deadline: Deadline,
): Promise<boolean> {
  return nextBlock(network, await readLeases(registry, network.name, deadline), "") !== undefined;
}

async function isAsRead(
  { keys, store }: Registry,
  { stored, node }: Claimant,
  deadline: Deadline,
): Promise<boolean> {
  const network = await store.get(keys.network(stored.network.name), deadline);
  const registered = await store.get(keys.node(node.name), deadline);
  return (
    network?.modRevision === stored.revision && registered?.createRevision === node.createRevision
  );
}

function exhausted(network: Network, leases: readonly Lease[]): Failure {
  const holders = new Map<string, number>();
  for (const { node } of leases) holders.set(node, (holders.get(node) ?? 0) + 1);
  const held = [...holders].map(([node, count]) => `${node} holds ${count}`).join(", ");
  return new Failure(
    "no-address",
    `Cannot assign an address in network "${network.name}": none is free, and no block is left of the ${blocksOf(network).count} in its range`,
    { details: `${held}. Remove containers, or use a larger subnet or range.` },
  );
}

function heldElsewhere({ name }: Network, holder: Lease, { mac }: Claim): Failure {
  return new Failure(
    "no-address",
    `Cannot assign the address asked for in network "${name}": its block is held by node "${holder.node}"`,
    {
      details:
        mac &&
        "With a MAC of its own goes an address of no block: ask for one outside of ipRange, or for none.",
    },
  );
}

function macTaken({ name }: Network, { mac, prefix, node }: Lease): Failure {
  const asked = mac === undefined ? "" : ` ${formatMac(mac)}`;
  return new Failure(
    "no-address",
    `Cannot assign MAC${asked} in network "${name}": it is taken by ${formatIp4(prefix.base)} on node "${node}"`,
  );
}
