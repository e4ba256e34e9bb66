/**
 * Proof that every change in the store was seen.
 *
 * That a watch is silent says nothing: it may be dead, or the store gone back to a backup, whose
 * revisions are lower than the one that is waited for. So the node writes to a key of its own, its
 * session's, and waits until it sees that by watching: what happened before was seen before.
 */
import type { Deadline } from "../deadline.ts";
import type { Registry } from "../ipam/networks.ts";
import type { Revision, StoreEvent, WatchEnd } from "../store/store.ts";
import { type Cluster, clusterOf } from "./model.ts";
import { pause } from "./pause.ts";

export interface Proof {
  /** Watches what the proof needs, as the other watches of a round do. */
  readonly watch: (from: Revision, signal: AbortSignal) => Promise<WatchEnd>;
  /** Gives undefined where nothing was seen in time; throws what the store throws. */
  readonly prove: (deadline: Deadline, signal: AbortSignal) => Promise<Proven | undefined>;
  /** Takes back what it has written. */
  readonly end: (deadline: Deadline) => Promise<void>;
}

export interface Proven {
  /** All changes up to here were given. */
  readonly revision: Revision;
  /** From the write until it was seen, milliseconds. */
  readonly lagMs: number;
  /** All of it, where proving meant to read it, and there was news. */
  readonly cluster?: Cluster;
}

/** Everything of the store that is followed. */
export async function readCluster(
  { store, keys }: Registry,
  soon: () => Deadline,
): Promise<Cluster> {
  const networks = await store.range(keys.networks, soon());
  // Before the nodes: whose lease is read is registered by then.
  const leases = await store.range(keys.leases, soon());
  const nodes = await store.range(keys.nodes, soon());
  return clusterOf(keys, { networks, leases, nodes });
}

/** Of a file on this machine there is nothing to prove: it is read. */
export function proofByReading(registry: Registry): Proof {
  let last: Revision | undefined;
  return {
    watch: (_from, signal) => pause(2 ** 31 - 1, signal).then(() => ({ reason: "closed" })),
    prove: async (deadline) => {
      const cluster = await readCluster(registry, () => deadline);
      const { certain: revision } = cluster;
      const isNews = revision !== last;
      last = revision;
      return isNews ? { revision, lagMs: 0, cluster } : { revision, lagMs: 0 };
    },
    end: async () => {},
  };
}

/** How long it may take from what is written until it is seen, milliseconds. */
const echoMs = 3_000;
/** How long after its death a node is taken for living, seconds. */
const ttlSeconds = 20;

/** Opens the session; `value` gives what it says, for people. */
export async function proofBySession(
  { store, keys }: Registry,
  name: string,
  value: () => Readonly<Record<string, unknown>>,
  clock: () => number,
  deadline: Deadline,
): Promise<Proof> {
  const key = keys.session(name);
  let beat = 0;
  const text = () => JSON.stringify({ ...value(), beat });
  const session = await store.openSession(key, text(), ttlSeconds, deadline);
  let waiting: { readonly text: string; readonly seen: (revision: Revision) => void } | undefined;
  const take = (events: readonly StoreEvent[]) => {
    for (const event of events) {
      if (event.key === key && event.value === waiting?.text) waiting.seen(event.revision);
    }
  };
  return {
    watch: (from, signal) => store.watch(key, from, take, signal),
    prove: async (until, signal) => {
      beat += 1;
      const written = text();
      const echo = new Promise<Revision>((seen) => {
        waiting = { text: written, seen };
      });
      const at = clock();
      await session.set(written, until);
      const late = pause(echoMs, signal);
      const revision = await Promise.race([echo, late]);
      return revision === undefined ? undefined : { revision, lagMs: clock() - at };
    },
    end: session.close,
  };
}
