/** Commits that were sent and not answered: done or not, each is done once at most. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Compare, Store, Txn } from "../../../lib/store/store.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { type FaultyWay, startFaultyWay } from "../../lab/faulty-way.ts";
import { openEtcd } from "./etcd-lab.ts";

const soon = () => deadlineIn(() => performance.now(), 20_000);
let etcd: Etcd;
let way: FaultyWay;
/** By the faulty way, and by the straight one. */
let behind: Store;
let straight: Store;
let made = 0;
let key: string;

beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.stop());
beforeEach(async () => {
  way = await startFaultyWay(etcd.endpoints[0] ?? "");
  behind = openEtcd({ endpoints: [way.url] });
  straight = openEtcd({ endpoints: etcd.endpoints });
  made += 1;
  key = `/commit/${made}`;
});
afterEach(async () => {
  await behind.close();
  await straight.close();
  await way.close();
});

const put = (value: string, ...compares: readonly Compare[]): Txn => ({
  compares,
  writes: [{ put: key, value }],
});
const found = async () => (await straight.get(key, soon()))?.value;
const revision = async () => (await straight.range(key, soon())).revision;
/** What is connected and granted before a first commit is so already. */
const warm = (store: Store) =>
  store.commit({ compares: [], writes: [{ put: "/commit/warm", value: "" }] }, soon());

test("one that was done is said to be done, at its revision", async () => {
  await warm(behind);
  const before = await revision();
  way.next(key, "lose the answer");
  const done = await behind.commit(put("mine", { absent: key }), soon());
  expect(done).toEqual({ ok: true, revision: before + 1 });
  expect(await found()).toBe("mine");
  expect(await revision()).toBe(before + 1);
});

test("one that was done without a compare is not done again", async () => {
  await warm(behind);
  const before = await revision();
  way.next(key, "lose the answer");
  expect(await behind.commit(put("mine"), soon())).toEqual({ ok: true, revision: before + 1 });
  expect(await revision()).toBe(before + 1);
});

test("one that was done is told from the same one by somebody else", async () => {
  await straight.commit(put("0"), soon());
  const zero: Compare = { key, value: "0" };
  await warm(behind);
  // Another one counts to 1 first, in the same words: this is lost, and no count of ours.
  way.next(key, "hold the request");
  const lost = behind.commit(put("1", zero), soon());
  await way.happened();
  expect(await straight.commit(put("1", zero), soon())).toMatchObject({ ok: true });
  expect(await lost).toEqual({ ok: false });
  expect(await found()).toBe("1");
});

test("one that never arrived is sent again", async () => {
  await warm(behind);
  way.next(key, "hold the request");
  expect(await behind.commit(put("mine", { absent: key }), soon())).toMatchObject({ ok: true });
  expect(await found()).toBe("mine");
});

test("one that arrives after it was sent again does nothing", async () => {
  await warm(behind);
  way.next(key, "hold the request");
  expect(await behind.commit(put("mine"), soon())).toMatchObject({ ok: true });
  await straight.commit(put("theirs"), soon());
  await way.letGo();
  await warm(behind);
  expect(await found()).toBe("theirs");
});

test("one that was lost stays lost, when it arrives after its compare came true", async () => {
  await straight.commit(put("0"), soon());
  await warm(behind);
  way.next(key, "hold the request");
  expect(await behind.commit(put("mine", { key, value: "1" }), soon())).toEqual({ ok: false });
  await straight.commit(put("1"), soon());
  await way.letGo();
  await warm(behind);
  expect(await found()).toBe("1");
});

test("a removal that was done is said to be done", async () => {
  await straight.commit(put("0"), soon());
  await warm(behind);
  const before = await revision();
  const removal: Txn = { compares: [{ key, value: "0" }], writes: [{ remove: key }] };
  way.next(key, "lose the answer");
  expect(await behind.commit(removal, soon())).toEqual({ ok: true, revision: before + 1 });
  expect(await found()).toBeUndefined();
});

test("one that nobody could tell about until the deadline says so", async () => {
  await warm(behind);
  way.next(key, "swallow the answer");
  const commit = behind.commit(
    put("mine"),
    deadlineIn(() => performance.now(), 500),
  );
  await expect(commit).rejects.toMatchObject({
    kind: "try-again",
    details: expect.stringContaining("not known"),
  });
  expect(await found()).toBe("mine");
});

test("one that never left does not say that it may be done", async () => {
  way.cut("refuse");
  const commit = behind.commit(
    put("mine"),
    deadlineIn(() => performance.now(), 500),
  );
  const fault = await commit.catch((thrown) => thrown);
  expect(fault).toMatchObject({ kind: "try-again" });
  expect(fault.details ?? "").not.toContain("not known");
});

test("the marks of what was done go by themselves, together", async () => {
  for (const value of ["1", "2", "3"]) await behind.commit(put(value), soon());
  const lines = etcd.etcdctl("get", "--prefix", "/socketplane/test/attempts/", "--write-out=json");
  const marks: readonly { lease?: number }[] = JSON.parse(lines).kvs;
  expect(marks.length).toBeGreaterThanOrEqual(3);
  expect(marks.every(({ lease = 0 }) => lease !== 0)).toBe(true);
});

test("a lease of the marks that is gone is granted again", async () => {
  await warm(behind);
  for (const lease of etcd.etcdctl("lease", "list").split("\n").slice(1).filter(Boolean)) {
    etcd.etcdctl("lease", "revoke", lease);
  }
  expect(await behind.commit(put("mine", { absent: key }), soon())).toMatchObject({ ok: true });
});
