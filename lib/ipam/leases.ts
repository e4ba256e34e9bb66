/**
 * Leases: a prefix of a network held by a node, claimed by one transaction.
 *
 * The transaction compares that the lease is absent, that nothing longer lies inside it, that no
 * block covers it, that the network is as it was read, and that the node is registered as it was
 * (its *create* revision: mere existence would let a node through that was removed and came back).
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { isObject, parseJson } from "../json.ts";
import { formatMac, type Mac, parseMac } from "../net/mac.ts";
import { formatPrefix4, type Prefix4, prefix4Of } from "../net/prefix.ts";
import type { Keys } from "../store/keys.ts";
import type { Compare, Entry, Revision, Txn } from "../store/store.ts";
import type { HeldBlock } from "./assignment.ts";
import type { Registry, StoredNetwork } from "./networks.ts";
import type { RegisteredNode } from "./nodes.ts";

export interface Lease extends HeldBlock {
  readonly node: string;
  /** Of a single address that moves from node to node with whom it belongs to. */
  readonly owner?: string | undefined;
}

/** What holds the leases that can't be read: no node has such a name. */
export const unreadable = "(unreadable)";

/**
 * The leases of a network, of all nodes, in the order of their addresses. What can't be read of one
 * keeps nobody from using the others, and nobody claims what it covers.
 */
export async function readLeases(
  registry: Registry,
  network: string,
  deadline: Deadline,
): Promise<readonly Lease[]> {
  return (await readLeasesAt(registry, network, deadline)).leases;
}

/** The same, with the revision they were read at. */
export async function readLeasesAt(
  { keys, store }: Registry,
  network: string,
  deadline: Deadline,
): Promise<{ readonly leases: readonly Lease[]; readonly revision: Revision }> {
  const { entries, revision } = await store.range(keys.leasesOf(network), deadline);
  const leases = entries.flatMap((entry) => parseLease(keys, entry) ?? coveredBy(keys, entry));
  return { leases, revision };
}

function coveredBy(keys: Keys, { key, modRevision: revision }: Entry): readonly Lease[] {
  const parts = keys.parse(key);
  return parts?.kind === "lease" ? [{ prefix: parts.prefix, revision, node: unreadable }] : [];
}

/** Whether a lease is of this registration of its node, and not of an earlier one. */
export const isOf = ({ node, revision }: Lease, { name, createRevision }: RegisteredNode) =>
  node === name && revision > createRevision;

/**
 * The transaction that claims `prefix`, which is a block or a /32 inside no block; with a `mac` of
 * its own, which no other lease of the network has then.
 */
export function claimTxn(
  keys: Keys,
  stored: StoredNetwork,
  node: RegisteredNode,
  prefix: Prefix4,
  mac?: Mac,
): Txn {
  const { network, revision } = stored;
  const within = keys.leasesWithin(network.name, prefix);
  const covering: Compare[] =
    prefix.length > network.blockLength
      ? [{ absent: keys.lease(network.name, prefix4Of(prefix.base, network.blockLength)) }]
      : [];
  const macKey = mac === undefined ? [] : [keys.mac(network.name, mac)];
  const lease = { node: node.name, ...(mac !== undefined && { mac: formatMac(mac) }) };
  return {
    compares: [
      { absentFrom: within.from, to: within.to },
      ...covering,
      ...macKey.map((absent): Compare => ({ absent })),
      { key: keys.network(network.name), modRevision: revision },
      { key: keys.node(node.name), createRevision: node.createRevision },
    ],
    writes: [
      { put: keys.lease(network.name, prefix), value: JSON.stringify(lease) },
      ...macKey.map((put) => ({ put, value: formatPrefix4(prefix) })),
    ],
  };
}

/** Removes leases that are still as they were read, with the MACs that they have reserved. */
export async function removeLeases(
  { keys, store }: Registry,
  network: string,
  leases: readonly HeldBlock[],
  deadline: Deadline,
): Promise<void> {
  for (const { prefix, revision, mac } of leases) {
    const key = keys.lease(network, prefix);
    const held = { key, modRevision: revision as Revision };
    const reserved = mac === undefined ? [] : [{ remove: keys.mac(network, mac) }];
    await store.commit({ compares: [held], writes: [{ remove: key }, ...reserved] }, deadline);
  }
}

/** Throws Failure "store-refused" for what is no lease. */
export function leaseOf(keys: Keys, entry: Entry): Lease {
  const lease = parseLease(keys, entry);
  if (lease !== undefined) return lease;
  throw new Failure("store-refused", `Cannot read ${entry.key}: it is not a lease`);
}

function parseLease(keys: Keys, { key, value, modRevision }: Entry): Lease | undefined {
  const parts = keys.parse(key);
  const json = parseJson(value);
  if (parts?.kind !== "lease" || !isObject(json) || typeof json.node !== "string") return undefined;
  const { node, mac, owner } = json;
  const lease = { prefix: parts.prefix, revision: modRevision, node };
  if (mac === undefined && owner === undefined) return lease;
  return {
    ...lease,
    mac: typeof mac === "string" ? parseMac(mac) : undefined,
    owner: typeof owner === "string" ? owner : undefined,
  };
}
