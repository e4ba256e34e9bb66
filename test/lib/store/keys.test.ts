import { describe, expect, test } from "vitest";
import type { Ip4 } from "../../../lib/net/ip4.ts";
import type { Ip6 } from "../../../lib/net/ip6.ts";
import type { Mac } from "../../../lib/net/mac.ts";
import { type Prefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import { type KeyParts, type Keys, keysUnder } from "../../../lib/store/keys.ts";

function prefix(text: string): Prefix4 {
  const found = parsePrefix4(text);
  if (found === undefined) throw new Error(`not a prefix: ${text}`);
  return found;
}

function keyOf(keys: Keys, parts: KeyParts): string {
  switch (parts.kind) {
    case "network":
      return keys.network(parts.network);
    case "vni":
      return keys.vni(parts.vni);
    case "vtep":
      return keys.vtep(parts.vtep);
    case "mac":
      return keys.mac(parts.network, parts.mac);
    case "node":
      return keys.node(parts.node);
    case "lease":
      return keys.lease(parts.network, parts.prefix);
    case "session":
      return keys.session(parts.node);
    case "token":
      return keys.token(parts.id);
    case "entrance":
      return keys.entrance(parts.node);
    case "question":
      return keys.question(parts.node, parts.id);
    case "answer":
      return keys.answer(parts.id);
    case "assignment":
      return keys.assignment(parts.network, parts.address);
  }
}

const spelled: readonly (readonly [string, KeyParts])[] = [
  ["networks/web", { kind: "network", network: "web" }],
  ["networks/a.b_c-d", { kind: "network", network: "a.b_c-d" }],
  ["networks/a%2Fb%20%25%C3%A9", { kind: "network", network: "a/b %é" }],
  ["vnis/0", { kind: "vni", vni: 0 }],
  ["vnis/16777215", { kind: "vni", vni: 16777215 }],
  ["vteps/c0000201", { kind: "vtep", vtep: { family: 4, address: 0xc0000201 as Ip4 } }],
  [
    "vteps/20010db8000000000000000000000001",
    { kind: "vtep", vtep: { family: 6, address: 0x20010db8000000000000000000000001n as Ip6 } },
  ],
  [`vteps/${"0".repeat(31)}1`, { kind: "vtep", vtep: { family: 6, address: 1n as Ip6 } }],
  ["macs/web/02420a020041", { kind: "mac", network: "web", mac: 0x02420a020041 as Mac }],
  ["macs/web/000000000000", { kind: "mac", network: "web", mac: 0 as Mac }],
  ["nodes/host-a.example", { kind: "node", node: "host-a.example" }],
  ["leases/web/0a020040-26", { kind: "lease", network: "web", prefix: prefix("10.2.0.64/26") }],
  [
    "leases/web/ffffffff-32",
    { kind: "lease", network: "web", prefix: prefix("255.255.255.255/32") },
  ],
  ["leases/web/0a000000-08", { kind: "lease", network: "web", prefix: prefix("10.0.0.0/8") }],
  ["sessions/host-a", { kind: "session", node: "host-a" }],
  ["tokens/abc234", { kind: "token", id: "abc234" }],
  ["entrances/host-a", { kind: "entrance", node: "host-a" }],
  ["questions/host-a/7f3a", { kind: "question", node: "host-a", id: "7f3a" }],
  ["answers/7f3a", { kind: "answer", id: "7f3a" }],
  ["assignments/web/0a020041", { kind: "assignment", network: "web", address: 0x0a020041 as Ip4 }],
];

describe.each(["/socketplane/v1", "/socketplane/v1/", "sp", ""])("under %j", (under) => {
  const keys = keysUnder(under);
  const stem = under === "" ? "" : `${under.replace(/\/$/, "")}/`;

  test.each(spelled)("%s is made and parsed", (text, parts) => {
    expect(keyOf(keys, parts)).toBe(stem + text);
    expect(keys.parse(stem + text)).toEqual(parts);
  });

  test("what all keys of a kind begin with", () => {
    expect(keys.network("web").startsWith(keys.networks)).toBe(true);
    expect(keys.vni(7).startsWith(keys.vnis)).toBe(true);
    expect(keys.vtep({ family: 4, address: 1 as Ip4 }).startsWith(keys.vteps)).toBe(true);
    expect(keys.mac("web", 1 as Mac).startsWith(keys.macs("web"))).toBe(true);
    expect(keys.node("a").startsWith(keys.nodes)).toBe(true);
    expect(keys.lease("web", prefix("10.2.0.0/26")).startsWith(keys.leasesOf("web"))).toBe(true);
    expect(keys.leasesOf("web").startsWith(keys.leases)).toBe(true);
    expect(keys.session("a").startsWith(keys.sessions)).toBe(true);
    expect(keys.token("abcdef").startsWith(keys.tokens)).toBe(true);
    expect(keys.entrance("a").startsWith(keys.entrances)).toBe(true);
    expect(keys.assignment("web", 1 as Ip4).startsWith(keys.assignments("web"))).toBe(true);
    for (const [, parts] of spelled) expect(keyOf(keys, parts).startsWith(keys.all)).toBe(true);
  });

  test("a network's keys do not begin those of a longer name", () => {
    const other = keys.lease("website", prefix("10.2.0.0/26"));
    expect(other.startsWith(keys.leasesOf("web"))).toBe(false);
  });
});

test.each([
  "networks",
  "networks/",
  "networks/a/b",
  "networks/%2f",
  "networks/%zz",
  "networks/a b",
  "vnis/01",
  "vnis/-1",
  "vnis/x",
  "vteps/c000020",
  "vteps/C0000201",
  "macs/web",
  "macs/web/02420a02004",
  "leases/web/0a020040",
  "leases/web/0a020040-33",
  "leases/web/0a020040-9",
  "leases/web/0a020041-26",
  "leases/web/0a020040-26-1",
  "leases//0a020040-26",
  "leases/web/0a020040-26/x",
  "assignments/web/0a02004g",
  "elsewhere/web",
  "",
])("%j is no key of ours", (key) => {
  expect(keysUnder("").parse(key)).toBeUndefined();
  expect(keysUnder("/sp").parse(`/sp/${key}`)).toBeUndefined();
});

test("a key outside the prefix is no key of ours", () => {
  expect(keysUnder("/sp").parse("/spx/networks/web")).toBeUndefined();
  expect(keysUnder("/sp").parse("networks/web")).toBeUndefined();
});

test("leases sort as addresses, a longer one after the shorter with the same first address", () => {
  const keys = keysUnder("");
  const sorted = ["9.0.0.0/26", "10.2.0.0/26", "10.2.0.0/32", "10.2.0.64/26", "10.2.0.128/26"];
  const made = sorted.map((text) => keys.lease("web", prefix(text)));
  expect(made.toSorted()).toEqual(made);
});

test("leasesWithin holds exactly what begins inside", () => {
  const keys = keysUnder("/sp");
  const { from, to } = keys.leasesWithin("web", prefix("10.2.0.64/26"));
  const holds = (network: string, text: string) => {
    const key = keys.lease(network, prefix(text));
    return from <= key && key < to;
  };
  for (const inside of ["10.2.0.64/26", "10.2.0.64/32", "10.2.0.96/27", "10.2.0.127/32"]) {
    expect(holds("web", inside), inside).toBe(true);
  }
  for (const outside of ["10.2.0.63/32", "10.2.0.0/26", "10.2.0.128/26", "10.2.0.128/32"]) {
    expect(holds("web", outside), outside).toBe(false);
  }
  expect(holds("wea", "10.2.0.64/26")).toBe(false);
  expect(holds("web2", "10.2.0.64/26")).toBe(false);
  const end = keys.leasesWithin("web", prefix("255.255.255.192/26"));
  expect(keys.lease("web", prefix("255.255.255.255/32")) < end.to).toBe(true);
});
