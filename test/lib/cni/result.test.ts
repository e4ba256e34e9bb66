/** What CNI asks of results: each version, up and down, for each family. */
import { describe, expect, test } from "vitest";
import { formatResult } from "../../../lib/cni/format-result.ts";
import { parseResult } from "../../../lib/cni/parse-result.ts";
import { noDns, type Result, type ResultIp, type ResultRoute } from "../../../lib/cni/result.ts";
import { type Version, versions } from "../../../lib/cni/versions.ts";
import { Failure } from "../../../lib/errors.ts";
import { collectFaults } from "../../../lib/faults.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { type Mac, parseMac } from "../../../lib/net/mac.ts";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";

const some = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error("the test's own value is wrong");
  return value;
};
const ip4 = (text: string): Ip4 => some(parseIp4(text));
const ip6 = (text: string): Ip6 => some(parseIp6(text));
const mac = (text: string): Mac => some(parseMac(text));

const interfaces: Result["interfaces"] = [
  { name: "spv1234", mac: mac("aa:bb:cc:00:00:01"), mtu: 1450 },
  {
    name: "eth0",
    mac: mac("02:42:0a:02:00:02"),
    mtu: 1450,
    sandbox: "/run/netns/c1",
    socketPath: "/run/vhost/1",
    pciId: "0000:04:00.5",
  },
];

const four: readonly ResultIp[] = [
  { family: 4, address: ip4("10.2.0.2"), length: 16, gateway: ip4("10.2.0.1"), interface: 1 },
  { family: 4, address: ip4("10.3.0.2"), length: 24, interface: 0 },
];
const six: readonly ResultIp[] = [
  { family: 6, address: ip6("fd00::2"), length: 64, gateway: ip6("fd00::1"), interface: 1 },
  { family: 6, address: ip6("fd00:1::2"), length: 64, interface: 1 },
];
const routes4: readonly ResultRoute[] = [
  { family: 4, dst: some(parsePrefix4("0.0.0.0/0")), gateway: ip4("10.2.0.1"), options: {} },
  {
    family: 4,
    dst: some(parsePrefix4("10.9.0.0/16")),
    options: { mtu: 1400, advmss: 1360, priority: 5, table: 0, scope: 0 },
  },
];
const routes6: readonly ResultRoute[] = [
  { family: 6, dst: some(parsePrefix6("::/0")), gateway: ip6("fd00::1"), options: { table: 254 } },
];
const dns: Result["dns"] = {
  nameservers: ["10.2.0.1", "fd00::1"],
  domain: "corp.example",
  search: ["a.example", "b.example"],
  options: ["ndots:5"],
};

/** The same things in the protocol's words. */
const wordsOf = {
  full: [
    { name: "spv1234", mac: "aa:bb:cc:00:00:01", mtu: 1450 },
    {
      name: "eth0",
      mac: "02:42:0a:02:00:02",
      mtu: 1450,
      sandbox: "/run/netns/c1",
      socketPath: "/run/vhost/1",
      pciID: "0000:04:00.5",
    },
  ],
  old: [
    { name: "spv1234", mac: "aa:bb:cc:00:00:01" },
    { name: "eth0", mac: "02:42:0a:02:00:02", sandbox: "/run/netns/c1" },
  ],
  ips4: [
    { address: "10.2.0.2/16", gateway: "10.2.0.1", interface: 1 },
    { address: "10.3.0.2/24", interface: 0 },
  ],
  ips6: [
    { address: "fd00::2/64", gateway: "fd00::1", interface: 1 },
    { address: "fd00:1::2/64", interface: 1 },
  ],
  routes4: [
    { dst: "0.0.0.0/0", gw: "10.2.0.1" },
    { dst: "10.9.0.0/16", mtu: 1400, advmss: 1360, priority: 5, table: 0, scope: 0 },
  ],
  routes6: [{ dst: "::/0", gw: "fd00::1", table: 254 }],
  dns: {
    nameservers: ["10.2.0.1", "fd00::1"],
    domain: "corp.example",
    search: ["a.example", "b.example"],
    options: ["ndots:5"],
  },
  ip4: {
    ip: "10.2.0.2/16",
    gateway: "10.2.0.1",
    routes: [{ dst: "0.0.0.0/0", gw: "10.2.0.1" }, { dst: "10.9.0.0/16" }],
  },
  ip6: { ip: "fd00::2/64", gateway: "fd00::1", routes: [{ dst: "::/0", gw: "fd00::1" }] },
};

type Family = "IPv4" | "IPv6" | "dual stack";
const families: readonly Family[] = ["IPv4", "IPv6", "dual stack"];
const has4 = (family: Family) => family !== "IPv6";
const has6 = (family: Family) => family !== "IPv4";

function resultOf(family: Family): Result {
  return {
    interfaces,
    ips: [...(has4(family) ? four : []), ...(has6(family) ? six : [])],
    routes: [...(has4(family) ? routes4 : []), ...(has6(family) ? routes6 : [])],
    dns,
  };
}

/** What each version says of it. */
function wordsIn(version: Version, family: Family): object {
  const four = has4(family);
  const six = has6(family);
  if (version === "0.1.0" || version === "0.2.0") {
    return {
      cniVersion: version,
      ...(four ? { ip4: wordsOf.ip4 } : {}),
      ...(six ? { ip6: wordsOf.ip6 } : {}),
      dns: wordsOf.dns,
    };
  }
  const isOld = version.startsWith("0.");
  const marked = (ips: readonly object[], mark: string) =>
    ips.map((ip) => (isOld ? { version: mark, ...ip } : ip));
  return {
    cniVersion: version,
    interfaces: isOld ? wordsOf.old : wordsOf.full,
    ips: [...(four ? marked(wordsOf.ips4, "4") : []), ...(six ? marked(wordsOf.ips6, "6") : [])],
    routes: [...(four ? wordsOf.routes4 : []), ...(six ? wordsOf.routes6 : [])],
    dns: wordsOf.dns,
  };
}

/** What of it is left after a way through an older version's words. */
function leftBy(version: Version, family: Family): Result {
  const result = resultOf(family);
  if (version.startsWith("1.")) return result;
  const bare = result.interfaces.map(({ name, mac, sandbox }) => ({ name, mac, sandbox }));
  if (version.startsWith("0.3") || version === "0.4.0") return { ...result, interfaces: bare };
  const ips = [result.ips.find((ip) => ip.family === 4), result.ips.find((ip) => ip.family === 6)];
  return {
    ...result,
    interfaces: [],
    ips: ips.flatMap((ip) => (ip === undefined ? [] : { ...ip, interface: undefined })),
    routes: result.routes.map((route) => ({ ...route, options: {} })),
  };
}

function parse(json: unknown, otherwise: Version = "1.1.0") {
  const faults = collectFaults();
  return { result: parseResult(json, otherwise, faults, "prevResult"), faults: faults.list() };
}

const table = versions.flatMap((version) => families.map((family) => ({ version, family })));

describe.each(table)("$family in $version", ({ version, family }) => {
  test("is said in the version's words", () => {
    const text = formatResult(resultOf(family), version);
    expect(JSON.parse(text)).toEqual(wordsIn(version, family));
    expect(text).not.toContain("\n");
  });

  test("is read from them", () => {
    expect(parse(wordsIn(version, family))).toEqual({
      result: leftBy(version, family),
      faults: [],
    });
  });

  test("is read without a version of its own, as the configuration's", () => {
    const { cniVersion: _, ...words } = wordsIn(version, family) as Record<string, unknown>;
    expect(parse(words, version).result).toEqual(leftBy(version, family));
  });

  test("and a result of before can be handed on as it came", () => {
    const words = wordsIn(version, family);
    const { result } = parse(words);
    expect(JSON.parse(formatResult(some(result), version))).toEqual(words);
  });
});

test.each(versions)("what is empty is left out in %s", (version) => {
  const bare: Result = {
    interfaces: [],
    ips: [{ family: 4, address: ip4("10.2.0.2"), length: 16 }],
    routes: [],
    dns: { ...noDns, domain: "" },
  };
  const isOldest = version === "0.1.0" || version === "0.2.0";
  const address = version.startsWith("0.")
    ? { version: "4", address: "10.2.0.2/16" }
    : { address: "10.2.0.2/16" };
  const words = isOldest ? { ip4: { ip: "10.2.0.2/16" } } : { ips: [address] };
  expect(JSON.parse(formatResult(bare, version))).toEqual({ cniVersion: version, ...words });
});

test.each(["0.1.0", "0.2.0"] as const)(
  "without an address nothing can be said in %s",
  (version) => {
    const nothing: Result = { interfaces, ips: [], routes: routes4, dns };
    expect(() => formatResult(nothing, version)).toThrow(Failure);
    expect(() => formatResult(nothing, version)).toThrow("no valid IP addresses");
  },
);

test.each(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const)(
  "without an address %s says the rest",
  (version) => {
    const nothing: Result = { interfaces, ips: [], routes: [], dns: noDns };
    expect(Object.keys(JSON.parse(formatResult(nothing, version)))).toEqual([
      "cniVersion",
      "interfaces",
    ]);
  },
);

test("before 0.3.0 routes of a family without an address are left out", () => {
  const result: Result = { interfaces: [], ips: four, routes: routes6, dns: noDns };
  expect(JSON.parse(formatResult(result, "0.2.0"))).toEqual({
    cniVersion: "0.2.0",
    ip4: { ip: "10.2.0.2/16", gateway: "10.2.0.1" },
  });
});

test("keys are taken in any case, those in their own first", () => {
  const words = {
    CNIVersion: "9.9.9",
    cniVersion: "0.4.0",
    Interfaces: [{ Name: "eth0", MAC: "02:42:0a:02:00:02", Sandbox: "/x" }],
    IPS: [{ Version: "4", ADDRESS: "10.2.0.2/16", GateWay: "10.2.0.1", Interface: 0 }],
    Routes: [{ Dst: "0.0.0.0/0", GW: "10.2.0.1", AdvMSS: 1 }],
    DNS: { Nameservers: ["10.2.0.1"] },
    dns: { nameservers: ["10.2.0.1"], NAMESERVERS: ["10.9.9.9"] },
  };
  expect(parse(words)).toEqual({
    result: {
      interfaces: [{ name: "eth0", mac: mac("02:42:0a:02:00:02"), sandbox: "/x" }],
      ips: [
        { family: 4, address: ip4("10.2.0.2"), length: 16, gateway: ip4("10.2.0.1"), interface: 0 },
      ],
      routes: [{ ...routes4[0], options: { advmss: 1 } }],
      dns: { ...noDns, nameservers: ["10.2.0.1"] },
    },
    faults: [],
  });
});

test("libcni's CNIVersion is a version", () => {
  expect(parse({ CNIVersion: "0.2.0", ip4: { ip: "10.2.0.2/16" } }).result?.ips).toHaveLength(1);
});

test("table and scope 0 are values; mtu, advmss and priority 0 are none, as in libcni", () => {
  const route = { dst: "0.0.0.0/0", mtu: 0, advmss: 0, priority: 0, table: 0, scope: 0 };
  const { result } = parse({ routes: [route] });
  expect(result?.routes[0]?.options).toEqual({ table: 0, scope: 0 });
  expect(JSON.parse(formatResult(some(result), "1.1.0")).routes).toEqual([
    { dst: "0.0.0.0/0", table: 0, scope: 0 },
  ]);
  expect(parse({ routes: [{ dst: "::/0" }] }).result?.routes[0]?.options).toEqual({});
});

test("a hardware address that is no MAC is handed on as it came", () => {
  const long = "80:00:02:08:fe:80:00:00:00:00:00:00:00:11:22:33:44:55:66:77";
  const { result } = parse({ interfaces: [{ name: "ib0", mac: long }] });
  expect(JSON.parse(formatResult(some(result), "1.1.0")).interfaces[0].mac).toBe(long);
});

test("empty texts, and an mtu of 0, are absent", () => {
  const bare = { name: "eth0", mac: "", mtu: 0, sandbox: "", socketPath: "", pciID: "" };
  const words = { interfaces: [bare], dns: { domain: "" } };
  const { result } = parse({ ...words, ips: [{ address: "10.2.0.2/16", gateway: "" }] });
  expect(formatResult(some(result), "1.1.0")).toBe(
    '{"cniVersion":"1.1.0","interfaces":[{"name":"eth0"}],"ips":[{"address":"10.2.0.2/16"}]}',
  );
});

test("null and nothing are an empty result", () => {
  const words = { interfaces: null, ips: null, routes: null, dns: null };
  for (const json of [{}, words]) {
    for (const version of versions) {
      expect(parse(json, version)).toEqual({
        result: { interfaces: [], ips: [], routes: [], dns: noDns },
        faults: [],
      });
    }
  }
});

test("a route's destination loses its host bits", () => {
  const { result } = parse({ routes: [{ dst: "10.9.1.2/16" }, { dst: "fd00::1:2/64" }] });
  expect(JSON.parse(formatResult(some(result), "1.1.0")).routes).toEqual([
    { dst: "10.9.0.0/16" },
    { dst: "fd00::/64" },
  ]);
});

test.each([
  [null, '"prevResult" is not an object'],
  [[], '"prevResult" is not an object'],
  ["x", '"prevResult" is not an object'],
  [{ cniVersion: "9" }, '"prevResult.cniVersion" must be one of'],
  [{ cniVersion: 1 }, '"prevResult.cniVersion" must be one of'],
  [{ ips: {} }, '"prevResult.ips" must be a list'],
  [{ ips: [7] }, '"prevResult.ips[0]" is not an object'],
  [{ ips: [{}] }, '"prevResult.ips[0].address" is missing'],
  [{ ips: [{ address: "10.2.0.2" }] }, '"prevResult.ips[0].address" must be an address and its'],
  [{ ips: [{ address: "10.2.0.2/33" }] }, '"prevResult.ips[0].address" must be'],
  [{ ips: [{ address: "10.2.0.2/16", gateway: "fd00::1" }] }, "gateway"],
  [{ ips: [{ address: "10.2.0.2/16", interface: -1 }] }, "interface"],
  [{ ips: [{ address: "10.2.0.2/16", interface: "0" }] }, "interface"],
  [{ routes: [{ gw: "10.2.0.1" }] }, '"prevResult.routes[0].dst" is missing'],
  [{ routes: [{ dst: "default" }] }, '"prevResult.routes[0].dst" must be'],
  [{ routes: [{ dst: "0.0.0.0/0", mtu: -1 }] }, '"prevResult.routes[0].mtu" must be'],
  [{ interfaces: [{ name: 5 }] }, '"prevResult.interfaces[0].name" must be a text'],
  [{ dns: [] }, '"prevResult.dns" is not an object'],
  [{ dns: { search: [1] } }, '"prevResult.dns.search[0]" must be a text'],
])("%j is a fault", (json, fault) => {
  expect(parse(json).faults[0]).toContain(fault);
});

test("before 0.3.0 faults are named by their place too", () => {
  const { faults } = parse({ cniVersion: "0.2.0", ip4: {}, ip6: { ip: "x", routes: [{}] } });
  expect(faults[0]).toContain('"prevResult.ip4.ip" is missing');
  expect(faults[1]).toContain('"prevResult.ip6.ip" must be');
  expect(faults[2]).toContain('"prevResult.ip6.routes[0].dst" is missing');
});
