import { describe, expect, test } from "vitest";
import {
  addRoute,
  configureInner,
  createPair,
  planAttachment,
  portOf,
  rowOf,
  type WantedRoute,
} from "../../../lib/attach/plan.ts";
import type { Assignment } from "../../../lib/ipam/assignment.ts";
import { completeNetwork } from "../../../lib/ipam/network.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";

const ip4 = (text: string) => parseIp4(text) as Ip4;
const ip6 = (text: string) => parseIp6(text) as Ip6;
const subnet = parsePrefix4("10.2.0.0/16") ?? { base: 0 as Ip4, length: 0 };
const subnet6 = parsePrefix6("fd00:2::/64");
const web = completeNetwork({ name: "web", subnet }, 7);
const dual = completeNetwork({ name: "web", subnet, subnet6, gateway: ip4("10.2.0.254") }, 7);

const address = ip4("10.2.0.66");
const assignment: Assignment = {
  id: { name: "net", containerId: "c1", ifname: "eth0" },
  network: "web",
  block: "10.2.0.64-26@17",
  address,
  mac: macOfIp4(address),
  ofport: 20,
  workload: {},
};
const link = { mtu: 1450, boot: "boot-1" };
const netns = { path: "/run/netns/c1", fd: 9, id: "x" };

describe("one attachment", () => {
  test("has one address, and the default route through the gateway", () => {
    const plan = planAttachment(web, assignment, link, []);
    expect(plan).toMatchObject({
      inner: "eth0",
      mtu: 1450,
      address6: undefined,
      addresses: [{ family: 4, address, length: 16 }],
      defaultRoutes: [{ family: 4, via: ip4("10.2.0.1") }],
      routes: [],
      boot: "boot-1",
    });
  });

  test("has three with IPv6: the link-local one ends in the IPv4 address too", () => {
    const plan = planAttachment(dual, assignment, link, []);
    expect(plan.addresses).toEqual([
      { family: 4, address, length: 16 },
      { family: 6, address: ip6("fd00:2::a02:42"), length: 64 },
      { family: 6, address: ip6("fe80::a02:42"), length: 64 },
    ]);
    expect(plan.defaultRoutes).toEqual([
      { family: 4, via: ip4("10.2.0.254") },
      { family: 6, via: ip6("fd00:2::a02:fe") },
    ]);
  });
});

describe("what is done for it", () => {
  const to = parsePrefix4("192.0.2.0/24");
  const to6 = parsePrefix6("2001:db8::/32");
  const routes = [
    { family: 4, to },
    { family: 6, to: to6, via: ip6("fd00:2::9"), options: { mtu: 1400 } },
  ] as WantedRoute[];
  const plan = planAttachment(dual, assignment, link, routes);

  test("the pair is made in one message; the host's end has nothing to say", () => {
    expect(createPair(plan, netns)).toEqual({
      do: "create veth",
      outer: { name: plan.outer, mtu: 1450, up: true, noArp: true, noIp6Addresses: true },
      inner: { name: "eth0", mtu: 1450, mac: assignment.mac, netns },
    });
  });

  test("the container's end comes up before its addresses, and those before routes", () => {
    const changes = configureInner(plan, 5);
    expect(changes.map((change) => change.do)).toEqual([
      "set link",
      ...new Array(3).fill("add address"),
      ...new Array(2).fill("add route"),
    ]);
    expect(changes[0]).toMatchObject({ index: 5, up: true, noIp6Addresses: true });
    for (const change of changes.slice(1, 4))
      expect(change).toMatchObject({ noDad: true, index: 5 });
  });

  test("a route goes through the gateway of its family, unless it says by what", () => {
    const [first, second] = routes;
    expect(first && addRoute(plan, first, 5)).toEqual({
      do: "add route",
      route: { family: 4, to, via: ip4("10.2.0.254"), index: 5 },
    });
    expect(second && addRoute(plan, second, 5)).toEqual({
      do: "add route",
      route: { family: 6, to: to6, via: ip6("fd00:2::9"), options: { mtu: 1400 }, index: 5 },
    });
    const alone = planAttachment(web, assignment, link, []);
    expect(addRoute(alone, { family: 6, to: to6 } as WantedRoute, 5)).toEqual({
      do: "add route",
      route: { family: 6, to: to6, index: 5 },
    });
  });

  test("its port and its row say the same", () => {
    const address6 = ip6("fd00:2::a02:42");
    expect(portOf(plan, 20)).toEqual({
      vni: 7,
      ofport: 20,
      address,
      address6,
      mac: assignment.mac,
    });
    expect(rowOf(plan, 20)).toEqual({
      role: "attachment",
      link: plan.outer,
      id: assignment.id,
      network: "web",
      address,
      address6,
      mac: assignment.mac,
      ofport: 20,
      boot: "boot-1",
    });
  });
});
