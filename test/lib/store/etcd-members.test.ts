/** A store in an etcd of three members: one that is gone, silent or no leader any more. */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Revision, Store, Txn } from "../../../lib/store/store.ts";
import { type EtcdCluster, startEtcdCluster } from "../../lab/etcd.ts";
import { freePort } from "../../lab/etcd-member.ts";
import { openEtcd } from "./etcd-lab.ts";

const soon = () => deadlineIn(() => performance.now(), 30_000);
const patience = { timeout: 50_000, interval: 10 };
const put = (value: string): Txn => ({ compares: [], writes: [{ put: "/m/a", value }] });
let cluster: EtcdCluster;
const stores: Store[] = [];

beforeEach(async () => {
  cluster = await startEtcdCluster();
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await cluster.stop();
});

function opened(endpoints: readonly string[]): Store {
  const store = openEtcd({ endpoints });
  stores.push(store);
  return store;
}

test("a killed leader: writes and watches go on, and nothing is lost or doubled", async () => {
  const store = opened(cluster.endpoints);
  // Made by the first who looks: at a revision of its own.
  await store.identity(soon());
  const first = await store.commit(put("0"), soon());
  if (!first.ok) throw new Error("lost a commit that compares nothing");
  const seen: string[] = [];
  const watching = opened(cluster.endpoints).watch(
    "/m/",
    first.revision,
    (events) => seen.push(...events.map(({ value }) => value)),
    new AbortController().signal,
  );
  const wanted = ["0"];
  let revision = first.revision;
  for (let round = 1; round <= 60; round += 1) {
    if (round === 20) void cluster.leader().kill();
    const done = await store.commit(put(String(round)), soon());
    expect(done).toMatchObject({ ok: true });
    if (done.ok) revision = done.revision;
    wanted.push(String(round));
  }
  // Not one was done twice.
  expect(revision).toBe(first.revision + 60);
  await expect.poll(() => seen, patience).toEqual(wanted);
  for (const open of stores) await open.close();
  expect(await watching).toEqual({ reason: "closed" });
});

test("a held leader: another member is asked, and then leads", async () => {
  const held = cluster.leader();
  const others = cluster.endpoints.filter((endpoint) => endpoint !== held.clientUrl);
  const store = opened([held.clientUrl, ...others]);
  await store.commit(put("0"), soon());
  held.pause();
  try {
    expect(await store.commit(put("1"), soon())).toMatchObject({ ok: true });
    expect((await store.get("/m/a", soon()))?.value).toBe("1");
  } finally {
    held.resume();
  }
});

test("endpoints where nobody is, or somebody silent, cost no answer", async () => {
  const silent: Server = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const bound = silent.address();
  if (bound === null || typeof bound === "string") throw new Error("cannot listen");
  const nobody = `http://127.0.0.1:${await freePort("127.0.0.1")}`;
  const deaf = `http://127.0.0.1:${bound.port}`;
  const store = opened([nobody, deaf, ...cluster.endpoints]);
  expect(await store.commit(put("1"), soon())).toMatchObject({ ok: true });
  silent.close();
});

test("without a leader nothing is read or written, and it says so", async () => {
  const [first, second, third] = cluster.members;
  if (first === undefined) throw new Error("no member");
  const store = opened([first.clientUrl]);
  await store.commit(put("1"), soon());
  const watched = store.watch("/m/", 1 as Revision, () => {}, new AbortController().signal);
  await second?.kill();
  await third?.kill();
  const short = () => deadlineIn(() => performance.now(), 1_000);
  const fault = async () => store.get("/m/a", short()).then(String, String);
  // At first it waits for those who do not answer; then it knows.
  await expect.poll(fault, patience).toContain("it has no leader");
  await expect(store.commit(put("2"), short())).rejects.toMatchObject({
    kind: "try-again",
    message: expect.stringContaining(first.clientUrl),
  });
  second?.start();
  await second?.ready();
  expect(await store.commit(put("3"), soon())).toMatchObject({ ok: true });
  await store.close();
  expect(await watched).toEqual({ reason: "closed" });
});
