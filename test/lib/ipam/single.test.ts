/** Leases of one address: with a MAC of their own, unique in the network, and given back. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { heldNow } from "../../../lib/ipam/held.ts";
import { readLeases } from "../../../lib/ipam/leases.ts";
import { leaveSingle } from "../../../lib/ipam/leave-single.ts";
import { readPeers } from "../../../lib/ipam/peers.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { release } from "../../../lib/ipam/release.ts";
import { removeNode } from "../../../lib/ipam/remove-node.ts";
import { giveBack } from "../../../lib/ipam/spare.ts";
import { formatIp4 } from "../../../lib/net/ip4.ts";
import { formatMac, type Mac, parseMac } from "../../../lib/net/mac.ts";
import { formatPrefix4 } from "../../../lib/net/prefix.ts";
import type { Store } from "../../../lib/store/store.ts";
import { type IpamLab, ip, ipamLab, soon, specOf } from "./lab.ts";
import { stores, type TestStore } from "./stores.ts";

const spec = specOf("10.9.0.0/24", { blockLength: 29 });
const id = (containerId: string) => ({ name: "web", containerId, ifname: "eth0" });
const one = "0a:00:00:00:00:01";
const two = "0a:00:00:00:00:02";

async function give(lab: IpamLab, containerId: string, mac?: string, address?: string) {
  const held = await holdNetwork(lab.ipam, { name: "web", spec }, soon());
  const wish = {
    id: id(containerId),
    mac: mac === undefined ? undefined : (parseMac(mac) as Mac),
    address: address === undefined ? undefined : ip(address),
    port: "none",
    workload: {},
    spec,
  } as const;
  const { assignment } = await assignAddress(lab.ipam, held, wish, soon());
  return `${formatIp4(assignment.address)} ${formatMac(assignment.mac)}`;
}

const leave = (lab: IpamLab, containerId: string) =>
  leaveSingle(lab.ipam, release(lab.dirs, id(containerId)), soon());

const leasesOf = async (lab: IpamLab) =>
  (await readLeases(lab.registry, "web", soon())).map(({ prefix, node, mac }) =>
    [formatPrefix4(prefix), node, ...(mac === undefined ? [] : [formatMac(mac)])].join(" "),
  );

async function macsOf({ registry: { keys, store } }: IpamLab) {
  const { entries } = await store.range(keys.macs("web"), soon());
  return entries.map(({ key, value }) => `${key.slice(-12)} ${value}`);
}

describe.each(stores)("in %s", (name, open) => {
  let store: TestStore;
  let lab: IpamLab;
  const node = (name: string, vtep: string, seen?: (store: Store) => Store) =>
    ipamLab({ store: store.config, node: name, vtep, ...(seen && { seen }) });
  beforeEach(async () => {
    store = await open();
    lab = node("a", "192.0.2.1");
  });
  afterEach(() => store.close());

  test("a MAC has an address of no block, and both are free again after", async () => {
    expect(await give(lab, "plain")).toBe("10.9.0.2 02:42:0a:09:00:02");
    expect(await give(lab, "c1", one)).toBe(`10.9.0.248 ${one}`);
    expect(await give(lab, "c2", two)).toBe(`10.9.0.249 ${two}`);
    expect(await leasesOf(lab)).toEqual([
      "10.9.0.0/29 a",
      `10.9.0.248/32 a ${one}`,
      `10.9.0.249/32 a ${two}`,
    ]);
    expect(await macsOf(lab)).toEqual(["0a0000000001 10.9.0.248/32", "0a0000000002 10.9.0.249/32"]);
    await leave(lab, "c1");
    expect(await macsOf(lab)).toEqual(["0a0000000002 10.9.0.249/32"]);
    expect(heldNow(lab.dirs, "web")?.blocks.map(({ mac }) => mac && formatMac(mac))).toEqual([
      undefined,
      two,
    ]);
    // What is left of the block is nobody's, and a dynamic address is never one of these.
    expect(await give(lab, "c3", one)).toBe(`10.9.0.248 ${one}`);
    for (let count = 0; count < 8; count += 1) await give(lab, `d${count}`);
    expect((await leasesOf(lab)).filter((lease) => lease.includes("/29"))).toHaveLength(2);
    await leave(lab, "c2");
    await leave(lab, "c3");
    expect(await macsOf(lab)).toEqual([]);
    expect(await leasesOf(lab)).toHaveLength(2);
  });

  test("an address asked for with it must be in no block", async () => {
    await give(lab, "plain");
    await expect(give(lab, "c1", one, "10.9.0.5")).rejects.toThrow(/its block is held by node "a"/);
    expect(await give(lab, "c1", one, "10.9.0.77")).toBe(`10.9.0.77 ${one}`);
    expect(await give(lab, "c1", one, "10.9.0.77")).toBe(`10.9.0.77 ${one}`);
    await expect(give(lab, "c1", two, "10.9.0.77")).rejects.toThrow(/it has 10\.9\.0\.77/);
  });

  test("no other in the network has it, on whichever node; each knows its peers'", async () => {
    const other = node("b", "192.0.2.2");
    await give(lab, "c1", one);
    await expect(give(lab, "c2", one)).rejects.toThrow(
      `Cannot assign MAC ${one} in network "web": it is taken by container c1`,
    );
    await expect(give(other, "c3", one)).rejects.toThrow(
      `Cannot assign MAC ${one} in network "web": it is taken by 10.9.0.248 on node "a"`,
    );
    expect(await give(other, "c3", two)).toBe(`10.9.0.249 ${two}`);
    expect(readPeers(other.dirs, "web").map(({ mac }) => mac && formatMac(mac))).toContain(one);
    await leave(lab, "c1");
    expect(await give(other, "c4", one)).toBe(`10.9.0.248 ${one}`);
  });

  test("two nodes that ask for one at once: one gets it", async () => {
    const nodes = ["a", "b", "c", "d"].map((name, at) => node(name, `192.0.2.${11 + at}`));
    for (const each of nodes) await holdNetwork(each.ipam, { name: "web", spec }, soon());
    // At addresses of their own, so that nothing but the MAC is between them.
    const said = await Promise.allSettled(
      nodes.map((each, at) => give(each, `c${at}`, one, `10.9.0.${100 + at}`)),
    );
    expect(said.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await macsOf(lab)).toHaveLength(1);
    const seen = (await leasesOf(lab)).filter((lease) => lease.endsWith(one));
    expect(seen).toHaveLength(1);
  });

  test("what an ADD left that was killed after its claim is in nobody's way", async () => {
    await give(lab, "c1", one, "10.9.0.77");
    // As if its address had never been linked.
    release(lab.dirs, id("c1"));
    expect(await give(lab, "c2", one)).toBe(`10.9.0.77 ${one}`);
    release(lab.dirs, id("c2"));
    expect(await give(lab, "c3", one, "10.9.0.78")).toBe(`10.9.0.78 ${one}`);
    expect(await macsOf(lab)).toEqual(["0a0000000001 10.9.0.78/32"]);
    release(lab.dirs, id("c3"));
    expect(await give(lab, "c4", two, "10.9.0.78")).toBe(`10.9.0.78 ${two}`);
    release(lab.dirs, id("c4"));
    expect((await giveBack(lab.ipam, "web", soon())).map(({ prefix }) => prefix.length)).toEqual([
      32,
    ]);
    expect(await macsOf(lab)).toEqual([]);
  });

  test("goes with its node", async () => {
    await give(lab, "c1", one);
    await removeNode(lab.registry, "a", { force: true }, soon());
    expect(await macsOf(lab)).toEqual([]);
  });

  test("in use and lost by the store, it is claimed again with its MAC", async () => {
    await give(lab, "c1", one);
    const { keys, store: stored } = lab.registry;
    const { entries } = await stored.range(keys.leasesOf("web"), soon());
    const keysLost = [...entries.map(({ key }) => key), keys.mac("web", parseMac(one) as Mac)];
    const writes = keysLost.map((remove) => ({ remove }));
    await stored.commit({ compares: [], writes }, soon());
    lab.pass(60_000);
    await holdNetwork(lab.ipam, { name: "web", spec }, soon());
    expect(await leasesOf(lab)).toEqual([`10.9.0.248/32 a ${one}`]);
    expect(await macsOf(lab)).toEqual(["0a0000000001 10.9.0.248/32"]);
  });

  test("is given back later where the store is away", async () => {
    let away = false;
    const { ipam, ...rest } = node("e", "192.0.2.5", (real) => ({
      ...real,
      commit: (txn, deadline) =>
        away ? Promise.reject(new Error("away")) : real.commit(txn, deadline),
    }));
    const cut = { ipam, ...rest };
    await give(cut, "c1", one);
    away = true;
    await leave(cut, "c1");
    expect(await macsOf(lab)).toHaveLength(1);
    away = false;
    expect(await give(cut, "c2", one)).toBe(`10.9.0.248 ${one}`);
    expect(await macsOf(lab), name).toEqual(["0a0000000001 10.9.0.248/32"]);
  });
});
