/** What a watch lives through: nothing is lost or doubled, or it says that it cannot go on. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Log } from "../../../lib/log.ts";
import type { Revision, Store, StoreEvent, WatchEnd } from "../../../lib/store/store.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { type FaultyWay, startFaultyWay } from "../../lab/faulty-way.ts";
import { openEtcd } from "./etcd-lab.ts";
import { silent } from "./lab.ts";

const soon = () => deadlineIn(() => performance.now(), 30_000);
/** Far longer than a watch takes to be back: a second at most between two tries. */
const patience = { timeout: 40_000, interval: 10 };
let etcd: Etcd;
let way: FaultyWay;
let store: Store;
let interruptions: string[];

beforeEach(async () => {
  etcd = await startEtcd();
  way = await startFaultyWay(etcd.endpoints[0] ?? "");
  store = openEtcd({ endpoints: etcd.endpoints });
  interruptions = [];
});
afterEach(async () => {
  await store.close();
  await way.close();
  await etcd.stop();
});

const put = async (key: string, value: string): Promise<Revision> => {
  const done = await store.commit({ compares: [], writes: [{ put: key, value }] }, soon());
  if (!done.ok) throw new Error("lost a commit that compares nothing");
  return done.revision;
};

interface Watched {
  readonly values: () => readonly string[];
  readonly end: Promise<WatchEnd>;
  readonly close: () => Promise<void>;
}

/** Watches "/w/" as another process does. */
function watch(from: number, endpoints: readonly string[]): Watched {
  const log: Log = { ...silent, warn: (_, fields) => interruptions.push(String(fields?.reason)) };
  const own = openEtcd({ endpoints }, log);
  const seen: StoreEvent[] = [];
  const end = own.watch(
    "/w/",
    from as Revision,
    (events) => seen.push(...events),
    new AbortController().signal,
  );
  end.catch(() => {});
  return { values: () => seen.map(({ value }) => value), end, close: own.close };
}

/** How many watch, by etcd's own count. */
async function watchersIn(): Promise<number> {
  const metrics = await (await fetch(`${etcd.endpoints[0]}/metrics`)).text();
  return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(metrics)?.[1]);
}

test("a killed and restarted etcd loses and doubles nothing", async () => {
  const watched = watch(await put("/w/a", "0"), etcd.endpoints);
  const wanted = ["0"];
  await expect.poll(watched.values, patience).toEqual(wanted);
  for (let round = 1; round <= 3; round += 1) {
    await etcd.kill();
    await etcd.start();
    // Before the watch is back, and after.
    for (const value of [`${round}.1`, `${round}.2`]) {
      await put("/w/a", value);
      wanted.push(value);
    }
    await expect.poll(watched.values, patience).toEqual(wanted);
  }
  await watched.close();
  expect(interruptions.length).toBeGreaterThanOrEqual(3);
});

test("a paused etcd loses and doubles nothing", async () => {
  const watched = watch(await put("/w/a", "0"), etcd.endpoints);
  await expect.poll(watched.values, patience).toEqual(["0"]);
  etcd.pause();
  // Longer than the silence after which a peer counts as dead.
  await expect.poll(() => interruptions.length, patience).toBeGreaterThan(0);
  etcd.resume();
  await put("/w/a", "1");
  await expect.poll(watched.values, patience).toEqual(["0", "1"]);
  await watched.close();
});

test("connections that break at any time lose and double nothing", async () => {
  const watched = watch(await put("/w/a", "0"), [way.url]);
  const wanted = ["0"];
  for (let round = 1; round <= 100; round += 1) {
    await put("/w/a", String(round));
    wanted.push(String(round));
    if (round % 5 === 0) way.cut("accept");
    // Some break while it is catching up, others while it waits.
    if (round % 10 === 0) await expect.poll(watched.values, patience).toEqual(wanted);
  }
  await expect.poll(watched.values, patience).toEqual(wanted);
  await watched.close();
});

test("what was compacted while it was away ends it", async () => {
  const watched = watch(await put("/w/a", "0"), [way.url]);
  await expect.poll(watched.values, patience).toEqual(["0"]);
  way.cut("refuse");
  for (const value of ["1", "2", "3"]) await put("/w/a", value);
  etcd.compact();
  way.cut("accept");
  expect(await watched.end).toMatchObject({ reason: "compacted" });
  expect(watched.values()).toEqual(["0"]);
  await watched.close();
});

test("a store that was wiped meanwhile ends it, also with a later revision", async () => {
  const watched = watch(await put("/w/a", "0"), [way.url]);
  await expect.poll(watched.values, patience).toEqual(["0"]);
  way.cut("refuse");
  await etcd.wipe();
  const other = openEtcd({ endpoints: etcd.endpoints });
  await other.identity(soon());
  for (let round = 0; round < 10; round += 1) await put("/w/b", String(round));
  way.cut("accept");
  expect(await watched.end).toMatchObject({ reason: "compacted" });
  expect(watched.values()).toEqual(["0"]);
  await other.close();
  await watched.close();
});

test("a store that was wiped before anything happened ends it", async () => {
  const watched = watch((await put("/w/a", "0")) + 1, [way.url]);
  await expect.poll(watchersIn, patience).toBe(1);
  way.cut("refuse");
  await etcd.wipe();
  for (let round = 0; round < 10; round += 1) await put("/w/b", String(round));
  way.cut("accept");
  expect(await watched.end).toMatchObject({ reason: "compacted" });
  await watched.close();
});

test.each([
  ["is behind", 0],
  ["has overtaken it with another history", 10],
])("a backup that was restored meanwhile and %s ends it", async (_, writes) => {
  const from = await put("/w/a", "0");
  const watched = watch(from, [way.url]);
  await expect.poll(watched.values, patience).toEqual(["0"]);
  const backup = etcd.snapshot();
  await put("/w/a", "lost");
  await expect.poll(watched.values, patience).toEqual(["0", "lost"]);
  way.cut("refuse");
  await etcd.restore(backup);
  for (let round = 0; round < writes; round += 1) await put("/w/b", String(round));
  way.cut("accept");
  expect(await watched.end).toMatchObject({ reason: "compacted" });
  expect(watched.values()).toEqual(["0", "lost"]);
  await watched.close();
});

test("a removal that was compacted before it began is not left out unsaid", async () => {
  const from = (await put("/w/a", "0")) + 1;
  const removal = await store.commit({ compares: [], writes: [{ remove: "/w/a" }] }, soon());
  expect(removal).toEqual({ ok: true, revision: from });
  etcd.compact();
  const watched = watch(from, etcd.endpoints);
  expect(await watched.end).toMatchObject({ reason: "compacted" });
  await watched.close();
});
