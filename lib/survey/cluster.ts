/** The cluster as the store has it. See survey.ts for the folder's note. */
import type { Deadline } from "../deadline.ts";
import { type Lease, leaseOf } from "../ipam/leases.ts";
import { type MirroredAssignment, mirroredOf } from "../ipam/mirrored.ts";
import { type Network, parseNetwork } from "../ipam/network.ts";
import type { Registry } from "../ipam/networks.ts";
import { type NodeRecord, nodeOf } from "../ipam/nodes.ts";
import { parseJson } from "../json.ts";
import type { Keys } from "../store/keys.ts";
import type { Entry, Revision } from "../store/store.ts";

export interface ClusterFacts {
  /** The largest that was read. */
  readonly revision: Revision;
  /** In the order of their names. */
  readonly nodes: readonly ClusterNode[];
  readonly networks: readonly ClusterNetwork[];
  /** Of all networks and nodes, in the order of their addresses. */
  readonly leases: readonly ClusterLease[];
  /** What the agents have written down of their nodes' containers. */
  readonly assignments: readonly MirroredAssignment[];
  /** Keys with what this version can't read. */
  readonly unreadable: readonly string[];
}

export interface ClusterNode extends NodeRecord {
  /** Whether its agent's session lives. */
  readonly agent: boolean;
}

export interface ClusterNetwork extends Network {
  /** When it was last changed. */
  readonly revision: Revision;
}

export interface ClusterLease extends Lease {
  readonly network: string;
}

/** What is read of the store: one part after the other would wait for each. */
const parts = ["networks", "leases", "nodes", "sessions", "allAssignments"] as const;
type Part = (typeof parts)[number];

/** Of a store that nobody has written to. */
export const emptyCluster: ClusterFacts = {
  revision: 0 as Revision,
  nodes: [],
  networks: [],
  leases: [],
  assignments: [],
  unreadable: [],
};

/** Throws what the store throws. */
export async function readCluster(
  { store, keys }: Registry,
  deadline: Deadline,
): Promise<ClusterFacts> {
  const snapshots = await Promise.all(parts.map((part) => store.range(keys[part], deadline)));
  const entries = Object.fromEntries(
    parts.map((part, at) => [part, snapshots[at]?.entries ?? []]),
  ) as Record<Part, readonly Entry[]>;
  const revision = Math.max(...snapshots.map((one) => one.revision)) as Revision;
  return { revision, ...clusterOf(keys, entries) };
}

/** Pure: what the entries say. What can't be read of one hides none of the others. */
export function clusterOf(
  keys: Keys,
  entries: Readonly<Record<Part, readonly Entry[]>>,
): Omit<ClusterFacts, "revision"> {
  const unreadable: string[] = [];
  const read = <T>(part: Part, parse: (entry: Entry) => T | undefined): readonly T[] =>
    entries[part].flatMap((entry) => {
      const found = orUndefined(() => parse(entry));
      if (found !== undefined) return [found];
      unreadable.push(entry.key);
      return [];
    });
  const living = new Set(entries.sessions.map(({ key }) => key));
  return {
    nodes: read("nodes", (entry) => {
      const node = nodeOf(keys, entry);
      return node && { ...node, agent: living.has(keys.session(node.name)) };
    }),
    networks: read("networks", networkIn),
    leases: read("leases", (entry) => leaseIn(keys, entry)),
    assignments: read("allAssignments", (entry) => mirroredOf(keys, entry)),
    unreadable,
  };
}

/** What is thrown of an entry is that it can't be read. */
function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

const networkIn = ({ key, value, modRevision: revision }: Entry): ClusterNetwork => ({
  ...parseNetwork(parseJson(value), key),
  revision,
});

function leaseIn(keys: Keys, entry: Entry): ClusterLease | undefined {
  const parts = keys.parse(entry.key);
  return parts?.kind === "lease" ? { ...leaseOf(keys, entry), network: parts.network } : undefined;
}
