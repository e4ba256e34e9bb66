/** Pairs of networks that reach each other: in both records, or in none. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deleteUnheld } from "../../../lib/ipam/delete-network.ts";
import { parseNetwork } from "../../../lib/ipam/network.ts";
import { ensureNetwork, readNetwork, rewrite } from "../../../lib/ipam/networks.ts";
import { mostAllowed, setPolicy } from "../../../lib/ipam/policies.ts";
import { type IpamLab, ipamLab, soon, specOf } from "./lab.ts";
import { stores, type TestStore } from "./stores.ts";

const subnets = { web: "10.2.0.0/16", db: "10.3.0.0/16", cache: "10.4.0.0/16" };

describe.each(stores)("in %s", (_name, open) => {
  let store: TestStore;
  let registry: IpamLab["registry"];
  beforeEach(async () => {
    store = await open();
    ({ registry } = ipamLab({ store: store.config }));
    for (const [name, subnet] of Object.entries(subnets)) {
      await ensureNetwork(registry, { ...specOf(subnet), name }, soon());
    }
  });
  afterEach(() => store.close());

  const set = (policy: "allow" | "deny", ...pair: readonly [string, string]) =>
    setPolicy(registry, policy, pair, soon());
  const read = async (name: string) => {
    const stored = await readNetwork(registry, name, soon());
    if (stored === undefined) throw new Error(`there is no network ${name}`);
    return stored;
  };
  const allowedOf = async (name: string) => (await read(name)).network.allowed;

  test("both say it, whichever was named first, and both cease to", async () => {
    expect(await allowedOf("web")).toBeUndefined();
    expect(await set("allow", "web", "db")).toMatchObject({ changed: true });
    await set("allow", "cache", "web");
    expect(await allowedOf("web")).toEqual(["cache", "db"]);
    expect(await allowedOf("db")).toEqual(["web"]);
    expect(await set("deny", "db", "web")).toMatchObject({ changed: true });
    expect(await allowedOf("web")).toEqual(["cache"]);
    expect(await allowedOf("db")).toBeUndefined();
    expect(await allowedOf("cache")).toEqual(["web"]);
  });

  test("what is so already is left alone", async () => {
    await set("allow", "web", "db");
    const before = (await read("web")).revision;
    expect(await set("allow", "db", "web")).toMatchObject({ changed: false });
    expect(await set("deny", "db", "cache")).toMatchObject({ changed: false });
    expect((await read("web")).revision).toBe(before);
  });

  test("half of a pair, as nobody leaves it, is made whole or taken away", async () => {
    const half = async () => {
      const web = await read("web");
      const to = { ...web.network, allowed: ["db"] };
      await registry.store.commit(rewrite(registry, web, to), soon());
    };
    await half();
    await set("allow", "web", "db");
    expect(await allowedOf("db")).toEqual(["web"]);
    await set("deny", "web", "db");
    await half();
    await set("deny", "web", "db");
    expect(await allowedOf("web")).toBeUndefined();
  });

  test("no change of another is lost", async () => {
    const { store: real } = registry;
    let isRaced = false;
    const commit: typeof real.commit = async (txn, deadline) => {
      if (!isRaced) {
        isRaced = true;
        await set("allow", "web", "cache");
      }
      return real.commit(txn, deadline);
    };
    const slower = { ...registry, store: { ...real, commit } };
    await setPolicy(slower, "allow", ["web", "db"], soon());
    expect(await allowedOf("web")).toEqual(["cache", "db"]);
  });

  test("a network that is deleted takes its policies with it", async () => {
    await set("allow", "web", "db");
    await set("allow", "web", "cache");
    await set("allow", "db", "cache");
    expect(await deleteUnheld(registry, "web", soon())).toBe(true);
    expect(await allowedOf("db")).toEqual(["cache"]);
    expect(await allowedOf("cache")).toEqual(["db"]);
    await ensureNetwork(registry, { ...specOf(subnets.web), name: "web" }, soon());
    expect(await allowedOf("web")).toBeUndefined();
  });

  test("a policy that is made while its network is deleted goes too, or is refused", async () => {
    const { store: real } = registry;
    let isRaced = false;
    const commit: typeof real.commit = async (txn, deadline) => {
      if (!isRaced) {
        isRaced = true;
        await set("allow", "web", "db");
      }
      return real.commit(txn, deadline);
    };
    const slower = { ...registry, store: { ...real, commit } };
    expect(await deleteUnheld(slower, "web", soon())).toBe(true);
    expect(isRaced).toBe(true);
    expect(await allowedOf("db")).toBeUndefined();
    await expect(set("allow", "web", "db")).rejects.toMatchObject({
      kind: "network-unknown",
      message: expect.stringContaining('there is no network "web"'),
    });
  });

  test("one that is being deleted, and a network and itself, are refused", async () => {
    const web = await read("web");
    const deleting = rewrite(registry, web, { ...web.network, deleting: true });
    await registry.store.commit(deleting, soon());
    await expect(set("allow", "web", "db")).rejects.toMatchObject({ kind: "network-conflict" });
    await expect(set("allow", "db", "db")).rejects.toMatchObject({
      kind: "usage",
      message: expect.stringContaining("a network always reaches itself"),
    });
  });

  test("what one reaches can be deleted in one transaction, so there is a most of it", async () => {
    const others = Array.from({ length: mostAllowed }, (_, n) => `n${n}`);
    for (const [n, name] of others.entries()) {
      const spec = { ...specOf(`10.100.${n}.0/24`), name };
      await ensureNetwork(registry, spec, soon());
      await set("allow", "web", name);
    }
    await expect(set("allow", "web", "db")).rejects.toMatchObject({
      kind: "network-conflict",
      message: `Cannot allow more to network "web": it reaches ${mostAllowed} others already`,
    });
    expect(await allowedOf("db")).toBeUndefined();
    expect(await deleteUnheld(registry, "web", soon())).toBe(true);
    expect(await allowedOf("n7")).toBeUndefined();
  });
});

test("names that are none, in a record, are nobody's", () => {
  const record = { id: "web", subnet: "10.2.0.0/16", vni: 1 };
  const read = (allowed: unknown) => parseNetwork({ ...record, allowed }, "here").allowed;
  expect(read(["db", 7, "../x", ""])).toEqual(["db"]);
  expect(read([])).toBeUndefined();
  expect(() => read("db")).toThrow(/"allowed" must be a list/);
});
