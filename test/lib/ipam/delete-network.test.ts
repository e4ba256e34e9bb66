/** A network that other nodes hold blocks of, deleted. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Failure } from "../../../lib/errors.ts";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { deleteUnheld, deleteWhenLeft } from "../../../lib/ipam/delete-network.ts";
import { readLeases, removeLeases } from "../../../lib/ipam/leases.ts";
import { readNetwork } from "../../../lib/ipam/networks.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { type IpamLab, ipamLab, soon, specOf } from "./lab.ts";
import { stores, type TestStore } from "./stores.ts";

const spec = specOf("10.9.0.0/24", { blockLength: 28 });

describe.each(stores)("in %s", (_name, open) => {
  let store: TestStore;
  let holder: IpamLab;
  let other: IpamLab;
  beforeEach(async () => {
    store = await open();
    holder = ipamLab({ store: store.config, node: "a", vtep: "192.0.2.1" });
    other = ipamLab({ store: store.config, node: "b", vtep: "192.0.2.2" });
    await give(holder, "c1");
  });
  afterEach(() => store.close());

  async function give(lab: IpamLab, containerId: string) {
    const held = await holdNetwork(lab.ipam, { name: "web", spec }, soon());
    const id = { name: "web", containerId, ifname: "eth0" };
    return assignAddress(lab.ipam, held, { id, port: "none", workload: {}, spec }, soon());
  }
  const stored = async () => (await readNetwork(other.registry, "web", soon()))?.network;
  const haveAgent = ({ registry }: IpamLab) =>
    registry.store.openSession(registry.keys.session("a"), "", 60, soon());

  /** Deletes it; `meanwhile` runs each time that it waits. */
  function deleteIt(meanwhile: () => Promise<void>, clock = () => performance.now()) {
    const registry = { ...other.registry, sleep: meanwhile };
    return deleteWhenLeft(registry, "web", clock, soon());
  }

  test("without an agent nobody gives anything back: it is refused at once, unmarked", async () => {
    const never = async () => {
      throw new Error("it waits");
    };
    await expect(deleteIt(never)).rejects.toMatchObject({
      kind: "network-conflict",
      message: 'Cannot delete network "web": blocks of it are held by node "a"',
    });
    expect((await stored())?.deleting).toBeUndefined();
  });

  test("it goes when agents have given back what they hold, and nobody can claim meanwhile", async () => {
    await haveAgent(holder);
    let waits = 0;
    const done = await deleteIt(async () => {
      waits += 1;
      expect((await stored())?.deleting).toBe(true);
      await expect(give(other, `late${waits}`)).rejects.toMatchObject({
        kind: "network-conflict",
        message: 'Cannot use network "web": it is being deleted',
      });
      if (waits < 3) return;
      const leases = await readLeases(holder.registry, "web", soon());
      await removeLeases(holder.registry, "web", leases, soon());
    });
    expect({ done, waits }).toEqual({ done: true, waits: 3 });
    expect(await stored()).toBeUndefined();
    expect(await readLeases(other.registry, "web", soon())).toEqual([]);
    // What was remembered of its end is not held against one that is made anew.
    await give(other, "new");
  });

  test("it stays, unmarked, where containers use it", async () => {
    await haveAgent(holder);
    let now = 0;
    const passing = async () => {
      now += 1_000;
    };
    await expect(deleteIt(passing, () => now)).rejects.toMatchObject({
      message: 'Cannot delete network "web": blocks of it are in use by node "a"',
    });
    expect((await stored())?.deleting).toBeUndefined();
    await give(other, "c2");
  });

  test("it is unmarked also where the store was away until the deadline", async () => {
    await haveAgent(holder);
    let left = 20_000;
    const deadline = { left: () => left };
    const away = new Failure("try-again", "Cannot read key: no answer");
    const sleep = async () => {
      left = 0;
      throw away;
    };
    const deleting = deleteWhenLeft(
      { ...other.registry, sleep },
      "web",
      () => performance.now(),
      deadline,
    );
    await expect(deleting).rejects.toBe(away);
    expect((await stored())?.deleting).toBeUndefined();
  });

  test("where it can't be unmarked, the first failure is told, and what to do", async () => {
    await haveAgent(holder);
    let isAway = false;
    const sleep = async () => {
      isAway = true;
      throw new Failure("try-again", "Cannot read key: no answer");
    };
    const registry = { ...other.registry, sleep };
    const commit: typeof registry.store.commit = async (txn, deadline) => {
      if (isAway) throw new Failure("try-again", "Cannot write key: no answer");
      return other.registry.store.commit(txn, deadline);
    };
    const deleting = deleteWhenLeft(
      { ...registry, store: { ...registry.store, commit } },
      "web",
      () => performance.now(),
      soon(),
    );
    await expect(deleting).rejects.toMatchObject({
      kind: "try-again",
      message: "Cannot read key: no answer",
      details: expect.stringContaining("socketplane network delete web"),
    });
  });

  test("a block that is claimed just then keeps it", async () => {
    const before = await readLeases(holder.registry, "web", soon());
    await removeLeases(holder.registry, "web", before, soon());
    const { keys, store: real } = holder.registry;
    let isClaimed = false;
    const range: typeof real.range = async (prefix, deadline) => {
      const found = await real.range(prefix, deadline);
      if (prefix === keys.leasesOf("web") && !isClaimed) {
        isClaimed = true;
        await give(other, "c2");
      }
      return found;
    };
    const registry = { ...holder.registry, store: { ...real, range } };
    expect(await deleteUnheld(registry, "web", soon())).toBe(false);
    expect(isClaimed).toBe(true);
    expect(await stored()).toBeDefined();
  });
});
