/** One round of following the store: from one reading until a watch ends or something is wrong. */
import type { Clock, Deadline } from "../deadline.ts";
import { asFailure, Failure } from "../errors.ts";
import type { Registry } from "../ipam/networks.ts";
import type { Revision, StoreEvent } from "../store/store.ts";
import { applyEvents, type Cluster, type Part, parts } from "./model.ts";
import { type BackOff, pause } from "./pause.ts";
import type { Proof } from "./proof.ts";
export interface StoreEvents {
  /** The cluster as it is known now; "restored": the store has gone back to a backup. */
  readonly known: (cluster: Cluster, how: "read" | "restored" | "watched") => void;
  /** Every change before `at` (milliseconds since boot) was given, `lagMs` after it was written. */
  readonly seen: (at: number, lagMs: number) => void;
  /** Changes may be missed, until `seen` says otherwise. */
  readonly away: (failure: Failure) => void;
}

export interface Round {
  readonly name: string;
  readonly proof: Proof;
  readonly events: StoreEvents;
  readonly wait: BackOff;
  readonly sinceBoot: Clock;
  readonly soon: () => Deadline;
  /** Whether this node has another VTEP than it is registered with. */
  readonly isMoved: () => Promise<boolean>;
}

/** From one proof to the next, milliseconds. */
const proofMs = 5_000;

/** The node has another VTEP now, and must be registered anew. */
export const moved = new Failure(
  "try-again",
  "Cannot follow the store: this node's VTEP is another now",
);

/** Watches until something ends, which is no fault, or is found to be wrong. */
export async function watchFrom(
  { store, keys }: Registry,
  read: Cluster,
  { name, proof, events, wait, sinceBoot, soon, isMoved }: Round,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  let cluster = read;
  let removed: Failure | undefined;
  const know = (now: Cluster) => {
    cluster = now;
    events.known(now, "watched");
  };
  const take = (part: Part) => (batch: readonly StoreEvent[]) => {
    const now = applyEvents(keys, cluster, part, batch);
    if (now.nodes.has(name)) return know(now);
    removed = removedFailure(name);
    over.abort();
  };
  const proveAlways = async () => {
    while (!ended.aborted) {
      const at = sinceBoot();
      try {
        const proven = await proof.prove(soon(), ended);
        if (ended.aborted) return;
        if (proven === undefined) throw untold;
        know(proven.cluster ?? { ...cluster, certain: proven.revision });
        events.seen(at, proven.lagMs);
        wait.reset();
        await pause(proofMs, ended);
        if (await isMoved()) throw moved;
      } catch (thrown) {
        const failure = asFailure(thrown);
        if (failure.kind !== "try-again" || failure === moved) throw failure;
        // It is away; the watches go on where they were when it is back.
        if (!ended.aborted) events.away(failure);
        await pause(wait.next(), ended);
      }
    }
  };
  try {
    await Promise.race([
      ...parts.map((part) =>
        store.watch(keys[part], after(read.revisions[part]), take(part), ended),
      ),
      proof.watch(after(read.certain), ended),
      proveAlways(),
    ]);
    if (removed !== undefined) throw removed;
  } finally {
    over.abort();
  }
}

const after = (revision: Revision): Revision => (revision + 1) as Revision;

const removedFailure = (name: string): Failure =>
  new Failure("try-again", `Cannot follow the store: node "${name}" was removed from it`);

const untold = new Failure(
  "io",
  "Cannot follow the store: it does not tell of a change that it took",
);
