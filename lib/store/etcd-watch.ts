/**
 * Watching etcd: over streams that break, members that go and come back, histories that change.
 *
 * Invariant: it goes on from what was delivered, never from what the server said that it has; and
 * only where the history still is the one that was delivered from.
 * Source: etcd API reference, "Watch API".
 */
import { setTimeout as pauseFor } from "node:timers/promises";
import { type Clock, deadlineIn } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Members } from "./etcd-ask.ts";
import { EtcdFault, refusalOf } from "./etcd-fault.ts";
import type { Content, Look } from "./etcd-identity.ts";
import { follow, type StreamEnd } from "./etcd-stream.ts";
import type { Revision, StoreEvent, WatchEnd } from "./store.ts";

export interface WatchDeps {
  readonly members: Members;
  readonly look: Look;
  readonly clock: Clock;
  /** From 0 up to but not 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** How long a member is waited for, milliseconds. */
const lookMs = 5_000;
const firstPauseMs = 50;
// A change should be seen soon after etcd is back, and a thousand nodes should not come at once.
const longestPauseMs = 1_000;

/** Store.watch of the etcd store. Throws Failure "store-refused" where it is not let in. */
export async function watchEtcd(
  { members, look, clock, random, log }: WatchDeps,
  prefix: string,
  from: Revision,
  onEvents: (events: readonly StoreEvent[]) => void,
  ended: AbortSignal,
): Promise<WatchEnd> {
  // From one revision before: of one that is compacted, etcd leaves out what it removed, unsaid.
  const start = Math.max(1, from - 1) as Revision;
  let known: Content | undefined;
  let last: readonly StoreEvent[] = [];
  let pauseMs = firstPauseMs;

  const onOpen = () => {
    pauseMs = firstPauseMs;
  };
  const followOnce = async (): Promise<StreamEnd> => {
    const now = await look(deadlineIn(clock, lookMs));
    const other: WatchEnd = { reason: "compacted", oldest: (now.revision + 1) as Revision };
    // Wiped or exchanged; or restored, and then revisions come again with other content.
    if (known !== undefined && isOther(known, now)) return { end: other };
    known = now;
    // What was delivered last is asked for once more: it shows that the history is the same.
    let awaited = last[0] === undefined ? undefined : last;
    const onBatch = (events: readonly StoreEvent[]): WatchEnd | undefined => {
      if (awaited !== undefined) {
        const same = JSON.stringify(events) === JSON.stringify(awaited);
        awaited = undefined;
        return same ? undefined : other;
      }
      if (events.some(({ revision }) => revision < from)) return undefined;
      onEvents(events);
      last = events;
      known = latest(now, events);
      return undefined;
    };
    const stream = await members.preferred(lookMs).watch.watch();
    return follow(stream, prefix, last[0]?.revision ?? start, { onOpen, onBatch }, ended);
  };

  while (!ended.aborted) {
    const outcome = await followOnce().catch(brokenBy);
    if ("end" in outcome) return outcome.end;
    if ("threw" in outcome) throw outcome.threw;
    if (ended.aborted) break;
    const { state, outlook, advice } = outcome.refusal;
    if (outlook === "final") {
      throw new Failure("store-refused", `Cannot watch keys "${prefix}" in etcd: ${state}`, {
        details: advice,
      });
    }
    const level = pauseMs === firstPauseMs ? "warn" : "debug";
    log[level]("watching the store was interrupted", { prefix, reason: state });
    members.avoid();
    const shared = pauseMs * (0.5 + random() / 2);
    await pauseFor(shared, undefined, { signal: ended }).catch(() => {});
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }
  return { reason: "closed" };
}

const isOther = (before: Content, now: Content): boolean =>
  now.identity !== before.identity || now.revision < before.revision;

/** As far as it was seen: a store that is behind that is another one. */
function latest(now: Content, events: readonly StoreEvent[]): Content {
  const [event] = events;
  return event === undefined || event.revision < now.revision
    ? now
    : { ...now, revision: event.revision };
}

/** What is worth another try; what is not, is thrown. */
function brokenBy(thrown: unknown): StreamEnd {
  if (thrown instanceof EtcdFault) return { refusal: refusalOf(thrown) };
  if (!(thrown instanceof Failure) || thrown.kind !== "try-again") throw thrown;
  return { refusal: { kind: "try-again", state: thrown.message, outlook: "passing" } };
}
