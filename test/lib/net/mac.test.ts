import { describe, expect, test } from "vitest";
import type { Ip4 } from "../../../lib/net/ip4.ts";
import { formatIp6 } from "../../../lib/net/ip6.ts";
import {
  computedMacs,
  formatMac,
  ip6Of,
  linkLocal,
  type Mac,
  macBytes,
  macOfBytes,
  macOfIp4,
  macsOfPrefix4,
  parseMac,
} from "../../../lib/net/mac.ts";
import {
  contains4,
  parsePrefix4,
  parsePrefix6,
  prefix4Of,
  size4,
} from "../../../lib/net/prefix.ts";
import { seeded } from "../random.ts";

const random = seeded(42);
const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error("not parsed");
  return value;
};

test("a MAC prefix is an address prefix: 10.2.0.64/26", () => {
  const { mac, mask } = macsOfPrefix4(must(parsePrefix4("10.2.0.64/26")));
  expect(`${formatMac(mac)}/${formatMac(mask)}`).toBe("02:42:0a:02:00:40/ff:ff:ff:ff:ff:c0");
});

test("of any prefix, its MACs are those of its addresses and of no other", () => {
  const and = (a: Mac, b: Mac) => BigInt(a) & BigInt(b);
  for (let round = 0; round < 2_000; round += 1) {
    const prefix = prefix4Of(random.below(2 ** 32) as Ip4, random.below(33));
    const { mac, mask } = macsOfPrefix4(prefix);
    const near = Number(BigInt.asUintN(32, BigInt(prefix.base + random.below(2 * size4(prefix)))));
    for (const address of [near, random.below(2 ** 32), prefix.base] as Ip4[]) {
      expect(and(macOfIp4(address), mask) === BigInt(mac)).toBe(contains4(prefix, address));
    }
  }
});

test("an IPv6 address ends in the IPv4 address, and so follows the same rule", () => {
  const address = 0x0a020041 as Ip4;
  expect(formatMac(macOfIp4(address))).toBe("02:42:0a:02:00:41");
  expect(formatIp6(ip6Of(must(parsePrefix6("fd00:2::/64")), address))).toBe("fd00:2::a02:41");
  expect(formatIp6(ip6Of(linkLocal, address))).toBe("fe80::a02:41");
});

test("computed MACs are locally administered and no group's", () => {
  const [first = 0] = macBytes(computedMacs.mac);
  expect(first & 0b11).toBe(0b10);
  expect(macOfIp4(0xffffffff as Ip4)).toBe(0x0242ffffffff);
  const isComputed = (mac: number) =>
    (BigInt(mac) & BigInt(computedMacs.mask)) === BigInt(computedMacs.mac);
  expect([0x0242_0000_0000, 0x0242_ffff_ffff].map(isComputed)).toEqual([true, true]);
  expect([0x0243_0000_0000, 0x0342_ffff_ffff].map(isComputed)).toEqual([false, false]);
});

test("text and bytes read back", () => {
  for (let round = 0; round < 1_000; round += 1) {
    const mac = (random.below(2 ** 32) * 2 ** 16 + random.below(2 ** 16)) as Mac;
    expect(parseMac(formatMac(mac))).toBe(mac);
    expect(parseMac(formatMac(mac).toUpperCase())).toBe(mac);
    expect(macOfBytes(macBytes(mac))).toBe(mac);
    expect(formatMac(mac)).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
  }
});

describe("nothing but a MAC", () => {
  test.each([
    "",
    "02:42:0a:02:00",
    "02:42:0a:02:00:40:41",
    "2:42:a:2:0:40",
    "02-42-0a-02-00-40",
    "02:42:0a:02:00:4g",
    " 02:42:0a:02:00:40",
  ])("%j", (text) => expect(parseMac(text)).toBeUndefined());
});
