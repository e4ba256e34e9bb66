/**
 * The cluster as the store tells it: snapshots and events in, networks, nodes and leases out. Pure.
 *
 * Invariant: events lead to the very state that a fresh reading gives.
 * Why in parts, with a revision each: each is watched by itself, so that a node does not hear of
 * every container and session of the cluster. An event of one part may be seen before an earlier
 * one of another; no key is in two parts, so the outcome is the same.
 */
import { type Lease, leaseOf } from "../ipam/leases.ts";
import { parseNetwork } from "../ipam/network.ts";
import type { StoredNetwork } from "../ipam/networks.ts";
import { type NodeRecord, nodeOf } from "../ipam/nodes.ts";
import { parseJson } from "../json.ts";
import type { Keys } from "../store/keys.ts";
import type { Entry, Revision, Snapshot, StoreEvent } from "../store/store.ts";

/** What is watched, each by itself. */
export const parts = ["networks", "nodes", "leases"] as const;
export type Part = (typeof parts)[number];

export interface ClusterNetwork extends StoredNetwork {
  /** Another one after it was deleted and made anew. */
  readonly createRevision: Revision;
}

/** The leases of one network, by key. */
export type NetworkLeases = ReadonlyMap<string, Lease>;

export interface Cluster {
  /** Of the last event of each part, or its reading. */
  readonly revisions: Readonly<Record<Part, Revision>>;
  /** No change up to here is missing in any part. */
  readonly certain: Revision;
  /** By name. */
  readonly networks: ReadonlyMap<string, ClusterNetwork>;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** By network. */
  readonly leases: ReadonlyMap<string, NetworkLeases>;
  /** Keys with what this version can't read, and their create revisions. */
  readonly unreadable: ReadonlyMap<string, Revision>;
}

/** The last revision that is known of. */
export const lastRevision = ({ certain, revisions }: Cluster): Revision =>
  Math.max(certain, ...Object.values(revisions)) as Revision;

/** Nothing known, as before the first reading. */
export const unknownCluster: Cluster = {
  revisions: { networks: 0 as Revision, nodes: 0 as Revision, leases: 0 as Revision },
  certain: 0 as Revision,
  networks: new Map(),
  nodes: new Map(),
  leases: new Map(),
  unreadable: new Map(),
};

/** The cluster as it was read. */
export function clusterOf(keys: Keys, read: Readonly<Record<Part, Snapshot>>): Cluster {
  const networks = new Map<string, ClusterNetwork>();
  const nodes = new Map<string, NodeRecord>();
  const leases = new Map<string, Map<string, Lease>>();
  const unreadable = new Map<string, Revision>();
  for (const entry of parts.flatMap((part) => read[part].entries)) {
    const known = readEntry(keys, entry);
    if (known === undefined) unreadable.set(entry.key, entry.createRevision);
    else if ("network" in known) networks.set(known.network.network.name, known.network);
    else if ("node" in known) nodes.set(known.node.name, known.node);
    else {
      const inNetwork = leases.get(known.of) ?? new Map<string, Lease>();
      leases.set(known.of, inNetwork.set(entry.key, known.lease));
    }
  }
  const revisions = {
    networks: read.networks.revision,
    nodes: read.nodes.revision,
    leases: read.leases.revision,
  };
  const certain = Math.min(...Object.values(revisions)) as Revision;
  return { revisions, certain, networks, nodes, leases, unreadable };
}

/** The cluster after events of one part; what they don't touch is shared with the one before. */
export function applyEvents(
  keys: Keys,
  before: Cluster,
  part: Part,
  events: readonly StoreEvent[],
): Cluster {
  return events.reduce((cluster, event) => {
    // A watch that begins anew may give again what was read already.
    if (event.revision <= before.revisions[part]) return cluster;
    const revisions = { ...cluster.revisions, [part]: event.revision };
    return { ...withEvent(keys, cluster, event), revisions };
  }, before);
}

function withEvent(keys: Keys, before: Cluster, { type, key, value, revision }: StoreEvent) {
  const createRevision = createRevisionOf(keys, before, key) ?? revision;
  const cluster = without(keys, before, key);
  if (type === "remove") return cluster;
  const known = readEntry(keys, { key, value, createRevision, modRevision: revision });
  if (known === undefined) {
    return { ...cluster, unreadable: withOne(cluster.unreadable, key, createRevision) };
  }
  if ("network" in known) {
    const { name } = known.network.network;
    return { ...cluster, networks: withOne(cluster.networks, name, known.network) };
  }
  if ("node" in known) {
    return { ...cluster, nodes: withOne(cluster.nodes, known.node.name, known.node) };
  }
  const inNetwork = withOne(cluster.leases.get(known.of) ?? none, key, known.lease);
  return { ...cluster, leases: withOne(cluster.leases, known.of, inNetwork) };
}

function without(keys: Keys, cluster: Cluster, key: string): Cluster {
  if (cluster.unreadable.has(key)) {
    return { ...cluster, unreadable: withoutOne(cluster.unreadable, key) };
  }
  const said = keys.parse(key);
  switch (said?.kind) {
    case "network":
      return { ...cluster, networks: withoutOne(cluster.networks, said.network) };
    case "node":
      return { ...cluster, nodes: withoutOne(cluster.nodes, said.node) };
    case "lease": {
      const { network } = said;
      const left = withoutOne(cluster.leases.get(network) ?? none, key);
      const { leases } = cluster;
      return {
        ...cluster,
        leases: left.size === 0 ? withoutOne(leases, network) : withOne(leases, network, left),
      };
    }
    default:
      return cluster;
  }
}

/** Undefined for a key that is not there; and for a lease, of which nobody asks. */
function createRevisionOf(keys: Keys, cluster: Cluster, key: string): Revision | undefined {
  const said = keys.parse(key);
  switch (said?.kind) {
    case "network":
      return (cluster.networks.get(said.network) ?? unreadableOne(cluster, key))?.createRevision;
    case "node":
      return (cluster.nodes.get(said.node) ?? unreadableOne(cluster, key))?.createRevision;
    default:
      return undefined;
  }
}

function unreadableOne({ unreadable }: Cluster, key: string) {
  const createRevision = unreadable.get(key);
  return createRevision === undefined ? undefined : { createRevision };
}

const none: NetworkLeases = new Map();

function withOne<T>(map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> {
  return new Map(map).set(key, value);
}

function withoutOne<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  if (!map.has(key)) return map;
  const left = new Map(map);
  left.delete(key);
  return left;
}

type Known =
  | { readonly network: ClusterNetwork }
  | { readonly node: NodeRecord }
  | { readonly of: string; readonly lease: Lease };

/** What an entry says; undefined if this version can't read it. */
function readEntry(keys: Keys, entry: Entry): Known | undefined {
  const said = keys.parse(entry.key);
  try {
    switch (said?.kind) {
      case "network": {
        const network = parseNetwork(parseJson(entry.value), entry.key);
        const { modRevision: revision, createRevision } = entry;
        if (network.name !== said.network) return undefined;
        return { network: { network, revision, createRevision } };
      }
      case "node": {
        const node = nodeOf(keys, entry);
        return node && { node };
      }
      case "lease":
        return { of: said.network, lease: leaseOf(keys, entry) };
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}
