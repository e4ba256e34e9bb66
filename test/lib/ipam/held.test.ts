import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import type { AttachmentId } from "../../../lib/ipam/assignment.ts";
import { freshMs } from "../../../lib/ipam/freshness.ts";
import { underLock } from "../../../lib/ipam/held.ts";
import { readLeases } from "../../../lib/ipam/leases.ts";
import type { NetworkSpec } from "../../../lib/ipam/network.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { release } from "../../../lib/ipam/release.ts";
import { formatIp4, type Ip4 } from "../../../lib/net/ip4.ts";
import { formatPrefix4 } from "../../../lib/net/prefix.ts";
import { type IpamLab, ip, ipamLab, soon, specOf as spec } from "./lab.ts";

const id = (containerId: string): AttachmentId => ({ name: "web", containerId, ifname: "eth0" });

async function give(lab: IpamLab, network: NetworkSpec, container: string, address?: Ip4) {
  const held = await holdNetwork(lab.ipam, { name: network.name, spec: network }, soon());
  const wish = { id: id(container), address, port: "none", workload: {} } as const;
  const { assignment } = await assignAddress(lab.ipam, held, wish, soon());
  return formatIp4(assignment.address);
}

test("network, broadcast and gateway are never given, and a full network says so", async () => {
  const lab = ipamLab();
  const net = spec("10.9.0.0/29");
  const given: string[] = [];
  for (let one = 0; one < 5; one += 1) given.push(await give(lab, net, `c${one}`));
  // .0 is the network, .1 the gateway, .7 the broadcast address.
  expect(given.sort()).toEqual(["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"]);
  await expect(give(lab, net, "one-too-many")).rejects.toMatchObject({
    kind: "no-address",
    message: expect.stringContaining(
      'in network "web": none is free, and no block is left of the 2',
    ),
    details: expect.stringContaining("a holds 2"),
  });
  release(lab.dirs, id("c2"));
  expect(await give(lab, net, "after")).toBe(given[2]);
});

test("another gateway is left out instead of the first address", async () => {
  const lab = ipamLab();
  const net = spec("10.9.0.0/29", { gateway: ip("10.9.0.4") });
  const given: string[] = [];
  for (let one = 0; one < 5; one += 1) given.push(await give(lab, net, `c${one}`));
  expect(given.sort()).toEqual(["10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.5", "10.9.0.6"]);
});

test("only addresses of the range are given", async () => {
  const lab = ipamLab();
  const range = { first: ip("10.9.0.30"), last: ip("10.9.0.33") };
  const net = spec("10.9.0.0/24", { range });
  const given = [await give(lab, net, "a"), await give(lab, net, "b"), await give(lab, net, "c")];
  expect(given).toEqual(["10.9.0.30", "10.9.0.31", "10.9.0.32"]);
  expect(await give(lab, net, "d")).toBe("10.9.0.33");
  await expect(give(lab, net, "e")).rejects.toMatchObject({ kind: "no-address" });
});

test("an address given back rests while others are free", async () => {
  const lab = ipamLab();
  const net = spec("10.9.0.0/24", { blockLength: 29 });
  expect(await give(lab, net, "a")).toBe("10.9.0.2");
  release(lab.dirs, id("a"));
  expect(await give(lab, net, "b")).toBe("10.9.0.3");
  release(lab.dirs, id("b"));
  for (const next of ["4", "5", "6", "7", "2"]) {
    const given = await give(lab, net, `c${next}`);
    release(lab.dirs, id(`c${next}`));
    expect(given).toBe(`10.9.0.${next}`);
  }
});

test("the same attachment asking again gets the same address", async () => {
  const lab = ipamLab();
  const first = await give(lab, spec("10.9.0.0/24"), "a");
  expect(await give(lab, spec("10.9.0.0/24"), "a")).toBe(first);
  expect(await give(lab, spec("10.9.0.0/24"), "b")).not.toBe(first);
});

test("with a fresh cache and a free address the store is not asked", async () => {
  const lab = ipamLab();
  const net = spec("10.9.0.0/24", { blockLength: 26 });
  await give(lab, net, "a");
  const before = lab.asked();
  for (let one = 0; one < 20; one += 1) await give(lab, net, `c${one}`);
  expect(lab.asked()).toBe(before);
  lab.pass(freshMs);
  await give(lab, net, "later");
  expect(lab.asked()).toBe(before + 1);
});

test("an address asked for is given, refused while taken, and claimed where it is not held", async () => {
  const lab = ipamLab();
  const net = spec("10.9.0.0/24", { blockLength: 28 });
  expect(await give(lab, net, "a", ip("10.9.0.9"))).toBe("10.9.0.9");
  await expect(give(lab, net, "b", ip("10.9.0.9"))).rejects.toMatchObject({
    kind: "no-address",
    message: expect.stringContaining("it is taken by container a"),
  });
  expect(await give(lab, net, "c", ip("10.9.0.200"))).toBe("10.9.0.200");
  const leases = await readLeases(lab.registry, "web", soon());
  expect(leases.map(({ prefix }) => formatPrefix4(prefix))).toEqual([
    "10.9.0.0/28",
    "10.9.0.192/28",
  ]);
});

test("an address outside the dynamic range is a lease of its own", async () => {
  const lab = ipamLab();
  const range = { first: ip("10.9.0.0"), last: ip("10.9.0.127") };
  const net = spec("10.9.0.0/24", { blockLength: 28, range });
  expect(await give(lab, net, "a", ip("10.9.0.200"))).toBe("10.9.0.200");
  const leases = await readLeases(lab.registry, "web", soon());
  expect(leases.map(({ prefix }) => formatPrefix4(prefix))).toEqual(["10.9.0.200/32"]);
});

test.each(["10.9.0.0", "10.9.0.255", "10.9.0.1", "10.8.0.5"])(
  "%s can't be asked for",
  async (text) => {
    const lab = ipamLab();
    await expect(give(lab, spec("10.9.0.0/24"), "a", ip(text))).rejects.toMatchObject({
      kind: "invalid-config",
    });
    expect(readdirSync(join(lab.path, "run/owners"))).toEqual([]);
  },
);

test("nodes with one store never hold one address", async () => {
  const store = ipamLab();
  const path = join(store.path, "store");
  const nodes = ["a", "b", "c"].map((node) => ipamLab({ store: path, node }));
  const net = spec("10.9.0.0/24", { blockLength: 29 });
  const given: string[] = [];
  for (let one = 0; one < 12; one += 1) {
    for (const [index, node] of nodes.entries())
      given.push(await give(node, net, `n${index}c${one}`));
  }
  expect(new Set(given).size).toBe(given.length);
  const leases = await readLeases(store.registry, "web", soon());
  const bases = leases.map(({ prefix }) => prefix.base);
  expect(new Set(bases).size).toBe(bases.length);
});

test("a node's name that another machine has is refused", async () => {
  const lab = ipamLab();
  await give(lab, spec("10.9.0.0/24"), "a");
  const other = { ...lab.ipam, node: () => ({ ...lab.ipam.node(), machineId: "another" }) };
  const fresh = ipamLab({ store: join(lab.path, "store") });
  const held = holdNetwork(
    { ...other, dirs: fresh.dirs },
    { name: "web", spec: undefined },
    soon(),
  );
  await expect(held).rejects.toMatchObject({ kind: "invalid-config" });
});

test("without a subnet the network must exist; with one it must match", async () => {
  const lab = ipamLab();
  const missing = holdNetwork(lab.ipam, { name: "web", spec: undefined }, soon());
  await expect(missing).rejects.toMatchObject({
    kind: "network-unknown",
    details: expect.stringContaining("socketplane network create web"),
  });
  await give(lab, spec("10.9.0.0/24"), "a");
  await expect(give(lab, spec("10.10.0.0/24"), "b")).rejects.toMatchObject({
    kind: "network-conflict",
    message: expect.stringContaining("its subnet is 10.9.0.0/24, not 10.10.0.0/24"),
  });
  await expect(give(lab, { ...spec("10.9.0.128/25"), name: "other" }, "c")).rejects.toMatchObject({
    kind: "network-conflict",
    message: /overlaps 10.9.0.0\/24/,
  });
});

test("who doesn't get the network's lock leaves no file open, however often", async () => {
  const lab = ipamLab();
  await underLock(lab.ipam, "web", soon(), async () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let round = 0; round < 100; round += 1) {
      const tried = underLock(lab.ipam, "web", { left: () => 0 }, async () => undefined);
      await expect(tried).rejects.toMatchObject({ kind: "try-again" });
    }
    expect(open() - before).toBeLessThan(50);
  });
});

test.each([
  ["is not JSON", "not JSON"],
  ["names no node", "{}"],
])("a lease that %s keeps nobody from the others, and is claimed by nobody", async (_, value) => {
  const lab = ipamLab();
  const net = spec("10.9.0.0/28", { blockLength: 30 });
  expect(await give(lab, net, "a")).toBe("10.9.0.2");
  const { keys, store } = lab.registry;
  const bad = keys.lease("web", { base: ip("10.9.0.8"), length: 30 });
  const junk = `${keys.leasesOf("web")}junk`;
  const writes = [bad, junk].map((put) => ({ put, value }));
  await store.commit({ compares: [], writes }, soon());
  lab.pass(freshMs);
  const given: string[] = [];
  for (let one = 0; one < 8; one += 1) given.push(await give(lab, net, `c${one}`));
  expect(given.filter((address) => /\.(8|9|10|11)$/.test(address))).toEqual([]);
  await expect(give(lab, net, "one-too-many")).rejects.toMatchObject({
    kind: "no-address",
    details: expect.stringContaining("a holds 3, (unreadable) holds 1"),
  });
});

test("a network that can't be read keeps new ones from being made, and no other from use", async () => {
  const lab = ipamLab();
  const net = spec("10.9.0.0/24");
  expect(await give(lab, net, "a")).toBe("10.9.0.2");
  const { keys, store } = lab.registry;
  const bad = keys.network("bad");
  await store.commit({ compares: [], writes: [{ put: bad, value: "not JSON" }] }, soon());
  lab.pass(freshMs);
  expect(await give(lab, net, "b")).toBe("10.9.0.3");
  // What it overlaps can't be told.
  await expect(give(lab, { ...spec("10.8.0.0/24"), name: "new" }, "c")).rejects.toMatchObject({
    kind: "store-refused",
    message: `Cannot read ${bad}: it is not JSON`,
  });
});

test("an address outside the range does not keep its block's others from being given", async () => {
  const lab = ipamLab();
  const range = { first: ip("10.9.0.10"), last: ip("10.9.0.99") };
  const net = spec("10.9.0.0/24", { blockLength: 26, range });
  expect(await give(lab, net, "asked", ip("10.9.0.100"))).toBe("10.9.0.100");
  release(lab.dirs, id("asked"));
  for (let one = 0; one < 90; one += 1) await give(lab, net, `c${one}`);
  await expect(give(lab, net, "one-too-many")).rejects.toMatchObject({ kind: "no-address" });
});
