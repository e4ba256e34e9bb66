import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { formatIp6, type Ip6, ip6Bytes, ip6OfBytes, parseIp6 } from "../../../lib/net/ip6.ts";
import { seeded } from "../random.ts";

const random = seeded(6);

/** Runs of zeros are what the text form is about. */
function anyAddress(): Ip6 {
  const groups = Array.from({ length: 8 }, () =>
    random.one([0, 0, 1, 0xffff, random.below(65536)]),
  );
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n) as Ip6;
}

const addresses = [0n as Ip6, 1n as Ip6, (2n ** 128n - 1n) as Ip6].concat(
  Array.from({ length: 2_000 }, anyAddress),
);

test("text and bytes of an address are ipaddr.js's, and read back", () => {
  for (const address of addresses) {
    const oracle = new ipaddr.IPv6([...ip6Bytes(address)]);
    expect(formatIp6(address)).toBe(
      oracle.isIPv4MappedAddress() ? formatIp6(address) : oracle.toRFC5952String(),
    );
    expect(parseIp6(formatIp6(address))).toBe(address);
    expect(parseIp6(oracle.toNormalizedString())).toBe(address);
    expect(parseIp6(oracle.toRFC5952String().toUpperCase())).toBe(address);
    expect(ip6OfBytes(ip6Bytes(address))).toBe(address);
  }
});

describe("RFC 5952", () => {
  test.each([
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "the first of two equal runs"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", "one group alone is not shortened"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "the longest run"],
    ["2001:DB8::0001", "2001:db8::1", "lower case, no leading zeros"],
    ["0:0:0:0:0:0:0:0", "::", "all zeros"],
    ["1:0:0:0:0:0:0:0", "1::", "zeros at the end"],
    ["::ffff:c000:0280", "::ffff:192.0.2.128", "an IPv4-mapped address"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221", "dotted tail, as input"],
  ])("%s is %s: %s", (text, expected) => {
    const address = parseIp6(text);
    expect(address === undefined ? undefined : formatIp6(address)).toBe(expected);
  });
});

test("what is not an address is refused, as ipaddr.js refuses it", () => {
  const pieces = ["0", "1", "f", "00", "abcd", "ABCD", "", "", "12345", "g", "1.2.3.4"];
  const texts = Array.from({ length: 10_000 }, () =>
    Array.from({ length: 1 + random.below(10) }, () => random.one(pieces)).join(":"),
  );
  // ipaddr.js takes an IPv4 address too.
  const isAddress = (text: string) => ipaddr.IPv6.isValid(text) && text.includes(":");
  const wrong = texts.filter((text) => (parseIp6(text) !== undefined) !== isAddress(text));
  expect(wrong).toEqual([]);
  expect(texts.filter(isAddress).length).toBeGreaterThan(100);
});

describe("nothing but the address", () => {
  test.each([
    "",
    ":",
    ":::",
    "1::2::3",
    "::1 ",
    "::1/64",
    "[::1]",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "::1.2.3.4:5",
    "::1.2.3.256",
  ])("%j", (text) => expect(parseIp6(text)).toBeUndefined());
});
