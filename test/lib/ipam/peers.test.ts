import { expect, test } from "vitest";
import type { HeldNetwork } from "../../../lib/ipam/held.ts";
import type { Lease } from "../../../lib/ipam/leases.ts";
import { completeNetwork } from "../../../lib/ipam/network.ts";
import type { NodeRecord } from "../../../lib/ipam/nodes.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";
import { digestOf, type PeerLease, peersOf, readPeers } from "../../../lib/ipam/peers.ts";
import { holdingOf } from "../../../lib/ipam/view.ts";
import { writeHeld } from "../../../lib/ipam/write-held.ts";
import type { Mac } from "../../../lib/net/mac.ts";
import type { VtepAddress } from "../../../lib/store/keys.ts";
import type { Revision } from "../../../lib/store/store.ts";
import { seeded } from "../random.ts";
import { ipamLab, prefix, specOf } from "./lab.ts";

function vtep(text: string): VtepAddress {
  const parsed = parseVtep(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

const node = (name: string, address: string, createRevision = 2): NodeRecord => ({
  name,
  machineId: name,
  vtep: vtep(address),
  boot: "boot",
  version: undefined,
  createRevision: createRevision as Revision,
  modRevision: createRevision as Revision,
});
const lease = (text: string, holder: string, revision = 10): Lease => ({
  prefix: prefix(text),
  node: holder,
  revision: revision as Revision,
});
const nodes = new Map(
  [node("a", "192.0.2.1"), node("b", "192.0.2.2"), node("c", "2001:db8::3")].map((one) => [
    one.name,
    one,
  ]),
);
const viewOf = (leases: readonly Lease[]) => ({
  stored: { network: completeNetwork(specOf("10.2.0.0/16"), 1), revision: 1 as Revision },
  node: { name: "a", createRevision: 2 as Revision },
  tunnel: vtep("192.0.2.1"),
  leases,
  nodes,
  revision: 20 as Revision,
  readAt: 0,
});

test("one's own leases are blocks, and those of others peers'", () => {
  const leases = [
    lease("10.2.0.0/26", "a"),
    lease("10.2.0.64/26", "b"),
    { ...lease("10.2.255.9/32", "c"), mac: 0x0a0000000001 as Mac },
  ];
  const { held, peers } = holdingOf(viewOf(leases));
  expect(held.blocks).toEqual([{ prefix: prefix("10.2.0.0/26"), revision: 10 }]);
  expect(peers).toEqual([
    { prefix: prefix("10.2.0.64/26"), vtep: vtep("192.0.2.2") },
    { prefix: prefix("10.2.255.9/32"), vtep: vtep("2001:db8::3"), mac: 0x0a0000000001 },
  ]);
  expect(held.peers).toEqual(peersOf(peers));
});

test("a lease whose node is not registered, or was registered after it, is nobody's", () => {
  const leases = [
    lease("10.2.0.0/26", "a", 1),
    lease("10.2.0.64/26", "b", 1),
    lease("10.2.0.128/26", "gone"),
  ];
  const { held, peers } = holdingOf(viewOf(leases));
  expect(held.blocks).toEqual([]);
  expect(peers).toEqual([]);
});

test("alone with its store, a node has no peers", () => {
  const { held, peers } = holdingOf({
    ...viewOf([lease("10.2.0.64/26", "b")]),
    tunnel: undefined,
  });
  expect(peers).toEqual([]);
  expect(held.peers).toEqual({ count: 0, digest: 0 });
});

const some: readonly PeerLease[] = ["10.2.0.0/26", "10.2.0.64/26", "10.2.0.64/32"].flatMap((text) =>
  ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map((address) => ({
    prefix: prefix(text),
    vtep: vtep(address),
  })),
);

test("a lease more or less is one step of the digest", () => {
  for (const one of some) {
    const rest = some.filter((other) => other !== one);
    expect((peersOf(rest).digest ^ digestOf(one)) >>> 0).toBe(peersOf(some).digest);
  }
  expect(peersOf([...some].reverse())).toEqual(peersOf(some));
  expect(peersOf([])).toEqual({ count: 0, digest: 0 });
});

test("no two leases have one digest, nor those of two nodes that changed places", () => {
  const random = seeded(3);
  const seen = new Set<number>();
  for (let round = 0; round < 20_000; round += 1) {
    const base = `10.2.${random.below(256)}.${random.below(4) * 64}`;
    const other = `10.2.${random.below(256)}.${random.below(4) * 64}`;
    const [one, two] = [random.below(250) + 1, random.below(250) + 1];
    if (base === other || one === two) continue;
    const held = (text: string, last: number) => ({
      prefix: prefix(`${text}/26`),
      vtep: vtep(`192.0.2.${last}`),
    });
    const before = peersOf([held(base, one), held(other, two)]);
    const after = peersOf([held(base, two), held(other, one)]);
    // 16 bits of it are all that a cookie has room for.
    if ((before.digest & 0xffff) === (after.digest & 0xffff)) seen.add(round);
  }
  // By chance, one of 65,536.
  expect(seen.size).toBeLessThan(5);
  const with4 = digestOf({ prefix: prefix("10.2.0.0/26"), vtep: vtep("0.0.0.1") });
  expect(with4).not.toBe(digestOf({ prefix: prefix("10.2.0.0/26"), vtep: vtep("::1") }));
  const mac = { prefix: prefix("10.2.0.1/32"), vtep: vtep("0.0.0.1") };
  expect(digestOf(mac)).not.toBe(digestOf({ ...mac, mac: 2 as Mac }));
});

test("peers' leases are read as they were written, IPv6 and MACs too", () => {
  const lab = ipamLab();
  const { held } = holdingOf(viewOf([]));
  const peers = [...some, { ...(some[0] as PeerLease), mac: 0x0a0000000001 as Mac }];
  const folder = lab.dirs.networks.make("web");
  const full: HeldNetwork = { ...held, peers: peersOf(peers) };
  expect(writeHeld(lab.ipam, folder, full, peers)).toEqual(full);
  expect(readPeers(lab.dirs, "web")).toEqual(peers);
  expect(readPeers(lab.dirs, "db")).toEqual([]);
  const broken = [7, [], { 0: 1 }, [1, 26, 5], ["1", 26, "c0000202"], [1, 26, "c0000202", "x"]];
  for (const text of [
    "{",
    '{"version":1}',
    '{"version":1,"rows":7}',
    ...broken.map((row) => JSON.stringify({ version: 1, rows: [row] })),
  ]) {
    folder.replace("peers.json", text);
    expect(readPeers(lab.dirs, "web"), text).toEqual([]);
  }
});
