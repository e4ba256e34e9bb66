/** Who may be which node, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import type { HeldNetwork } from "../../../lib/ipam/held.ts";
import { claimTxn, readLeases } from "../../../lib/ipam/leases.ts";
import { formatVtep, parseVtep, readNodes } from "../../../lib/ipam/nodes.ts";
import { readPeers } from "../../../lib/ipam/peers.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { registerNode } from "../../../lib/ipam/register.ts";
import type { Store } from "../../../lib/store/store.ts";
import { type IpamLab, ipamLab, type LabOptions, prefix, soon, specOf } from "./lab.ts";
import { stores, type TestStore } from "./stores.ts";

test.each(["192.0.2.1", "2001:db8::1", "::1"])("VTEP %s is read as it is written", (text) => {
  const vtep = parseVtep(text);
  expect(vtep && formatVtep(vtep)).toBe(text);
});

test.each(["", "web", "192.0.2", "192.0.2.1/24"])("%j is no VTEP", (text) => {
  expect(parseVtep(text)).toBeUndefined();
});

describe.each(stores)("in %s", (_name, open) => {
  let store: TestStore;
  let count = 0;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  /** A node of the store; names and VTEPs are each test's own. */
  const lab = (options: LabOptions) => ipamLab({ store: store.config, ...options });
  const register = ({ registry, ipam }: IpamLab, moved?: "register") =>
    registerNode(registry, ipam.node(), soon(), moved);
  const names = () => {
    count += 1;
    const vtep = (last: number) => `192.0.${count}.${last}`;
    return { a: `a${count}`, b: `b${count}`, network: `net${count}`, vtep };
  };
  /** Networks that don't overlap each other. */
  const spec = () => ({
    ...specOf(`10.${count}.0.0/24`, { blockLength: 28 }),
    name: `net${count}`,
  });
  const hold = (one: IpamLab) => holdNetwork(one.ipam, { name: spec().name, spec: spec() }, soon());
  async function give(one: IpamLab, held: HeldNetwork, containerId: string) {
    const id = { name: "web", containerId, ifname: "eth0" };
    const wish = { id, port: "none", workload: {}, spec: spec() } as const;
    return (await assignAddress(one.ipam, held, wish, soon())).held;
  }
  const nodes = async (one: IpamLab) => readNodes(one.registry, soon());

  test("a node is registered with its VTEP once, however often it asks", async () => {
    const { a, vtep } = names();
    const one = lab({ node: a, vtep: vtep(1) });
    const first = await register(one);
    expect(await register(one)).toEqual(first);
    const record = (await nodes(one)).get(a);
    expect(record).toMatchObject({ machineId: `machine of ${a}`, boot: "boot" });
    expect(record?.vtep && formatVtep(record.vtep)).toBe(vtep(1));
    expect(record?.modRevision).toBe(record?.createRevision);
  });

  test("a reboot is written down, and is the same registration", async () => {
    const { a, vtep } = names();
    const first = await register(lab({ node: a, vtep: vtep(1) }));
    const rebooted = lab({ node: a, vtep: vtep(1), boot: "another" });
    expect(await register(rebooted)).toEqual(first);
    expect((await nodes(rebooted)).get(a)).toMatchObject({ boot: "another" });
  });

  test("another machine under its name is refused", async () => {
    const { a, vtep } = names();
    await register(lab({ node: a, vtep: vtep(1) }));
    const other = lab({ node: a, vtep: vtep(2), machineId: "another" });
    await expect(register(other, "register")).rejects.toMatchObject({
      kind: "invalid-config",
      message: `Cannot register node "${a}": another machine (machine of ${a}) has that name`,
    });
  });

  test("another node with its VTEP is refused, and nothing is written", async () => {
    const { a, b, vtep } = names();
    await register(lab({ node: a, vtep: vtep(1) }));
    const other = lab({ node: b, vtep: vtep(1) });
    await expect(register(other)).rejects.toMatchObject({
      kind: "invalid-config",
      message: `Cannot register node "${b}": VTEP ${vtep(1)} is node "${a}"'s`,
    });
    expect((await nodes(other)).has(b)).toBe(false);
  });

  test("a copy of the machine is refused: the same name and machine id, another VTEP", async () => {
    const { a, vtep } = names();
    await register(lab({ node: a, vtep: vtep(1) }));
    await expect(register(lab({ node: a, vtep: vtep(2) }))).rejects.toMatchObject({
      kind: "invalid-config",
      message: expect.stringContaining(`registered with VTEP ${vtep(1)}, and this machine has`),
    });
  });

  test("an agent registers a node's new VTEP, unless the node has another agent", async () => {
    const { a, b, vtep } = names();
    const before = lab({ node: a, vtep: vtep(1) });
    const first = await register(before);
    const key = before.registry.keys.session(a);
    const session = await before.registry.store.openSession(key, "", 60, soon());
    const after = lab({ node: a, vtep: vtep(2) });
    await expect(register(after, "register")).rejects.toMatchObject({
      message: expect.stringContaining("whose agent runs"),
    });
    await session.close();
    expect(await register(after, "register")).toEqual(first);
    // The old one is free again, the new one is not.
    await register(lab({ node: b, vtep: vtep(1) }));
    await expect(register(lab({ node: `${b}x`, vtep: vtep(2) }))).rejects.toThrow(`node "${a}"'s`);
  });

  test("an agent that comes up just then keeps its VTEP", async () => {
    const { a, vtep } = names();
    const before = lab({ node: a, vtep: vtep(1) });
    await register(before);
    const { keys, store: opened } = before.registry;
    let come = false;
    const seen = (real: Store): Store => ({
      ...real,
      commit: async (txn, deadline) => {
        if (!come) await opened.openSession(keys.session(a), "", 60, soon());
        come = true;
        return real.commit(txn, deadline);
      },
    });
    const after = lab({ node: a, vtep: vtep(2), seen });
    await expect(register(after, "register")).rejects.toThrow("whose agent runs");
    const record = (await nodes(before)).get(a);
    expect(record?.vtep && formatVtep(record.vtep)).toBe(vtep(1));
  });

  test("of two that register one VTEP at once, one is refused, each time", async () => {
    for (let round = 0; round < 20; round += 1) {
      const { a, b, vtep } = names();
      const racing = [a, b].map((node) => lab({ node, vtep: vtep(1) }));
      const done = await Promise.allSettled(racing.map((one) => register(one)));
      expect(done.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      const [one] = racing;
      const known = one === undefined ? new Map() : await nodes(one);
      expect([a, b].filter((name) => known.has(name))).toHaveLength(1);
    }
  });

  test("what a removed node still wants to claim is refused, also when it is back", async () => {
    const { a, vtep } = names();
    const one = lab({ node: a, vtep: vtep(1) });
    const held = await hold(one);
    const { keys, store: opened } = one.registry;
    const claim = claimTxn(keys, held.stored, held.node, prefix(`10.${count}.0.16/28`));
    const writes = [{ remove: keys.node(a) }, { remove: keys.vtep({ ...vtepOf(vtep(1)) }) }];
    await opened.commit({ compares: [], writes }, soon());
    expect(await opened.commit(claim, soon())).toEqual({ ok: false });
    const again = await register(one);
    expect(again.createRevision).toBeGreaterThan(held.node.createRevision);
    expect(await opened.commit(claim, soon())).toEqual({ ok: false });
    const anew = claimTxn(keys, held.stored, again, prefix(`10.${count}.0.16/28`));
    expect(await opened.commit(anew, soon())).toMatchObject({ ok: true });
  });

  test("a lease of an earlier registration is nobody's", async () => {
    const { a, b, vtep, network } = names();
    const one = lab({ node: a, vtep: vtep(1) });
    const other = lab({ node: b, vtep: vtep(2) });
    await give(one, await hold(one), "c1");
    const { keys, store: opened } = one.registry;
    const peers = async () => {
      other.pass(60_000);
      const held = await hold(other);
      return { count: held.peers.count, known: readPeers(other.dirs, network).length };
    };
    expect(await peers()).toEqual({ count: 1, known: 1 });
    const writes = [{ remove: keys.node(a) }, { remove: keys.vtep(vtepOf(vtep(1))) }];
    await opened.commit({ compares: [], writes }, soon());
    expect(await peers()).toEqual({ count: 0, known: 0 });
    const rebooted = lab({ node: a, vtep: vtep(1) });
    const held = await hold(rebooted);
    expect(held.blocks).toEqual([]);
    expect(await peers()).toEqual({ count: 0, known: 0 });
    // Nor is it in the way for long: the node that comes back removes what was left.
    expect(await readLeases(one.registry, network, soon())).toEqual([]);
  });
});

function vtepOf(text: string) {
  const vtep = parseVtep(text);
  if (vtep === undefined) throw new Error(text);
  return vtep;
}
