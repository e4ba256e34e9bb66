import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import {
  formatIp4,
  hexOfIp4,
  type Ip4,
  ip4Bytes,
  ip4OfBytes,
  parseIp4,
} from "../../../lib/net/ip4.ts";
import { seeded } from "../random.ts";

const random = seeded(4);
const addresses = [
  0,
  1,
  0x7fffffff,
  0x80000000,
  0xfffffffe,
  0xffffffff,
  ...Array.from({ length: 2_000 }, () => random.below(2 ** 32)),
] as Ip4[];

test("text, bytes and hex of an address are ipaddr.js's, and read back", () => {
  for (const address of addresses) {
    const oracle = ipaddr.fromByteArray([...ip4Bytes(address)]);
    expect(formatIp4(address)).toBe(oracle.toString());
    expect(parseIp4(oracle.toString())).toBe(address);
    expect(ip4OfBytes(ip4Bytes(address))).toBe(address);
    expect(Number.parseInt(hexOfIp4(address), 16)).toBe(address);
  }
});

test("hex sorts as addresses do", () => {
  const sorted = [...addresses].sort((a, b) => a - b).map(hexOfIp4);
  expect([...sorted].sort()).toEqual(sorted);
});

test("what is not four decimal parts is refused, as ipaddr.js refuses it", () => {
  const pieces = [
    "0",
    "9",
    "10",
    "255",
    "256",
    "01",
    "-1",
    "+1",
    "1e1",
    "0x1",
    " 1",
    "",
    "a",
    "１",
  ];
  const texts = Array.from({ length: 10_000 }, () =>
    Array.from({ length: random.one([3, 4, 4, 4, 4, 5]) }, () => random.one(pieces)).join("."),
  );
  const isAddress = (text: string) => ipaddr.IPv4.isValidFourPartDecimal(text);
  const wrong = texts.filter((text) => (parseIp4(text) !== undefined) !== isAddress(text));
  expect(wrong).toEqual([]);
  expect(texts.filter(isAddress).length).toBeGreaterThan(20);
});

describe("nothing but the address", () => {
  test.each([
    "",
    " ",
    "1.2.3.4 ",
    "\n1.2.3.4",
    "1.2.3.4\n",
    "1.2.3.4/8",
    "1.2.3",
    "1.2.3.4.5",
    "1..3.4",
    "1.2.3.04",
  ])("%j", (text) => expect(parseIp4(text)).toBeUndefined());
});
