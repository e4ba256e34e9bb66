/** What one state of the cluster has that another has not, as one node sees it: pure. */
import type { HeldBlock } from "../ipam/assignment.ts";
import { isOf, type Lease } from "../ipam/leases.ts";
import { sameVtep } from "../ipam/nodes.ts";
import { type PeerLease, peerLeases } from "../ipam/peers.ts";
import type { Cluster, ClusterNetwork, NetworkLeases } from "./model.ts";

export interface NetworkChange {
  readonly network: string;
  /** What became of its record: "remade" after it was deleted and made anew. */
  readonly record: "same" | "made" | "changed" | "remade" | "deleted";
  /** Other nodes' leases. */
  readonly peers: PeerChanges;
  /** This node's own. */
  readonly gained: readonly HeldBlock[];
  readonly lost: readonly HeldBlock[];
}

export interface PeerChanges {
  readonly added: readonly PeerLease[];
  readonly removed: readonly PeerLease[];
}

/** The networks in which something is different, in the order of their names. */
export function changesBetween(
  before: Cluster,
  after: Cluster,
  self: string,
): readonly NetworkChange[] {
  const names = new Set([
    ...before.networks.keys(),
    ...after.networks.keys(),
    ...before.leases.keys(),
    ...after.leases.keys(),
  ]);
  return [...names]
    .sort()
    .map((network) => changeOf(network, before, after, self))
    .filter((change) => change !== undefined);
}

function changeOf(
  network: string,
  before: Cluster,
  after: Cluster,
  self: string,
): NetworkChange | undefined {
  const record = recordChange(before.networks.get(network), after.networks.get(network));
  const then = before.leases.get(network) ?? none;
  const now = after.leases.get(network) ?? none;
  if (record === "same" && then === now && before.nodes === after.nodes) return undefined;
  const peers = { added: [] as PeerLease[], removed: [] as PeerLease[] };
  const own = { gained: [] as HeldBlock[], lost: [] as HeldBlock[] };
  for (const key of new Set([...then.keys(), ...now.keys()])) {
    const [old, young] = [then.get(key), now.get(key)];
    // Of thousands, few have changed: the others are the same objects.
    if (old === young && sameNode(before, after, old)) continue;
    const [oldPeer, youngPeer] = [peerOf(before, old, self), peerOf(after, young, self)];
    if (!samePeer(oldPeer, youngPeer)) {
      if (oldPeer !== undefined) peers.removed.push(oldPeer);
      if (youngPeer !== undefined) peers.added.push(youngPeer);
    }
    const [oldBlock, youngBlock] = [blockOf(before, old, self), blockOf(after, young, self)];
    if (oldBlock?.revision !== youngBlock?.revision) {
      if (oldBlock !== undefined) own.lost.push(oldBlock);
      if (youngBlock !== undefined) own.gained.push(youngBlock);
    }
  }
  const quiet = [...Object.values(peers), ...Object.values(own)].every((list) => list.length === 0);
  return record === "same" && quiet ? undefined : { network, record, peers, ...own };
}

const none: NetworkLeases = new Map();

const sameNode = (before: Cluster, after: Cluster, lease: Lease | undefined): boolean =>
  lease === undefined || before.nodes.get(lease.node) === after.nodes.get(lease.node);

function recordChange(
  before: ClusterNetwork | undefined,
  after: ClusterNetwork | undefined,
): NetworkChange["record"] {
  if (before === undefined) return after === undefined ? "same" : "made";
  if (after === undefined) return "deleted";
  if (before.createRevision !== after.createRevision) return "remade";
  return before.revision === after.revision ? "same" : "changed";
}

/** Undefined for a lease of our own, or of a node that is not registered, or was not then. */
function peerOf({ nodes }: Cluster, lease: Lease | undefined, self: string): PeerLease | undefined {
  return lease === undefined ? undefined : peerLeases([lease], self, nodes)[0];
}

function blockOf({ nodes }: Cluster, lease: Lease | undefined, self: string) {
  const node = nodes.get(self);
  if (lease === undefined || node === undefined || !isOf(lease, node)) return undefined;
  return { prefix: lease.prefix, revision: lease.revision };
}

/** Of leases under one key, which have the same prefix. */
const samePeer = (one: PeerLease | undefined, other: PeerLease | undefined): boolean =>
  one === other ||
  (one !== undefined &&
    other !== undefined &&
    one.mac === other.mac &&
    sameVtep(one.vtep, other.vtep));
