/**
 * Follows the store: registers this node, reads all, watches from there, and proves again and again
 * that nothing was missed.
 */
import type { Host } from "../attach/host.ts";
import { type Clock, type Deadline, deadlineIn } from "../deadline.ts";
import { asFailure, Failure } from "../errors.ts";
import { confirmStore, rememberRegistered } from "../ipam/known-store.ts";
import type { Registry } from "../ipam/networks.ts";
import { registerNode } from "../ipam/register.ts";
import type { Revision, StoreEvent } from "../store/store.ts";
import { applyEvents, type Cluster, type Part, parts } from "./model.ts";
import { type BackOff, backOff, pause } from "./pause.ts";
import { type Proof, proofByReading, proofBySession, readCluster } from "./proof.ts";
import type { ThisNode } from "./world.ts";

export interface StoreEvents {
  /** The cluster as it is known now; "restored": the store has gone back to a backup. */
  readonly known: (cluster: Cluster, how: "read" | "restored" | "watched") => void;
  /** Every change before `at` (milliseconds since boot) was given, `lagMs` after it was written. */
  readonly seen: (at: number, lagMs: number) => void;
  /** Changes may be missed, until `seen` says otherwise. */
  readonly away: (failure: Failure) => void;
}

export interface StoreWatchDeps {
  readonly node: ThisNode;
  /** Milliseconds since boot. */
  readonly sinceBoot: Clock;
  readonly random: () => number;
  /** What the session's key says, for people. */
  readonly session: () => Readonly<Record<string, unknown>>;
}

/** How long the store has for an answer, milliseconds. */
const answerMs = 5_000;
/** From one proof to the next, milliseconds. */
const proofMs = 5_000;
const retries = { first: 200, last: 5_000 } as const;

/** Follows the store until the signal aborts. */
export async function followStore(
  deps: StoreWatchDeps,
  events: StoreEvents,
  signal: AbortSignal,
): Promise<void> {
  const { registry } = deps.node;
  const wait = backOff(retries, deps.random);
  const soon = () => deadlineIn(deps.sinceBoot, answerMs);
  let proof: Proof | undefined;
  const end = async () => {
    await proof?.end(soon());
    proof = undefined;
  };
  while (!signal.aborted) {
    try {
      const { was, name, kind } = await deps.node.use((host) => join(host, registry, soon));
      proof ??= await openProof(deps, kind, name, soon());
      const cluster = await readCluster(registry, soon);
      events.known(cluster, was === "restored" ? "restored" : "read");
      const { sinceBoot } = deps;
      await watchFrom(registry, cluster, { name, proof, events, wait, sinceBoot, soon }, signal);
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (!signal.aborted) events.away(failure);
      // A store that is not ours is not to hear of us.
      if (failure.kind === "store-refused") await end();
    }
    await pause(wait.next(), signal);
  }
  await end();
}

/** Makes sure that the store is ours, and registers this node there. */
async function join({ ipam }: Host, registry: Registry, soon: () => Deadline) {
  const node = ipam.node();
  // Without a VTEP there are no others, and the store is a file.
  const kind = node.vtep === undefined ? "reading" : "session";
  const was = kind === "session" ? await confirmStore(ipam, registry, soon()) : "same";
  const { name } = await registerNode(registry, node, soon(), "register");
  if (kind === "session") rememberRegistered(ipam);
  return { was, name, kind } as const;
}

async function openProof(
  { node: { registry }, session, sinceBoot }: StoreWatchDeps,
  kind: "reading" | "session",
  name: string,
  deadline: Deadline,
): Promise<Proof> {
  if (kind === "reading") return proofByReading(registry);
  return proofBySession(registry, name, session, sinceBoot, deadline);
}

interface Round {
  readonly name: string;
  readonly proof: Proof;
  readonly events: StoreEvents;
  readonly wait: BackOff;
  readonly sinceBoot: Clock;
  readonly soon: () => Deadline;
}

/** Watches until something ends, which is no fault, or is found to be wrong. */
async function watchFrom(
  { store, keys }: Registry,
  read: Cluster,
  { name, proof, events, wait, sinceBoot, soon }: Round,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  let cluster = read;
  let removed: Failure | undefined;
  const know = (now: Cluster, how: "read" | "watched") => {
    cluster = now;
    events.known(now, how);
  };
  const take = (part: Part) => (batch: readonly StoreEvent[]) => {
    const now = applyEvents(keys, cluster, part, batch);
    if (now.nodes.has(name)) return know(now, "watched");
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
        if (proven.cluster !== undefined) know(proven.cluster, "read");
        else know({ ...cluster, certain: proven.revision }, "watched");
        events.seen(at, proven.lagMs);
        wait.reset();
        await pause(proofMs, ended);
      } catch (thrown) {
        const failure = asFailure(thrown);
        if (failure.kind !== "try-again") throw failure;
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
