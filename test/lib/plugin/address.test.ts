import { describe, expect, test } from "vitest";
import type { AddRequest } from "../../../lib/cni/request.ts";
import {
  nothingRequested as nothing,
  type Requested,
  type RequestedIp,
} from "../../../lib/cni/requested.ts";
import { noDns, type Result, type ResultIp } from "../../../lib/cni/result.ts";
import { Failure } from "../../../lib/errors.ts";
import { completeNetwork } from "../../../lib/ipam/network.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { parseMac } from "../../../lib/net/mac.ts";
import { parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import {
  attachmentOf,
  foreignAddress,
  wantedAddress,
  wantedMac,
} from "../../../lib/plugin/address.ts";

const ip4 = (text: string) => parseIp4(text) as Ip4;
const subnet = parsePrefix4("10.2.0.0/16") ?? { base: 0 as Ip4, length: 0 };
const web = completeNetwork({ name: "web", subnet }, 1);
const dual = completeNetwork({ name: "web", subnet, subnet6: parsePrefix6("fd00:2::/64") }, 1);

/** Addresses as a runtime asks for them. */
const asking = (...texts: readonly string[]): Requested => ({
  ...nothing,
  ips: texts.map((text): RequestedIp => {
    const address = parseIp4(text);
    return address === undefined
      ? { family: 6, address: parseIp6(text) as Ip6, length: undefined }
      : { family: 4, address, length: undefined };
  }),
});

const refusal = (message: string) => new Failure("unsupported-field", message);

test("an attachment is a CNI name, a container and an interface", () => {
  const request = { config: { name: "web" }, containerId: "c1", ifname: "eth0" };
  expect(attachmentOf(request)).toEqual({ name: "web", containerId: "c1", ifname: "eth0" });
});

describe("the address asked for", () => {
  test("is none, or the one", () => {
    expect(wantedAddress(web, nothing)).toBeUndefined();
    expect(wantedAddress(web, asking("10.2.0.9"))).toBe(ip4("10.2.0.9"));
  });

  test("may have its IPv6 address with it, in whatever order", () => {
    expect(wantedAddress(dual, asking("fd00:2::a02:9", "10.2.0.9"))).toBe(ip4("10.2.0.9"));
  });

  test.each([
    [web, ["10.2.0.9", "10.2.0.10"], '"ips" 10.2.0.10: an interface has one IPv4 address'],
    [
      dual,
      ["fd00:2::a02:9"],
      '"ips" fd00:2::a02:9: it ends in the IPv4 address, which must be asked for too',
    ],
    [dual, ["10.2.0.9", "fd00:2::9"], '"ips" fd00:2::9: with 10.2.0.9 goes fd00:2::a02:9'],
    [web, ["10.2.0.9", "fd00:2::a02:9"], '"ips" fd00:2::a02:9: network "web" has no IPv6 subnet'],
  ] as const)("cannot be %#", (network, asked, state) => {
    expect(() => wantedAddress(network, asking(...asked))).toThrow(
      refusal(`Cannot honour ${state}`),
    );
  });
});

describe("the MAC asked for", () => {
  const asked = (text: string) => ({ ...nothing, mac: parseMac(text) });
  const address = ip4("10.2.0.9");

  test("goes with any address, or with none", () => {
    const mac = parseMac("0a:00:00:00:00:01");
    expect(wantedMac(web, asked("0a:00:00:00:00:01"), address)).toEqual({ address, mac });
    expect(wantedMac(web, asked("0a:00:00:00:00:01"), undefined)).toEqual({ mac });
    expect(wantedMac(web, nothing, address)).toEqual({ address });
  });

  test("asks for its address where it is a computed one", () => {
    expect(wantedMac(web, asked("02:42:0a:02:00:09"), address)).toEqual({ address });
    expect(wantedMac(web, asked("02:42:0a:02:00:09"), undefined)).toEqual({ address });
  });

  const another = "MACs that begin so are computed, and it is that of";
  test.each([
    ["02:42:0a:02:00:0a", address, `${another} 10.2.0.10`],
    ["02:42:0a:03:00:09", undefined, `${another} 10.3.0.9`],
    ["01:00:5e:00:00:01", undefined, "it is no single interface's"],
    ["ff:ff:ff:ff:ff:ff", undefined, "it is no single interface's"],
    ["00:00:00:00:00:00", undefined, "it is no single interface's"],
  ] as const)("cannot be %s with %s", (mac, wanted, state) => {
    expect(() => wantedMac(web, asked(mac), wanted)).toThrow(
      refusal(`Cannot honour "mac" ${mac}: ${state}`),
    );
  });
});

describe("what a foreign IPAM plugin assigned", () => {
  const request = { config: { name: "web", ipam: { type: "static" } } } as unknown as AddRequest;
  const given = (...texts: readonly string[]): Result => ({
    interfaces: [],
    ips: asking(...texts).ips.map((ip) => ({ ...ip, length: 24 }) as ResultIp),
    routes: [],
    dns: noDns,
  });

  test("is used where it is the network's", () => {
    expect(foreignAddress(web, given("10.2.7.9"), request)).toBe(ip4("10.2.7.9"));
    expect(foreignAddress(dual, given("10.2.7.9"), request)).toBe(ip4("10.2.7.9"));
    expect(foreignAddress(dual, given("fd00:2::a02:709", "10.2.7.9"), request)).toBe(
      ip4("10.2.7.9"),
    );
  });

  test.each([
    [web, ["fd00::9"], "there is no IPv4 address"],
    [web, ["10.2.7.9", "10.2.7.10"], "there is more than one IPv4 address"],
    [web, ["10.3.7.9"], "10.3.7.9 is not in 10.2.0.0/16"],
    [web, ["10.2.7.9", "fd00::9"], "fd00::9, but with 10.2.7.9 goes no IPv6 address"],
    [dual, ["10.2.7.9", "fd00:2::9"], "fd00:2::9, but with 10.2.7.9 goes fd00:2::a02:709"],
  ] as const)("cannot be %#", (network, texts, state) => {
    const use = () => foreignAddress(network, given(...texts), request);
    const details = 'Its addresses must be of network "web", 10.2.0.0/16, one for each interface.';
    const message = `Cannot use what IPAM plugin "static" assigned: ${state}`;
    expect(use).toThrow(new Failure("invalid-config", message, { details }));
  });
});
