import { expect, test } from "vitest";
import { nextHop } from "../../../lib/attach/next-hop.ts";
import { parseVtep } from "../../../lib/ipam/nodes.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import type { Route } from "../../../lib/sys/kernel.ts";

const route4 = (to: string | undefined, index: number, via?: string, priority = 0): Route => ({
  family: 4,
  index,
  options: { priority },
  ...(to !== undefined && { to: parsePrefix4(to) as { base: Ip4; length: number } }),
  ...(via !== undefined && { via: parseIp4(via) as Ip4 }),
});
const route6 = (to: string | undefined, index: number, via?: string): Route => ({
  family: 6,
  index,
  ...(to !== undefined && { to: parsePrefix6(to) as { base: Ip6; length: number } }),
  ...(via !== undefined && { via: parseIp6(via) as Ip6 }),
});
const routes = [
  route4(undefined, 1, "203.0.113.1", 100),
  route4(undefined, 6, "203.0.113.6", 50),
  route4("192.0.2.0/24", 2),
  route4("192.0.2.128/25", 3, "192.0.2.126"),
  route6("2001:db8::/64", 4),
  route6(undefined, 5, "fe80::1"),
];

test.each([
  ["192.0.2.7", { index: 2, neighbour: "192.0.2.7" }],
  ["192.0.2.200", { index: 3, neighbour: "192.0.2.126" }],
  ["198.51.100.1", { index: 6, neighbour: "203.0.113.6" }],
  ["2001:db8::7", { index: 4, neighbour: "2001:db8::7" }],
  ["2001:db8:1::7", { index: 5, neighbour: "fe80::1" }],
])("the way to %s", (vtep, { index, neighbour }) => {
  const to = parseVtep(vtep);
  expect(to && nextHop(routes, to)).toEqual({ index, neighbour: parseVtep(neighbour) });
});

test("there may be none", () => {
  const to = parseVtep("192.0.2.7");
  expect(to && nextHop([route6(undefined, 5, "fe80::1")], to)).toBeUndefined();
});
