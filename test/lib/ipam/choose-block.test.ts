import { expect, test } from "vitest";
import { addressesIn, countFree, leaseFor, nextBlock } from "../../../lib/ipam/choose-block.ts";
import type { Lease } from "../../../lib/ipam/leases.ts";
import { completeNetwork, type NetworkSpec } from "../../../lib/ipam/network.ts";
import { formatPrefix4, overlaps4 } from "../../../lib/net/prefix.ts";
import { ip, prefix, specOf } from "./lab.ts";

const networkOf = (subnet: string, more: Partial<NetworkSpec> = {}) =>
  completeNetwork(specOf(subnet, more), 1);
const lease = (text: string, node: string, revision: number): Lease => ({
  prefix: prefix(text),
  node,
  revision,
});
const large = networkOf("10.2.0.0/16");
const next = (node: string, ...leases: readonly Lease[]) => {
  const block = nextBlock(large, leases, node);
  return block && formatPrefix4(block);
};

test("the first node gets the first block, and goes on from there", () => {
  expect(next("a")).toBe("10.2.0.0/26");
  expect(next("a", lease("10.2.0.0/26", "a", 5))).toBe("10.2.0.64/26");
  const [one, two] = [lease("10.2.0.0/26", "a", 9), lease("10.2.0.128/26", "a", 5)];
  expect(next("a", one, two)).toBe("10.2.0.64/26");
});

test("an address that was asked for is no block", () => {
  const small = networkOf("10.2.0.0/16", {
    range: { first: ip("10.2.0.0"), last: ip("10.2.9.0") },
  });
  expect(nextBlock(small, [lease("10.2.200.1/32", "b", 5)], "a")).toEqual(prefix("10.2.0.0/26"));
});

test("other nodes begin at places of their own", () => {
  const taken = [lease("10.2.0.0/26", "first", 5)];
  const starts = Array.from({ length: 100 }, (_, index) => next(`node-${index}`, ...taken));
  // Of 1,024 blocks, by chance some of a hundred meet.
  expect(new Set(starts).size).toBeGreaterThan(85);
  expect(starts).toEqual(
    Array.from({ length: 100 }, (_, index) => next(`node-${index}`, ...taken)),
  );
});

test("going round, every block is given once, whoever asks", () => {
  const network = networkOf("10.2.0.0/24", { blockLength: 28 });
  const leases: Lease[] = [];
  for (let revision = 1; revision <= 16; revision += 1) {
    const node = ["a", "b", "c"][revision % 3] ?? "";
    expect(countFree(network, leases)).toBe(17 - revision);
    const block = nextBlock(network, leases, node);
    if (block === undefined) throw new Error(`none for ${node}`);
    expect(leases.some((one) => overlaps4(one.prefix, block))).toBe(false);
    leases.push({ prefix: block, node, revision });
  }
  expect(nextBlock(network, leases, "d")).toBeUndefined();
  expect(countFree(network, leases)).toBe(0);
});

test("a block that has nothing to give is passed over", () => {
  const range = { first: ip("10.2.0.0"), last: ip("10.2.0.1") };
  const network = networkOf("10.2.0.0/29", { blockLength: 30, gateway: ip("10.2.0.4") });
  // .0 is the network, .1 to .3; then the gateway, .5 and .6.
  expect(addressesIn(network, prefix("10.2.0.0/30"))).toBe(3);
  expect(addressesIn(network, prefix("10.2.0.4/30"))).toBe(2);
  const only = networkOf("10.2.0.0/29", { range, gateway: ip("10.2.0.4"), blockLength: 30 });
  expect(addressesIn(only, prefix("10.2.0.4/30"))).toBe(0);
  expect(nextBlock(only, [lease("10.2.0.0/30", "a", 1)], "a")).toBeUndefined();
  expect(leaseFor(only, ip("10.2.0.6"))).toEqual(prefix("10.2.0.6/32"));
  expect(leaseFor(network, ip("10.2.0.6"))).toEqual(prefix("10.2.0.4/30"));
});
