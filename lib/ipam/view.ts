/** What this node holds of a network, from what the store says: pure. */
import type { VtepAddress } from "../store/keys.ts";
import type { Revision } from "../store/store.ts";
import type { HeldNetwork } from "./held.ts";
import { isOf, type Lease } from "./leases.ts";
import type { StoredNetwork } from "./networks.ts";
import type { NodeRecord, RegisteredNode } from "./nodes.ts";
import { type PeerLease, peerLeases, peersOf } from "./peers.ts";

/** A network in the store, as a node sees it. */
export interface NetworkView {
  readonly stored: StoredNetwork;
  /** This node. */
  readonly node: RegisteredNode;
  /** This node's VTEP. */
  readonly tunnel: VtepAddress | undefined;
  /** Of all nodes. */
  readonly leases: readonly Lease[];
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** When the leases were read. */
  readonly revision: Revision;
  /** Milliseconds since boot. */
  readonly readAt: number;
}

export interface Holding {
  readonly held: HeldNetwork;
  /** The leases that `held.peers` counts. */
  readonly peers: readonly PeerLease[];
}

/** Parts this node's leases from its peers'. */
export function holdingOf(view: NetworkView): Holding {
  const { stored, node, tunnel, leases, nodes, revision, readAt } = view;
  const blocks = leases
    .filter((lease) => isOf(lease, node))
    .map(({ prefix, revision, mac }) =>
      mac === undefined ? { prefix, revision } : { prefix, revision, mac },
    );
  const peers = tunnel === undefined ? [] : peerLeases(leases, node.name, nodes);
  return {
    held: { stored, node, tunnel, blocks, peers: peersOf(peers), revision, readAt },
    peers,
  };
}
