/** Sessions: what takes their key away, and what brings it back. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Store } from "../../../lib/store/store.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { type FaultyWay, startFaultyWay } from "../../lab/faulty-way.ts";
import { openEtcd } from "./etcd-lab.ts";

const soon = () => deadlineIn(() => performance.now(), 20_000);
const patience = { timeout: 30_000, interval: 50 };
const ttl = 2;
let etcd: Etcd;
let way: FaultyWay;
/** By a way that can be cut, and by the straight one. */
let store: Store;
let straight: Store;

beforeEach(async () => {
  etcd = await startEtcd();
  way = await startFaultyWay(etcd.endpoints[0] ?? "");
  store = openEtcd({ endpoints: [way.url] });
  straight = openEtcd({ endpoints: etcd.endpoints });
});
afterEach(async () => {
  await store.close();
  await straight.close();
  await way.close();
  await etcd.stop();
});

const found = async () => (await straight.get("/s", soon()))?.value;

test("a process that is not heard of loses it, and has it again when it is", async () => {
  const session = await store.openSession("/s", "one", ttl, soon());
  way.cut("refuse");
  await expect.poll(found, patience).toBeUndefined();
  way.cut("accept");
  await expect.poll(found, patience).toBe("one");
  await session.set("two", soon());
  expect(await found()).toBe("two");
  await session.close();
  expect(await found()).toBeUndefined();
});

test("a lease that is lost is granted again", async () => {
  await store.openSession("/s", "one", ttl, soon());
  const [, lease = ""] = etcd.etcdctl("lease", "list").split("\n");
  etcd.etcdctl("lease", "revoke", lease);
  expect(await found()).toBeUndefined();
  await expect.poll(found, patience).toBe("one");
});

test("it is written anew with a value, when its lease is lost", async () => {
  const session = await store.openSession("/s", "one", 600, soon());
  const [, lease = ""] = etcd.etcdctl("lease", "list").split("\n");
  etcd.etcdctl("lease", "revoke", lease);
  await session.set("two", soon());
  expect(await found()).toBe("two");
});

test("it is there again in a store that was wiped, or killed and started again", async () => {
  await store.openSession("/s", "one", ttl, soon());
  await etcd.wipe();
  await expect.poll(found, patience).toBe("one");
  await etcd.kill();
  await etcd.start();
  await expect.poll(found, patience).toBe("one");
});

test("it does not keep its end waiting when etcd is away", async () => {
  const session = await store.openSession("/s", "one", 600, soon());
  etcd.pause();
  try {
    await session.close();
    await store.close();
  } finally {
    etcd.resume();
  }
});
