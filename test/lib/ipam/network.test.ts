import { describe, expect, test } from "vitest";
import { Failure } from "../../../lib/errors.ts";
import {
  completeNetwork,
  defaultBlockLength,
  describe as describeNetwork,
  formatRange,
  type NetworkSpec,
  parseNetwork,
  parseNetworkName,
  parseRange,
} from "../../../lib/ipam/network.ts";
import { differences, matches } from "../../../lib/ipam/network-fit.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import { seeded } from "../random.ts";

const ip4 = (text: string) => parseIp4(text) as Ip4;
const prefix4 = (text: string) => parsePrefix4(text) ?? { base: 0 as Ip4, length: 0 };
const spec = (subnet: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({
  name: "web",
  subnet: prefix4(subnet),
  ...more,
});

describe("a name", () => {
  test.each(["web", "a", "0", "web-1.example_x", "x".repeat(63)])("%s", (name) => {
    expect(parseNetworkName(name)).toBe(name);
  });
  test.each(["", "-web", ".web", "_web", "we/b", "we b", "wéb", "..", "@node", "x".repeat(64)])(
    "is not %j",
    (name) => {
      expect(parseNetworkName(name)).toBeUndefined();
    },
  );
});

describe("a range", () => {
  test.each([
    ["10.2.0.64/26", "10.2.0.64-10.2.0.127"],
    ["10.2.0.9-10.2.0.99", "10.2.0.9-10.2.0.99"],
    ["10.2.0.9 - 10.2.0.9", "10.2.0.9-10.2.0.9"],
  ])("%s is %s", (text, expected) => {
    const range = parseRange(text);
    expect(range && formatRange(range)).toBe(expected);
  });
  test.each([
    "",
    "10.2.0.9",
    "10.2.0.99-10.2.0.9",
    "10.2.0.1-10.2.0.2-10.2.0.3",
    "10.2.0.1/26",
    "a-b",
  ])("is not %j", (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
});

describe("what is left out", () => {
  test("has a default", () => {
    expect(completeNetwork(spec("10.2.0.0/16"), 7)).toEqual({
      name: "web",
      subnet: prefix4("10.2.0.0/16"),
      subnet6: undefined,
      gateway: ip4("10.2.0.1"),
      range: { first: ip4("10.2.0.1"), last: ip4("10.2.255.254") },
      blockLength: 26,
      vni: 7,
      mtu: undefined,
      masquerade: true,
    });
  });

  test.each([
    [8, 26],
    [16, 26],
    [20, 26],
    [22, 28],
    [24, 30],
    [29, 30],
  ])("a /%i has blocks of /%i", (length, expected) => {
    expect(defaultBlockLength({ base: 0 as Ip4, length })).toBe(expected);
  });

  test("a range never has the network's or the broadcast address", () => {
    const range = { first: ip4("10.2.0.0"), last: ip4("10.2.0.255") };
    expect(completeNetwork(spec("10.2.0.0/24", { range }), 1).range).toEqual({
      first: ip4("10.2.0.1"),
      last: ip4("10.2.0.254"),
    });
  });
});

describe("what cannot be", () => {
  const only = (text: string) => ({ first: ip4(text), last: ip4(text) });
  test.each<[NetworkSpec, string]>([
    [spec("10.2.0.0/30"), "subnet 10.2.0.0/30 is too small: the smallest is a /29"],
    [spec("10.2.0.0/32"), "subnet 10.2.0.0/32 is too small: the smallest is a /29"],
    [spec("10.0.0.0/7"), "subnet 10.0.0.0/7 is too large: the largest is a /8"],
    [spec("10.2.0.0/24", { blockLength: 23 }), "blockLength 23 must be from 24 to 30"],
    [
      spec("10.2.0.0/24", { subnet6: parsePrefix6("fd00::/97") }),
      "subnet6 fd00::/97 is too small: it must hold an IPv4 address, so at most /96",
    ],
    [
      spec("10.2.0.0/24", { gateway: ip4("10.3.0.1") }),
      "gateway 10.3.0.1 is not a usable address of 10.2.0.0/24",
    ],
    [
      spec("10.2.0.0/24", { gateway: ip4("10.2.0.0") }),
      "gateway 10.2.0.0 is not a usable address of 10.2.0.0/24",
    ],
    [
      spec("10.2.0.0/24", { gateway: ip4("10.2.0.255") }),
      "gateway 10.2.0.255 is not a usable address of 10.2.0.0/24",
    ],
    [
      spec("10.2.0.0/24", { range: only("10.3.0.1") }),
      "ipRange 10.3.0.1-10.3.0.1 is not inside 10.2.0.0/24",
    ],
    [
      spec("10.2.0.0/24", { range: only("10.2.0.255") }),
      "ipRange 10.2.0.255-10.2.0.255 has no address to give",
    ],
    [
      spec("10.2.0.0/24", { range: only("10.2.0.0") }),
      "ipRange 10.2.0.0-10.2.0.0 has no address to give",
    ],
    [
      spec("10.2.0.0/24", { range: only("10.2.0.1") }),
      "ipRange 10.2.0.1-10.2.0.1 has no address to give",
    ],
  ])("%#: %s", (wrong, fault) => {
    expect(() => completeNetwork(wrong, 1)).toThrow(
      new Failure("invalid-config", `Cannot use network "web": ${fault}`),
    );
  });

  test("is told all at once", () => {
    const range = only("10.9.0.1");
    const wrong = spec("10.2.0.0/29", { gateway: ip4("10.9.0.1"), range, blockLength: 8 });
    expect(() => completeNetwork(wrong, 1)).toThrow(/blockLength .*; gateway .*; ipRange /);
  });
});

describe("a network that exists", () => {
  const made = completeNetwork(spec("10.2.0.0/16", { subnet6: parsePrefix6("fd00:2::/64") }), 7);

  test("is as asked for, where only what it has is asked", () => {
    for (const same of [spec("10.2.0.0/16"), spec("10.2.0.0/16", { ...made })]) {
      expect(differences(made, same)).toEqual([]);
      expect(matches(made, same)).toBe(true);
    }
  });

  test("is told by all that differs", () => {
    const other = spec("10.2.0.0/17", {
      subnet6: parsePrefix6("fd00:3::/64"),
      gateway: ip4("10.2.0.9"),
      blockLength: 27,
      vni: 8,
      mtu: 1400,
      masquerade: false,
    });
    expect(differences(made, other)).toEqual([
      "subnet is 10.2.0.0/16, not 10.2.0.0/17",
      "subnet6 is fd00:2::/64, not fd00:3::/64",
      "gateway is 10.2.0.1, not 10.2.0.9",
      "blockLength is 26, not 27",
      "mtu is not set, not 1400",
      "masquerade is true, not false",
      "vni is 7, not 8",
    ]);
  });

  test("is as asked for exactly where nothing differs, whatever is asked", () => {
    const random = seeded(7);
    const oneOf = <T>(...values: readonly T[]): T => values[random.below(values.length)] as T;
    const ranges = ["10.2.0.0/24", "10.2.0.0-10.2.0.254", "10.2.0.1-10.2.0.254", "10.2.0.64/26"];
    const any = (): NetworkSpec =>
      spec(oneOf("10.2.0.0/24", "10.2.0.0/24", "10.2.0.0/25"), {
        subnet6: oneOf(undefined, parsePrefix6("fd00:2::/64"), parsePrefix6("fd00:3::/64")),
        gateway: oneOf(undefined, ip4("10.2.0.1"), ip4("10.2.0.9")),
        range: oneOf(undefined, ...ranges.map(parseRange)),
        blockLength: oneOf(undefined, 28, 30),
        vni: oneOf(undefined, 1, 2),
        mtu: oneOf(undefined, 1400, 1300),
        masquerade: oneOf(undefined, true, false),
      });
    let agreed = 0;
    for (let round = 0; round < 5000; round += 1) {
      const [one, other] = [valid(any), valid(any)];
      const network = completeNetwork(one, one.vni ?? 1);
      const differs = differences(network, other);
      expect({ other, differs, matches: matches(network, other) }).toEqual({
        other,
        differs,
        matches: differs.length === 0,
      });
      if (differs.length === 0) agreed += 1;
    }
    expect(agreed).toBeGreaterThan(10);
  });

  test("is read back as it was written", () => {
    const full = { ...made, mtu: 1400, masquerade: false };
    for (const network of [made, full, completeNetwork(spec("192.168.7.0/24"), 1)]) {
      const text = JSON.stringify(describeNetwork(network));
      expect(parseNetwork(JSON.parse(text), "networks/web")).toEqual(network);
    }
  });

  test.each([
    [null],
    [[]],
    [{}],
    [{ ...describeNetwork(made), vni: "7" }],
    [{ ...describeNetwork(made), subnet: "any" }],
  ])("is not read from %j", (json) => {
    expect(() => parseNetwork(json, "networks/web")).toThrow(Failure);
  });
});

/** The first that a network can be made of. */
function valid(any: () => NetworkSpec): NetworkSpec {
  for (;;) {
    const one = any();
    try {
      completeNetwork(one, 1);
      return one;
    } catch {
      // Its parts don't go together.
    }
  }
}
