/** A node that is removed: fenced off first, and then without a trace. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureNetwork } from "../../../lib/ipam/networks.ts";
import { readNodes } from "../../../lib/ipam/nodes.ts";
import { registerNode } from "../../../lib/ipam/register.ts";
import { removeNode } from "../../../lib/ipam/remove-node.ts";
import type { Ip4 } from "../../../lib/net/ip4.ts";
import { formatMac, type Mac } from "../../../lib/net/mac.ts";
import type { Store, Write } from "../../../lib/store/store.ts";
import { type IpamLab, ip, ipamLab, type LabOptions, soon, specOf } from "./lab.ts";
import { stores, type TestStore } from "./stores.ts";

describe.each(stores)("in %s", (_name, open) => {
  let store: TestStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const node = (name: string, more: LabOptions = {}) =>
    ipamLab({ store: store.config, node: name, vtep: `192.0.2.${name.charCodeAt(0)}`, ...more });
  const register = ({ registry, ipam }: IpamLab) => registerNode(registry, ipam.node(), soon());
  const remove = ({ registry }: IpamLab, name: string, force = false) =>
    removeNode(registry, name, { force }, soon());

  /** What the store has under a name, in whichever keys and values. */
  async function traces({ registry }: IpamLab, name: string): Promise<readonly string[]> {
    const { entries } = await registry.store.range(registry.keys.all, soon());
    const known = entries.filter(({ key }) => registry.keys.parse(key) !== undefined);
    return known.filter(({ key, value }) => `${key} ${value}`.includes(name)).map(({ key }) => key);
  }

  /** Leases and mirrored assignments of a node, as if it had claimed them. */
  async function hold({ registry }: IpamLab, name: string, count: number, first: number) {
    const { keys, store: opened } = registry;
    await ensureNetwork(registry, specOf("10.0.0.0/8", { blockLength: 28 }), soon());
    for (let done = 0; done < count; done += 25) {
      const writes = Array.from({ length: 25 }, (_, at): readonly Write[] => {
        const base = (ip("10.0.0.0") + (first + done + at) * 16) as Ip4;
        const lease = keys.lease("web", { base, length: 28 });
        const address = keys.assignment("web", (base + 2) as Ip4);
        return [
          { put: lease, value: JSON.stringify({ node: name }) },
          { put: address, value: JSON.stringify({ node: name }) },
        ];
      });
      await opened.commit({ compares: [], writes: writes.flat() }, soon());
    }
  }

  test("nothing is left of it, however much it held, and others lose nothing", async () => {
    const [gone, other] = [node("gone"), node("stays")];
    await register(gone);
    await register(other);
    await hold(gone, "gone", 300, 0);
    await hold(other, "stays", 25, 1000);
    const before = await traces(other, "stays");
    expect(await remove(other, "gone")).toEqual({ leases: 300, assignments: 300 });
    expect(await traces(other, "gone")).toEqual([]);
    expect(await traces(other, "stays")).toEqual(before);
    // Its VTEP is free for whoever comes in its place.
    await register(node("new", { vtep: `192.0.2.${"gone".charCodeAt(0)}` }));
    expect(await remove(other, "gone")).toBeUndefined();
  });

  test("a machine removes nothing of another that has its name by now", async () => {
    const lab = node("same");
    await register(lab);
    await hold(lab, "same", 25, 0);
    const before = await traces(lab, "same");
    const removeOf = (machineId: string) =>
      removeNode(lab.registry, "same", { force: true, machineId }, soon());
    expect(await removeOf("another machine")).toBeUndefined();
    expect(await traces(lab, "same")).toEqual(before);
    const { machineId } = lab.ipam.node();
    expect(await removeOf(machineId)).toEqual({ leases: 25, assignments: 25 });
    expect(await traces(lab, "same")).toEqual([]);
  });

  test("the MACs that its leases reserve go with them, as many as there are", async () => {
    const lab = node("gone");
    await register(lab);
    const { keys, store: opened } = lab.registry;
    const first = ip("10.0.0.0");
    for (let at = 0; at < 100; at += 1) {
      const base = (first + at) as Ip4;
      const mac = (0x0a0000000000 + at) as Mac;
      const writes = [
        {
          put: keys.lease("web", { base, length: 32 }),
          value: JSON.stringify({ node: "gone", mac: formatMac(mac) }),
        },
        { put: keys.mac("web", mac), value: "gone" },
      ];
      await opened.commit({ compares: [], writes }, soon());
    }
    expect(await remove(node("b"), "gone")).toEqual({ leases: 100, assignments: 0 });
    expect(await traces(lab, "gone")).toEqual([]);
  });

  test("while its agent runs it is refused, unless it is forced", async () => {
    const lab = node("a");
    await register(lab);
    await lab.registry.store.openSession(lab.registry.keys.session("a"), "", 60, soon());
    await expect(remove(lab, "a")).rejects.toMatchObject({
      message: 'Cannot remove node "a": its agent runs',
      details: expect.stringContaining("--force"),
    });
    expect((await readNodes(lab.registry, soon())).has("a")).toBe(true);
    expect(await remove(lab, "a", true)).toEqual({ leases: 0, assignments: 0 });
    expect((await readNodes(lab.registry, soon())).has("a")).toBe(false);
  });

  test("an agent that comes up just then keeps its node", async () => {
    const lab = node("a");
    await register(lab);
    const { keys, store: opened } = lab.registry;
    let come = false;
    const seen = (real: Store): Store => ({
      ...real,
      commit: async (txn, deadline) => {
        if (!come) await opened.openSession(keys.session("a"), "", 60, soon());
        come = true;
        return real.commit(txn, deadline);
      },
    });
    await expect(remove(node("b", { seen }), "a")).rejects.toThrow("its agent runs");
    expect((await readNodes(lab.registry, soon())).has("a")).toBe(true);
  });

  test("a removal that was cut short is ended by the next, and spares who came back", async () => {
    const lab = node("a");
    await register(lab);
    await hold(lab, "a", 100, 0);
    let commits = 0;
    const seen = (opened: Store): Store => ({
      ...opened,
      commit: (txn, deadline) => {
        commits += 1;
        if (commits > 2) throw new Error("cut short");
        return opened.commit(txn, deadline);
      },
    });
    await expect(remove(node("b", { seen }), "a")).rejects.toThrow("cut short");
    expect((await readNodes(lab.registry, soon())).has("a")).toBe(false);
    expect(await remove(lab, "a")).toEqual({ leases: 60, assignments: 100 });
    expect(await traces(lab, '"a"')).toEqual([]);
  });

  test("what it claims after it came back is not removed with what it had before", async () => {
    const lab = node("a");
    await register(lab);
    await hold(lab, "a", 25, 0);
    let back = false;
    const seen = (opened: Store): Store => ({
      ...opened,
      range: async (prefix, deadline) => {
        if (prefix === lab.registry.keys.leases && !back) {
          back = true;
          await register(lab);
          await hold(lab, "a", 25, 100);
        }
        return opened.range(prefix, deadline);
      },
    });
    expect(await remove(node("b", { seen }), "a")).toEqual({ leases: 25, assignments: 25 });
    expect((await readNodes(lab.registry, soon())).has("a")).toBe(true);
    // The record, the VTEP, and its new leases and assignments.
    expect(await traces(lab, '"a"')).toHaveLength(50);
  });
});
