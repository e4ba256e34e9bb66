import { describe, expect, test } from "vitest";
import type { Config } from "../../../lib/cni/config.ts";
import { Failure } from "../../../lib/errors.ts";
import { isObject } from "../../../lib/json.ts";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import {
  foreignIpamOf,
  nodeConfigOf,
  parseIpamConfig,
  parsePluginConfig,
} from "../../../lib/plugin/config.ts";

/** As lib/cni reads a configuration. */
function configOf(more: Readonly<Record<string, unknown>>): Config {
  const raw = { cniVersion: "1.1.0", name: "web", type: "socketplane", ...more };
  const { name, type } = raw;
  const ipam = isObject(more.ipam)
    ? { type: typeof more.ipam.type === "string" ? more.ipam.type : undefined, raw: more.ipam }
    : undefined;
  return { name: String(name), cniVersion: "1.1.0", type, ipam, raw, bytes: new Uint8Array() };
}

const parse = (more: Readonly<Record<string, unknown>>) => parsePluginConfig(configOf(more));
const parseIpam = (ipam: unknown, more = {}) => parseIpamConfig(configOf({ ipam, ...more }));

/** The faults that a configuration is refused for. */
function faultsOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (failure) {
    if (!(failure instanceof Failure) || failure.kind !== "invalid-config") throw failure;
    const start = 'Cannot use network configuration "web": ';
    expect(failure.message.startsWith(start)).toBe(true);
    const told = failure.details?.split("\n") ?? [failure.message.slice(start.length)];
    expect(failure.message).toBe(start + told.join("; "));
    return told;
  }
  return [];
}

const ip4 = (text: string) => parseIp4(text);
const prefix4 = (text: string) => parsePrefix4(text);

describe("the interface plugin's", () => {
  test("needs nothing: the network has the configuration's name, and must exist", () => {
    expect(parse({})).toEqual({
      network: "web",
      spec: undefined,
      nodeConfig: undefined,
      defaultRoute: "if absent",
      routes: [],
      resolvConf: undefined,
      foreignIpam: undefined,
    });
  });

  test("may say all of a network", () => {
    const { network, spec } = parse({
      network: "shared",
      subnet: "10.2.0.0/16",
      subnet6: "fd00:2::/64",
      gateway: "10.2.0.254",
      ipRange: "10.2.8.0/24",
      blockLength: 27,
      vni: 7,
      mtu: 1400,
      masquerade: false,
    });
    expect({ network, spec }).toEqual({
      network: "shared",
      spec: {
        name: "shared",
        subnet: prefix4("10.2.0.0/16"),
        subnet6: parsePrefix6("fd00:2::/64"),
        gateway: ip4("10.2.0.254"),
        range: { first: ip4("10.2.8.0"), last: ip4("10.2.8.255") },
        blockLength: 27,
        vni: 7,
        mtu: 1400,
        masquerade: false,
      },
    });
  });

  test("is read in ipam too, where that is ours; what stands beside it goes first", () => {
    const ipam = { type: "socketplane-ipam", subnet: "10.2.0.0/16", mtu: 1400, nodeConfig: "/b" };
    expect(parse({ ipam })).toMatchObject({
      spec: { subnet: prefix4("10.2.0.0/16"), mtu: 1400 },
      nodeConfig: "/b",
      foreignIpam: undefined,
    });
    expect(parse({ ipam, mtu: 1300, nodeConfig: "/a" })).toMatchObject({
      spec: { subnet: prefix4("10.2.0.0/16"), mtu: 1300 },
      nodeConfig: "/a",
    });
  });

  test("is not read in an ipam that is another's", () => {
    const ipam = { type: "host-local", subnet: "10.9.0.0/16", mtu: "any", rangs: [], routes: "no" };
    expect(parse({ subnet: "10.2.0.0/16", ipam })).toMatchObject({
      spec: { subnet: prefix4("10.2.0.0/16"), mtu: undefined },
      routes: [],
      foreignIpam: "host-local",
    });
  });

  test.each([
    [true, "set"],
    [false, "none"],
    [undefined, "if absent"],
  ])("defaultRoute %s means %s", (defaultRoute, expected) => {
    expect(parse({ defaultRoute }).defaultRoute).toBe(expected);
  });

  test("tolerates what others put there", () => {
    const others = {
      "cni.dev/valid-attachments": [],
      runtimeConfig: { ips: ["10.2.0.9"] },
      args: { cni: {} },
      capabilities: { ips: true },
      prevResult: {},
      bridge: "br0",
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      somethingElse: 1,
      dns: {},
    };
    expect(faultsOf(() => parse({ subnet: "10.2.0.0/16", ...others }))).toEqual([]);
  });

  test("tells all faults at once", () => {
    const wrong = {
      subnt: "10.2.0.0/16",
      subnet: "10.2.0.1/16",
      subnet6: "fd00:2::1/64",
      gateway: "10.2.0",
      ipRange: "10.2.0.9-10.2.0.3",
      blockLength: 31,
      vni: 0,
      mtu: 1.5,
      masquerade: "yes",
      network: "-web",
      nodeConfig: "node.json",
      defaultRoute: 1,
      ipam: {},
    };
    expect(faultsOf(() => parse(wrong)).toSorted()).toEqual(
      [
        '"subnt" is not a known key: did you mean "subnet"?',
        '"subnet" must be an IPv4 prefix, not "10.2.0.1/16": did you mean "10.2.0.0/16"?',
        '"subnet6" must be an IPv6 prefix, not "fd00:2::1/64"',
        '"gateway" must be an IPv4 address, not "10.2.0"',
        '"ipRange" must be a prefix or a range, not "10.2.0.9-10.2.0.3"',
        '"blockLength" must be a whole number from 8 to 30, not 31',
        '"vni" must be a whole number from 1 to 16777215, not 0',
        '"mtu" must be a whole number from 576 to 65535, not 1.5',
        '"masquerade" must be true or false, not "yes"',
        '"network" must be a network name, not "-web"',
        '"nodeConfig" must be an absolute path, not "node.json"',
        '"defaultRoute" must be true or false, not 1',
        '"ipam" has no "type": give one, as "socketplane-ipam", or leave "ipam" out',
      ].toSorted(),
    );
  });

  test.each([
    ["Subnet", "subnet"],
    ["gatway", "gateway"],
    ["masqurade", "masquerade"],
    ["netwrok", "network"],
  ])("takes %s for a slip", (key, meant) => {
    expect(faultsOf(() => parse({ [key]: 1 }))).toEqual([
      `"${key}" is not a known key: did you mean "${meant}"?`,
    ]);
  });

  test("refuses a whole network list, the settings in which would count for nothing", () => {
    const plugins = [{ type: "socketplane", subnet: "10.2.0.0/16" }];
    expect(faultsOf(() => parse({ plugins }))).toEqual([
      "\"plugins\" is a network list's: give a plugin its own entry, with the list's name and cniVersion",
    ]);
  });

  test("wants a subnet for what belongs to a network", () => {
    const fault = '"subnet" is missing: a network has an IPv4 one, and its other settings need it';
    expect(faultsOf(() => parse({ mtu: 1400 }))).toEqual([fault]);
    expect(faultsOf(() => parse({ subnet6: "fd00::/64" }))).toEqual([fault]);
    // One that is there and wrong is not missing.
    expect(faultsOf(() => parse({ mtu: 1400, subnet: 7 }))).toEqual([
      '"subnet" must be a text, not 7',
    ]);
  });

  test("wants a shorter name where its own is too long for a network", () => {
    const name = "a".repeat(64);
    const config = configOf({ name });
    expect(() => parsePluginConfig(config)).toThrow(/is too long for a network's: give "network"$/);
    expect(parsePluginConfig(configOf({ name, network: "web" })).network).toBe("web");
  });
});

describe("the IPAM plugin's", () => {
  test("is in ipam alone", () => {
    const parsed = parseIpam({ subnet: "10.2.0.0/16" }, { mtu: 1400, subnet: "10.9.0.0/16" });
    expect(parsed).toMatchObject({ network: "web", spec: { subnet: prefix4("10.2.0.0/16") } });
    expect(parsed.spec?.mtu).toBeUndefined();
    expect(faultsOf(() => parseIpam(undefined))).toEqual(['"ipam" is missing']);
  });

  const subnet = "10.5.0.0/24";
  const range = (first: string, last: string) => ({ first: ip4(first), last: ip4(last) });

  test.each<[string, object, object]>([
    [
      "rangeStart and rangeEnd",
      { subnet, rangeStart: "10.5.0.9", rangeEnd: "10.5.0.20" },
      { range: range("10.5.0.9", "10.5.0.20") },
    ],
    [
      "rangeStart alone",
      { subnet, rangeStart: "10.5.0.9" },
      { range: range("10.5.0.9", "10.5.0.255") },
    ],
    [
      "rangeEnd alone",
      { subnet, rangeEnd: "10.5.0.20" },
      { range: range("10.5.0.0", "10.5.0.20") },
    ],
    ["one range", { ranges: [[{ subnet }]] }, { subnet: prefix4(subnet) }],
    [
      "one range with all of it",
      {
        ranges: [[{ subnet, rangeStart: "10.5.0.9", rangeEnd: "10.5.0.20", gateway: "10.5.0.3" }]],
      },
      { range: range("10.5.0.9", "10.5.0.20"), gateway: ip4("10.5.0.3") },
    ],
    [
      "a range of each family",
      { ranges: [[{ subnet: "fd00:5::/64" }], [{ subnet }]] },
      { subnet: prefix4(subnet), subnet6: parsePrefix6("fd00:5::/64") },
    ],
    ["the same subnet twice", { subnet, ranges: [[{ subnet }]] }, { subnet: prefix4(subnet) }],
    [
      "our own keys before host-local's",
      { subnet, ipRange: "10.5.0.64/26", rangeStart: "10.5.0.9" },
      { range: range("10.5.0.64", "10.5.0.127") },
    ],
  ])("understands host-local's %s", (_, ipam, expected) => {
    expect(parseIpam(ipam).spec).toMatchObject(expected);
  });

  test("takes the runtime's ranges", () => {
    const runtimeConfig = { ipRanges: [[{ subnet, rangeStart: "10.5.0.9" }]] };
    expect(parseIpam({}, { runtimeConfig }).spec).toMatchObject({
      subnet: prefix4(subnet),
      range: range("10.5.0.9", "10.5.0.255"),
    });
    expect(faultsOf(() => parseIpam({}, { runtimeConfig: { ipRanges: {} } }))).toEqual([
      '"runtimeConfig.ipRanges" must be a list of lists of ranges, not {}',
    ]);
  });

  test.each<[object, string]>([
    [{ ranges: {} }, '"ipam.ranges" must be a list of lists of ranges, not {}'],
    [
      { ranges: [{ subnet }] },
      '"ipam.ranges[0]" must be a list of one range: a network has one subnet',
    ],
    [{ ranges: [[]] }, '"ipam.ranges[0]" must be a list of one range: a network has one subnet'],
    [
      { ranges: [[{ subnet }, { subnet: "10.6.0.0/24" }]] },
      '"ipam.ranges[0]" must be a list of one range: a network has one subnet',
    ],
    [
      { ranges: [[{ subnet }], [{ subnet: "10.6.0.0/24" }]] },
      '"ipam.ranges" has several subnets of one family: a network has one',
    ],
    [
      { subnet, ranges: [[{ subnet: "10.6.0.0/24" }]] },
      '"subnet" 10.5.0.0/24 and 10.6.0.0/24 of the ranges are not the same',
    ],
    [{ ranges: [[7]] }, '"ipam.ranges[0][0]" is not an object'],
    [{ ranges: [[{}]] }, '"ipam.ranges[0][0].subnet" is missing'],
    [
      { ranges: [[{ subnet: "any" }]] },
      '"ipam.ranges[0][0].subnet" must be an IPv4 prefix, not "any"',
    ],
    [
      { subnet, ranges: [[{ subnet: "fd00::/64", gateway: "fd00::1" }]] },
      '"ipam.ranges[0][0].gateway" cannot be chosen: IPv6 addresses follow from the IPv4 ones',
    ],
    [{ subnet, rangeStart: "10.6.0.1" }, '"ipam.rangeStart" 10.6.0.1 is not in 10.5.0.0/24'],
    [{ subnet, rangeEnd: "10.6.0.1" }, '"ipam.rangeEnd" 10.6.0.1 is not in 10.5.0.0/24'],
    [
      { subnet, rangeStart: "10.5.0.9", rangeEnd: "10.5.0.3" },
      '"ipam.rangeEnd" must not be below "rangeStart"',
    ],
    [
      { subnet, rangestart: "10.5.0.9" },
      '"ipam.rangestart" is not a known key: did you mean "rangeStart"?',
    ],
    [{ subnet, routes: {} }, '"ipam.routes" must be a list, not {}'],
    [{ subnet, routes: ["any"] }, '"ipam.routes[0]" is not an object'],
    [{ subnet, routes: [{ gw: "10.5.0.1" }] }, '"ipam.routes[0].dst" is missing'],
    [{ subnet, routes: [{ dst: "any" }] }, '"ipam.routes[0].dst" must be a prefix, not "any"'],
    [
      { subnet, routes: [{ dst: "::/0", gw: "10.5.0.1" }] },
      '"ipam.routes[0].gw" must be an IPv6 address, not "10.5.0.1"',
    ],
    [
      { subnet, routes: [{ dst: "10.0.0.0/8", mtu: -1 }] },
      '"ipam.routes[0].mtu" must be a whole number from 0 to 65535, not -1',
    ],
  ])("refuses %j", (ipam, fault) => {
    expect(faultsOf(() => parseIpam(ipam))).toEqual([fault]);
  });

  test("has routes of both families, with what they ask for", () => {
    const routes = [
      { dst: "0.0.0.0/0" },
      { dst: "192.0.2.7/24", gw: "10.5.0.9", priority: 10, table: 0, scope: 0 },
      { dst: "::/0", gw: "fd00::1", mtu: 1400, advmss: 1340 },
    ];
    expect(parseIpam({ routes }).routes).toEqual([
      { family: 4, options: {} },
      {
        family: 4,
        // Written with an address of the network, as people do.
        to: prefix4("192.0.2.0/24"),
        via: ip4("10.5.0.9"),
        options: { priority: 10, table: 0, scope: 0 },
      },
      { family: 6, via: parseIp6("fd00::1"), options: { mtu: 1400, advmss: 1340 } },
    ]);
  });
});

test("DEL reads no more than where to look, whatever else is wrong", () => {
  const broken = { subnet: 7, mtu: "any", nodeConfig: "/etc/a.json" };
  expect(nodeConfigOf(configOf(broken))).toBe("/etc/a.json");
  expect(nodeConfigOf(configOf({ nodeConfig: 7 }))).toBeUndefined();
  expect(nodeConfigOf(configOf({ ipam: { nodeConfig: "/etc/b.json" } }))).toBe("/etc/b.json");
  expect(foreignIpamOf(configOf({ ipam: { type: "host-local" } }))).toBe("host-local");
  expect(foreignIpamOf(configOf({ ipam: { type: "socketplane-ipam" } }))).toBeUndefined();
  expect(foreignIpamOf(configOf({}))).toBeUndefined();
});
