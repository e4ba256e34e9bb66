import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { formatIp4, type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { formatIp6, type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import {
  contains4,
  covers4,
  formatPrefix4,
  formatPrefix6,
  last4,
  mask4,
  overlaps4,
  overlaps6,
  type Prefix4,
  parseCidr4,
  parsePrefix4,
  parsePrefix6,
  prefix4Of,
  prefix6Of,
  size4,
} from "../../../lib/net/prefix.ts";
import { seeded } from "../random.ts";

const random = seeded(24);
const anyIp4 = () => random.below(2 ** 32) as Ip4;
const anyPrefix4 = () => prefix4Of(anyIp4(), random.below(33));
const anyIp6 = () =>
  [0, 0, 0, 0].reduce((value) => (value << 32n) | BigInt(random.below(2 ** 32)), 0n) as Ip6;

/** A prefix that often touches the other: same base, shorter or longer. */
const near = ({ base, length }: Prefix4): Prefix4 =>
  random.one([
    anyPrefix4(),
    prefix4Of(base, random.below(33)),
    prefix4Of(((base + size4({ base, length })) % 2 ** 32) as Ip4, length),
  ]);

test("first, last, mask and membership are ipaddr.js's", () => {
  for (let round = 0; round < 3_000; round += 1) {
    const address = anyIp4();
    const length = random.below(33);
    const text = `${formatIp4(address)}/${length}`;
    const prefix = prefix4Of(address, length);
    expect(formatIp4(prefix.base)).toBe(ipaddr.IPv4.networkAddressFromCIDR(text).toString());
    expect(formatIp4(last4(prefix))).toBe(ipaddr.IPv4.broadcastAddressFromCIDR(text).toString());
    expect(formatIp4(mask4(length) as Ip4)).toBe(
      ipaddr.IPv4.subnetMaskFromPrefixLength(length).toString(),
    );
    const other = random.one([anyIp4(), last4(near(prefix)), near(prefix).base]);
    const inside = ipaddr.IPv4.parse(formatIp4(other)).match(
      ipaddr.IPv4.parse(formatIp4(prefix.base)),
      length,
    );
    expect(contains4(prefix, other)).toBe(inside);
    expect(parsePrefix4(formatPrefix4(prefix))).toEqual(prefix);
    expect(parseCidr4(text)).toEqual({ address, length });
  }
});

test("prefixes overlap where one holds the other's first address", () => {
  for (let round = 0; round < 5_000; round += 1) {
    const a = anyPrefix4();
    const b = near(a);
    const meet = a.base <= last4(b) && b.base <= last4(a);
    expect(overlaps4(a, b)).toBe(meet);
    expect(covers4(a, b)).toBe(a.base <= b.base && last4(b) <= last4(a));
  }
});

test("IPv6: base and overlap are ipaddr.js's", () => {
  for (let round = 0; round < 1_000; round += 1) {
    const address = anyIp6();
    const length = random.below(129);
    const prefix = prefix6Of(address, length);
    const text = `${formatIp6(address)}/${length}`;
    const oracle = ipaddr.IPv6.networkAddressFromCIDR(text);
    expect(parseIp6(oracle.toNormalizedString())).toBe(prefix.base);
    expect(parsePrefix6(formatPrefix6(prefix))).toEqual(prefix);
    const other = prefix6Of(random.one([address, anyIp6()]), random.below(129));
    const shorter = Math.min(length, other.length);
    const met = oracle.match(ipaddr.IPv6.parse(formatIp6(other.base)), shorter);
    expect(overlaps6(prefix, other)).toBe(met);
  }
});

describe("not a prefix", () => {
  test.each([
    "10.2.0.0",
    "10.2.0.0/",
    "10.2.0.0/33",
    "10.2.0.0/-1",
    "10.2.0.0/016",
    "10.2.0.0/+16",
    "10.2.0.0/16 ",
    "10.2.0/16",
    "fd00::/8",
    "/16",
    "",
  ])("IPv4 %j", (text) => expect(parsePrefix4(text)).toBeUndefined());
  test.each(["fd00::", "fd00::/129", "fd00::/064", "10.2.0.0/16", "fd00::/8/8", ""])(
    "IPv6 %j",
    (text) => expect(parsePrefix6(text)).toBeUndefined(),
  );
  test("one with host bits", () => {
    expect(parsePrefix4("10.2.0.1/16")).toBeUndefined();
    expect(parsePrefix6("fd00::1/64")).toBeUndefined();
    expect(parseCidr4("10.2.0.1/16")).toEqual({ address: parseIp4("10.2.0.1"), length: 16 });
  });
});
