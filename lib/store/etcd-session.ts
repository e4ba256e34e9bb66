/**
 * A key on a TTL lease of etcd's, which is kept alive, and granted again when it was lost.
 *
 * Source: etcd API reference, "Lease API".
 */
import { setTimeout as pauseFor } from "node:timers/promises";
import type { LeaseClient } from "etcd3/lib/rpc.js";
import { type Clock, type Deadline, deadlineIn } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Members } from "./etcd-ask.ts";
import { code, EtcdFault, faultOf, refusalOf } from "./etcd-fault.ts";
import type { Session } from "./store.ts";

export interface SessionDeps {
  readonly members: Pick<Members, "ask">;
  readonly clock: Clock;
  readonly log: Log;
}

const closeMs = 1_000;
const longestPauseMs = 1_000;

/** Store.openSession of the etcd store. */
export async function openEtcdSession(
  { members, clock, log }: SessionDeps,
  key: string,
  first: string,
  ttlSeconds: number,
  deadline: Deadline,
): Promise<Session> {
  const stop = new AbortController();
  let value = first;
  let lease: string | undefined;
  let before: Promise<unknown> = Promise.resolve();
  /** One after the other: a key must be on the lease that is kept alive. */
  const inTurn = <T>(deed: () => Promise<T>): Promise<T> => {
    const turn = before.then(deed, deed);
    before = turn.catch(() => {});
    return turn;
  };

  const put = (until: Deadline) =>
    members.ask({ action: `write key "${key}"`, kind: "read" }, until, async (calls) => {
      lease ??= (await calls.lease.leaseGrant({ TTL: ttlSeconds })).ID;
      try {
        await calls.kv.put({ key: Buffer.from(key), value: Buffer.from(value), lease });
      } catch (thrown) {
        if (refusalOf(faultOf(thrown, { sent: true })).outlook === "lease") lease = undefined;
        throw thrown;
      }
    });
  const intervalMs = (ttlSeconds * 1_000) / 3;
  const keep = async () => {
    const until = deadlineIn(clock, intervalMs);
    const question = { action: `keep key "${key}"`, kind: "read" } as const;
    const id = lease;
    const left =
      id === undefined
        ? 0
        : await members.ask(question, until, (calls, { limitMs }) =>
            keepAlive(calls.lease, id, limitMs),
          );
    if (left > 0) return;
    log.info("the session was lost: opening it again", { key });
    lease = undefined;
    await put(until);
  };
  const keepOn = async () => {
    let pauseMs = intervalMs;
    let isTold = false;
    for (;;) {
      await pauseFor(pauseMs, undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted) return;
      try {
        await inTurn(keep);
        pauseMs = intervalMs;
        isTold = false;
      } catch (fault) {
        // Tried again and again, it is said once.
        log[isTold ? "debug" : "warn"]("cannot keep the session", { key, reason: reasonOf(fault) });
        isTold = true;
        pauseMs = Math.min(longestPauseMs, intervalMs);
      }
    }
  };

  await put(deadline);
  void keepOn();
  return {
    set: (next, until) =>
      inTurn(async () => {
        if (stop.signal.aborted) return;
        value = next;
        await put(until);
      }),
    close: () =>
      inTurn(async () => {
        if (stop.signal.aborted) return;
        stop.abort();
        const id = lease;
        if (id === undefined) return;
        const question = { action: `end key "${key}"`, kind: "read" } as const;
        // Takes the key away, unless another process has it on a lease of its own since.
        await members
          .ask(question, deadlineIn(clock, closeMs), ({ lease }) => lease.leaseRevoke({ ID: id }))
          .catch((fault) => log.warn("cannot end a session", { key, reason: reasonOf(fault) }));
      }),
  };
}

/** Tells etcd once that the lease is wanted; gives the seconds that it has, 0 when it is gone. */
async function keepAlive(client: LeaseClient, id: string, limitMs: number): Promise<number> {
  const stream = await client.leaseKeepAlive();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const fail = (thrown: unknown) => reject(faultOf(thrown, { sent: true }));
  const late = new EtcdFault(code.deadlineExceeded, "no answer", { sent: true });
  const timer = setTimeout(() => reject(late), limitMs);
  stream.on("data", ({ TTL }) => resolve(Number(TTL)));
  stream.on("error", fail);
  stream.on("end", () => fail(new Error("the stream ended")));
  stream.write({ ID: id });
  return promise.finally(() => {
    clearTimeout(timer);
    stream.cancel();
  });
}
