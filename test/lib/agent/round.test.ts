import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Cluster, clusterOf } from "../../../lib/agent/model.ts";
import { backOff } from "../../../lib/agent/pause.ts";
import { type Proof, proofBySession } from "../../../lib/agent/proof.ts";
import { watchFrom } from "../../../lib/agent/round.ts";
import { deadlineIn } from "../../../lib/deadline.ts";
import { Failure } from "../../../lib/errors.ts";
import type { Registry } from "../../../lib/ipam/networks.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Revision, Store, StoreEvent, WatchEnd } from "../../../lib/store/store.ts";
import { until } from "../../lab/until.ts";

const keys = keysUnder("/sp");
const clock = () => performance.now();
const away = new Failure("try-again", "Cannot ask: it is away");

type Watch = { readonly prefix: string; readonly give: (events: readonly StoreEvent[]) => void };

/** A store of which only the watches are there: what they say is said by the test. */
function openWatches() {
  const watches: (Watch & { readonly end: (how: WatchEnd) => void })[] = [];
  const store: Pick<Store, "watch" | "openSession"> = {
    watch: (prefix, _from, give, signal) =>
      new Promise((end) => {
        watches.push({ prefix, give, end });
        signal.addEventListener("abort", () => end({ reason: "closed" }));
      }),
    openSession: async () => ({
      set: async (value) => {
        const echo = {
          type: "put",
          key: keys.session("a"),
          value,
          revision: 9 as Revision,
        } as const;
        for (const { prefix, give } of watches) if (prefix === echo.key) give([echo]);
      },
      close: async () => {},
    }),
  };
  return { store: store as Store, watches };
}

const node = { key: keys.node("a"), value: '{"machineId":"m"}' };
const revision = 5 as Revision;
const read: Cluster = clusterOf(keys, {
  networks: { entries: [], revision },
  leases: { entries: [], revision },
  nodes: {
    entries: [{ ...node, createRevision: revision, modRevision: revision }],
    revision,
  },
});

let end: AbortController;
let told: string[];
let opened: ReturnType<typeof openWatches>;
beforeEach(() => {
  end = new AbortController();
  told = [];
  opened = openWatches();
});
afterEach(() => end.abort());

const registry = () => ({ store: opened.store, keys }) as Registry;

function begin(proof: Proof, isMoved = async () => false): Promise<void> {
  const events = {
    known: (_cluster: Cluster, how: string) => void told.push(how),
    seen: () => void told.push("seen"),
    away: ({ message }: Failure) => void told.push(message),
  };
  const wait = backOff({ first: 1, last: 1 }, () => 0);
  const soon = () => deadlineIn(clock, 1_000);
  const round = { name: "a", proof, events, wait, sinceBoot: clock, soon, isMoved };
  const running = watchFrom(registry(), read, round, end.signal);
  running.catch(() => {});
  return running;
}

const proofOf = (prove: Proof["prove"]): Proof => ({
  prove,
  watch: (from, signal) => opened.store.watch("proof", from, () => {}, signal),
  end: async () => {},
});
const proven = proofOf(async () => ({ revision, lagMs: 0 }));

test("an event is told, and that nothing is missing", async () => {
  const running = begin(proven);
  await until("the watches", () => opened.watches.length === 4);
  const event = { type: "put", ...node, key: keys.node("b"), revision: 6 as Revision } as const;
  opened.watches.find(({ prefix }) => prefix === keys.nodes)?.give([event]);
  expect(told).toEqual(expect.arrayContaining(["watched", "seen"]));
  end.abort();
  await running;
});

describe("all is read again", () => {
  test("when a watch ends", async () => {
    const running = begin(proven);
    opened.watches[0]?.end({ reason: "compacted", oldest: revision });
    await running;
  });

  test("when a watch that should have told of a change did not", async () => {
    await expect(begin(proofOf(async () => undefined))).rejects.toThrow("it does not tell");
  });

  test("when this node is not registered any more", async () => {
    const running = begin(proven);
    const event = { type: "remove", key: node.key, value: "", revision: 7 as Revision } as const;
    opened.watches.find(({ prefix }) => prefix === keys.nodes)?.give([event]);
    await expect(running).rejects.toThrow('node "a" was removed from it');
  });
});

test("while the store does not answer, the watches go on", async () => {
  let answers = false;
  const running = begin(
    proofOf(async () => {
      if (!answers) throw away;
      return { revision, lagMs: 0 };
    }),
  );
  await until("that it is told", () => told.includes(away.message));
  answers = true;
  await until("that it is over", () => told.includes("seen"));
  expect(opened.watches.length).toBe(4);
  end.abort();
  await running;
});

test("what its session's key says is seen by a watch, or it is not proven", async () => {
  const value = () => ({ revision: 3 });
  const proof = await proofBySession(registry(), "a", value, clock, deadlineIn(clock, 1_000));
  const soon = () => deadlineIn(clock, 1_000);
  const watching = proof.watch(revision, end.signal);
  expect(await proof.prove(soon(), end.signal)).toMatchObject({ revision: 9 });
  // A watch that is dead says nothing.
  opened.watches.length = 0;
  const unproven = proof.prove(soon(), end.signal);
  end.abort();
  expect(await unproven).toBeUndefined();
  await watching;
});
