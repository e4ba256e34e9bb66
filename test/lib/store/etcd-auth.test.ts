/** A store in an etcd that asks for users: tokens end, and nobody notices. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { EtcdConfig } from "../../../lib/store/etcd-endpoint.ts";
import type { Revision, Store, Txn } from "../../../lib/store/store.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { openEtcd } from "./etcd-lab.ts";

const soon = () => deadlineIn(() => performance.now(), 20_000);
const patience = { timeout: 40_000, interval: 20 };
const auth = { username: "sp", password: "secret with spaces" };
const put = (value: string): Txn => ({ compares: [], writes: [{ put: "/a/a", value }] });
let etcd: Etcd;
const stores: Store[] = [];

beforeEach(async () => {
  // The shortest time that a token can have, when it is not used.
  etcd = await startEtcd({ auth, more: ["--auth-token-ttl=1"] });
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await etcd.stop();
});

function opened(password: string, more: Partial<EtcdConfig> = {}): Store {
  const passwordFile = join(etcd.folder, "password");
  writeFileSync(passwordFile, password);
  const login = { username: auth.username, passwordFile };
  const store = openEtcd({ endpoints: etcd.endpoints, ...login, ...more });
  stores.push(store);
  return store;
}

test("the right password is let in, with the end of its line or without", async () => {
  for (const end of ["", "\n", "\r\n"]) {
    const store = opened(auth.password + end);
    expect(await store.commit(put(end), soon())).toMatchObject({ ok: true });
    expect((await store.get("/a/a", soon()))?.value).toBe(end);
  }
});

test("a wrong password, no user, and a user who may not", async () => {
  await expect(opened("wrong").get("/a/a", soon())).rejects.toMatchObject({
    kind: "store-refused",
    message: expect.stringContaining("wrong user or password"),
  });
  const nobody = { username: undefined, passwordFile: undefined };
  await expect(opened("", nobody).get("/a/a", soon())).rejects.toMatchObject({
    kind: "store-refused",
    details: expect.stringContaining("store.username"),
  });
  etcd.etcdctl("user", "revoke-role", auth.username, "everything");
  await expect(opened(auth.password).commit(put("1"), soon())).rejects.toMatchObject({
    kind: "store-refused",
    message: expect.stringContaining("permission denied"),
  });
});

test("a token that has ended is fetched anew, for reads, writes and sessions", async () => {
  const store = opened(auth.password);
  const session = await store.openSession("/a/s", "one", 2, soon());
  for (const value of ["1", "2"]) {
    expect(await store.commit(put(value), soon())).toMatchObject({ ok: true });
    // Tokens are looked through once a second.
    await pause(3_500);
    expect((await store.get("/a/a", soon()))?.value).toBe(value);
  }
  expect((await store.get("/a/s", soon()))?.value).toBe("one");
  await session.close();
});

test("a watch goes on when etcd has forgotten its token", async () => {
  const store = opened(auth.password);
  const done = await store.commit(put("0"), soon());
  if (!done.ok) throw new Error("lost a commit that compares nothing");
  const seen: string[] = [];
  const end = store.watch(
    "/a/",
    done.revision,
    (events) => seen.push(...events.map(({ value }) => value)),
    new AbortController().signal,
  );
  await expect.poll(() => seen, patience).toEqual(["0"]);
  await etcd.kill();
  await etcd.start();
  const other = opened(auth.password);
  await other.commit(put("1"), soon());
  await expect.poll(() => seen, patience).toEqual(["0", "1"]);
  await store.close();
  expect(await end).toEqual({ reason: "closed" });
});

test("a watch that is not allowed any more says so", async () => {
  const store = opened(auth.password);
  await store.commit(put("0"), soon());
  const end = store.watch("/a/", 1 as Revision, () => {}, new AbortController().signal);
  end.catch(() => {});
  etcd.etcdctl("user", "revoke-role", auth.username, "everything");
  await etcd.kill();
  await etcd.start();
  await expect(end).rejects.toMatchObject({ kind: "store-refused" });
});
