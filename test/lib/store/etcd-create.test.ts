/** Keys that go by etcd's clock. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import { until } from "../../lab/until.ts";
import { type OwnEtcd, openEtcd, openOwnEtcd } from "./etcd-lab.ts";
import { makeTestFolder, openAt } from "./lab.ts";

const soon = () => deadlineIn(() => performance.now(), 30_000);

let own: OwnEtcd;
beforeAll(async () => {
  own = await openOwnEtcd();
});
afterAll(() => own?.close());

test("a key is made once, and goes when its time is over, whoever made it being gone", async () => {
  const maker = openEtcd({ endpoints: own.etcd.endpoints });
  expect(await maker.createFor("/once", "a", 2, soon())).toBe("created");
  await maker.close();
  expect((await own.store.get("/once", soon()))?.value).toBe("a");
  expect(await own.store.createFor("/once", "b", 600, soon())).toBe("exists");
  await until("the key gone", async () => (await own.store.get("/once", soon())) === undefined);
  expect(await own.store.createFor("/once", "b", 600, soon())).toBe("created");
});

test("who sends it again finds it made", async () => {
  expect(await own.store.createFor("/twice", "a", 600, soon())).toBe("created");
  expect(await own.store.createFor("/twice", "a", 600, soon())).toBe("created");
  // The second try's lease is given back: nothing is left of it.
  const leases = own.etcd.etcdctl("lease", "list").match(/^[0-9a-f]{16}$/gm) ?? [];
  const held = leases.map((id) => own.etcd.etcdctl("lease", "timetolive", "--keys", id));
  expect(held.filter((line) => line.includes("/twice"))).toHaveLength(1);
  expect(held.filter((line) => line.includes("attached keys([])"))).toEqual([]);
});

test("a file store has no clock, and says so", async () => {
  const folder = makeTestFolder();
  const file = openAt(folder.path);
  await expect(file.createFor("/once", "a", 600, soon())).rejects.toMatchObject({
    kind: "store-refused",
    message: expect.stringContaining("has no clock"),
  });
  await file.close();
  folder.remove();
});
