import { expect, test } from "vitest";
import { Failure } from "../../../lib/errors.ts";
import { chooseSubnet } from "../../../lib/ipam/choose-subnet.ts";
import type { Ip4 } from "../../../lib/net/ip4.ts";
import { formatPrefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";

const prefixes = (texts: readonly string[]) =>
  texts.map((text) => parsePrefix4(text) ?? { base: 0 as Ip4, length: 0 });
const chosen = (...taken: readonly string[]) => formatPrefix4(chooseSubnet(prefixes(taken)));

test.each<[string, string[]]>([
  ["10.1.0.0/16", []],
  ["10.1.0.0/16", ["192.168.0.0/16", "10.0.0.0/16", "10.2.0.0/16"]],
  ["10.2.0.0/16", ["10.1.0.0/16"]],
  // As small as can be, inside of a candidate; and one around several.
  ["10.2.0.0/16", ["10.1.255.255/32"]],
  ["10.4.0.0/16", ["10.0.0.0/14"]],
  ["172.16.0.0/16", ["10.0.0.0/8"]],
  ["172.17.0.0/16", ["10.0.0.0/8", "172.16.3.0/24"]],
  ["192.168.0.0/24", ["10.0.0.0/8", "172.16.0.0/12"]],
  ["192.168.2.0/24", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/23"]],
])("%s is free beside %j", (expected, taken) => {
  expect(chosen(...taken)).toBe(expected);
});

test("many networks get one each, and no two the same", () => {
  const taken: string[] = [];
  for (let round = 0; round < 254 + 16 + 256; round += 1) taken.push(chosen(...taken));
  expect(new Set(taken).size).toBe(526);
  expect(taken.slice(252, 256)).toEqual([
    "10.253.0.0/16",
    "10.254.0.0/16",
    "172.16.0.0/16",
    "172.17.0.0/16",
  ]);
  expect(() => chosen(...taken)).toThrow(Failure);
});

test("where all is taken it says so, and what to do", () => {
  const all = () => chosen("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16");
  const message =
    "Cannot choose a subnet: all private ones overlap networks or routes of this machine";
  expect(all).toThrow(new Failure("network-conflict", message, { details: "Give one." }));
});
