import { describe, expect, test } from "vitest";
import { planAttachment, type WantedRoute } from "../../../lib/attach/plan.ts";
import type { Config } from "../../../lib/cni/config.ts";
import { noDns, type Result } from "../../../lib/cni/result.ts";
import { Failure } from "../../../lib/errors.ts";
import type { Assignment } from "../../../lib/ipam/assignment.ts";
import { completeNetwork } from "../../../lib/ipam/network.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import { dnsOf, ipsOf, parseResolvConf, resultOf, routesOf } from "../../../lib/plugin/result.ts";

const ip4 = (text: string) => parseIp4(text) as Ip4;
const ip6 = (text: string) => parseIp6(text) as Ip6;
const subnet = parsePrefix4("10.2.0.0/16") ?? { base: 0 as Ip4, length: 0 };
const web = completeNetwork({ name: "web", subnet }, 1);
const dual = completeNetwork({ name: "web", subnet, subnet6: parsePrefix6("fd00:2::/64") }, 1);

const address = ip4("10.2.0.66");
const assignment: Assignment = {
  id: { name: "web", containerId: "c1", ifname: "eth0" },
  network: "web",
  block: "10.2.0.64-26@17",
  address,
  mac: macOfIp4(address),
  ofport: 20,
  workload: {},
};

test("an IPAM plugin's addresses have the gateway, and no interface", () => {
  expect(ipsOf(web, assignment)).toEqual([
    { family: 4, address, length: 16, gateway: ip4("10.2.0.1") },
  ]);
  expect(ipsOf(dual, assignment)[1]).toEqual({
    family: 6,
    address: ip6("fd00:2::a02:42"),
    length: 64,
    gateway: ip6("fd00:2::a02:1"),
  });
});

test("a route without a prefix is the default one", () => {
  const to = parsePrefix4("192.0.2.0/24");
  const via = ip4("10.2.0.9");
  expect(
    routesOf([
      { family: 4 },
      { family: 6 },
      { family: 4, to, via, options: { mtu: 9 } } as WantedRoute,
    ]),
  ).toEqual([
    { family: 4, dst: { base: 0, length: 0 }, gateway: undefined, options: {} },
    { family: 6, dst: { base: 0n, length: 0 }, gateway: undefined, options: {} },
    { family: 4, dst: to, gateway: via, options: { mtu: 9 } },
  ]);
});

describe("the result of an ADD", () => {
  const asked: WantedRoute[] = [{ family: 4, via: ip4("10.2.0.9"), to: subnet }];
  const plan = planAttachment(dual, assignment, { mtu: 1450, boot: "b" }, asked);
  const outer = { name: plan.outer, mac: undefined };
  const place = { netns: "/run/netns/c1", previous: undefined, dns: noDns };

  test("has both ends of the link, and all that the container's has", () => {
    const result = resultOf(plan, { outer, defaultRoutes: plan.defaultRoutes }, place);
    expect(result.interfaces).toEqual([
      { name: plan.outer, mac: undefined, mtu: 1450 },
      { name: "eth0", mac: assignment.mac, mtu: 1450, sandbox: "/run/netns/c1" },
    ]);
    expect(result.ips.map((ip) => [ip.family, ip.interface])).toEqual([
      [4, 1],
      [6, 1],
    ]);
    expect(result.routes.map(({ family, gateway }) => [family, gateway])).toEqual([
      [4, ip4("10.2.0.1")],
      [6, ip6("fd00:2::a02:1")],
      [4, ip4("10.2.0.9")],
    ]);
    expect(result.dns).toBe(noDns);
  });

  test("tells only the default routes that were set", () => {
    const { routes } = resultOf(plan, { outer, defaultRoutes: [] }, place);
    expect(routes.map(({ gateway }) => gateway)).toEqual([ip4("10.2.0.9")]);
  });

  test("comes after what the plugins before have made, whose numbers stay", () => {
    const previous: Result = {
      interfaces: [{ name: "veth0" }, { name: "net0", sandbox: "/run/netns/c1" }, { name: "ifb0" }],
      ips: [{ family: 4, address: ip4("192.0.2.7"), length: 24, interface: 1 }],
      routes: [{ family: 4, dst: { base: 0 as Ip4, length: 0 }, options: {} }],
      dns: { ...noDns, domain: "theirs" },
    };
    const merged = resultOf(plan, { outer, defaultRoutes: [] }, { ...place, previous });
    expect(merged.interfaces.map(({ name }) => name)).toEqual([
      "veth0",
      "net0",
      "ifb0",
      plan.outer,
      "eth0",
    ]);
    expect(merged.ips.map((ip) => ip.interface)).toEqual([1, 4, 4]);
    expect(merged.interfaces[4]?.sandbox).toBe("/run/netns/c1");
    expect(merged.routes[0]).toBe(previous.routes[0]);
    expect(merged.routes).toHaveLength(2);
  });
});

describe("dns", () => {
  const config = (raw: Readonly<Record<string, unknown>>): Config => ({
    name: "web",
    cniVersion: "1.1.0",
    type: undefined,
    ipam: undefined,
    raw,
    bytes: new Uint8Array(),
  });
  const world = (files: Readonly<Record<string, string>>) => ({
    readFile: (path: string) => files[path],
  });

  test("is the configuration's own, as far as it is of the right kind", () => {
    const dns = { nameservers: ["10.2.0.1", 7], domain: "a.example", search: "b", options: ["x"] };
    expect(dnsOf(world({}), { resolvConf: undefined }, config({ dns }))).toEqual({
      nameservers: ["10.2.0.1"],
      domain: "a.example",
      search: [],
      options: ["x"],
    });
    expect(dnsOf(world({}), { resolvConf: "" }, config({ dns: "any" }))).toEqual(noDns);
  });

  test("is a file's where one is named", () => {
    const files = world({ "/etc/r": "nameserver 10.2.0.9\n" });
    const raw = { dns: { nameservers: ["10.2.0.1"] } };
    const found = dnsOf(files, { resolvConf: "/etc/r" }, config(raw));
    expect(found).toEqual({ ...noDns, nameservers: ["10.2.0.9"] });
    const away = () => dnsOf(files, { resolvConf: "/etc/away" }, config(raw));
    expect(away).toThrow(
      new Failure("invalid-config", 'Cannot read "resolvConf" /etc/away: there is none'),
    );
  });

  test("is read as resolv.conf(5) has it", () => {
    const text = [
      "# nameserver 10.0.0.1",
      "; nameserver 10.0.0.2",
      "  nameserver\t10.0.0.3   # the third",
      "nameserver fe80::1",
      "nameserver nobody",
      "nameserver",
      "domain a.example",
      "search b.example",
      "search c.example d.example",
      "options ndots:5",
      "options edns0 trust-ad",
      "sortlist 10.0.0.0",
      "",
    ].join("\n");
    expect(parseResolvConf(text)).toEqual({
      nameservers: ["10.0.0.3", "fe80::1"],
      domain: "a.example",
      search: ["c.example", "d.example"],
      options: ["ndots:5", "edns0", "trust-ad"],
    });
    expect(parseResolvConf("")).toEqual(noDns);
  });
});
