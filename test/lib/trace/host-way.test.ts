import { describe, expect, test } from "vitest";
import { type Mac, macOfIp4 } from "../../../lib/net/mac.ts";
import { type Prefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import type { Facts } from "../../../lib/trace/facts.ts";
import { throughHostElsewhere } from "../../../lib/trace/host-elsewhere.ts";
import { hostSends } from "../../../lib/trace/host-sends.ts";
import { type HostSees, throughHost } from "../../../lib/trace/host-way.ts";
import type { Content, Packet } from "../../../lib/trace/way.ts";
import { address, echo, facts, ip, packet, vtep } from "./sample-facts.ts";

const a = "10.2.105.65";
const none = { forward: [], input: [], output: [] };
const links = ["", "lo", "eth0", "sp-web", "sp-db", "br-phy"];
const by = (index: number, via?: string): HostSees["route"] => ({
  route: "unicast",
  index,
  via: via === undefined ? undefined : address(via),
  source: address("203.0.113.1"),
});
const sees = (route: HostSees["route"], more: Partial<HostSees> = {}): HostSees => ({
  route,
  own: by(2),
  linkName: (index) => links[index] ?? "",
  forwards: true,
  isFiltered: true,
  foreignDrop: undefined,
  foreign: none,
  ...more,
});
const allowing: Facts = {
  ...facts,
  networks: facts.networks.map((one) => ({
    ...one,
    allowed: one.name === "web" ? ["db"] : ["web"],
  })),
  holders: [
    ...facts.holders,
    {
      ...(facts.holders[0] as Facts["holders"][number]),
      network: "db",
      address: ip("10.3.105.64"),
      mac: macOfIp4(ip("10.3.105.64")),
    },
  ],
};
const end = (to: string, kernel: HostSees, known = facts, content: Content = echo) =>
  throughHost(known, "host-a", packet(a, to, content), kernel).end;

describe("the host", () => {
  test("routes to the outside, masqueraded", () => {
    const { steps, end } = throughHost(
      facts,
      "host-a",
      packet(a, "198.51.100.7"),
      sees(by(2, "203.0.113.9")),
    );
    expect(steps.map(({ at, says }) => `${at}: ${says}`)).toEqual([
      "host routing: host-a routes it by link eth0",
      "host firewall: masqueraded: from 203.0.113.1 on",
    ]);
    expect(end).toEqual({
      end: "delivered",
      to: "the outside, by link eth0 via 203.0.113.9",
      isHanded: true,
      as: address("203.0.113.1"),
    });
  });

  test("keeps the sender where the network is not masqueraded, or our firewall is not there", () => {
    const plain = {
      ...facts,
      networks: facts.networks.map((one) => ({ ...one, masquerade: false })),
    };
    const outside = { end: "delivered", to: "the outside, by link eth0", isHanded: true };
    expect(end("198.51.100.7", sees(by(2)), plain)).toEqual(outside);
    expect(end("198.51.100.7", sees(by(2), { isFiltered: false }))).toEqual(outside);
  });

  test("reaches another node's own address", () => {
    expect(end("192.0.2.2", sees(by(5)))).toMatchObject({ to: "node host-b, by link br-phy" });
  });

  test("says which sysctl keeps it from forwarding", () => {
    const off = { forwards: false };
    const none = { route: "none", why: "it has no route there" } as const;
    for (const kernel of [sees(by(2), off), sees(none, off), sees(by(4), off)]) {
      expect(end("198.51.100.7", kernel)).toMatchObject({
        end: "dropped",
        why: "host-a does not forward: net.ipv4.ip_forward is 0",
        todo: "On host-a: sysctl -w net.ipv4.ip_forward=1",
      });
    }
  });

  test("has no way", () => {
    expect(end("198.51.100.7", sees({ route: "none", why: "it has no route there" }))).toEqual({
      end: "dropped",
      why: "host-a has no way to 198.51.100.7: it has no route there",
      todo: "See there: ip route get 198.51.100.7",
    });
  });

  test("keeps networks apart unless they are allowed", () => {
    const to = "10.3.105.65";
    expect(end(to, sees(by(4)))).toEqual({
      end: "dropped",
      why: "networks web and db are apart",
      todo: "To have them reach each other: socketplane network allow web db",
    });
    expect(end(to, sees(by(4)), allowing)).toEqual({
      end: "into network",
      packet: {
        ...packet(a, to),
        network: "db",
        vni: 2,
        ethSrc: macOfIp4(ip("10.3.105.64")),
        ethDst: macOfIp4(ip(to)),
      },
    });
  });

  test("sends into a network to the MAC that a lease says, where no container is on record", () => {
    const mac = 0x0a00_0000_0009 as Mac;
    const prefix = parsePrefix4("10.3.9.9/32") as Prefix4;
    const lease = { network: "db", prefix, mac, node: "host-b", vtep: vtep(2) };
    const known = { ...allowing, leases: [...allowing.leases, lease] };
    expect(end("10.3.9.9", sees(by(4)), known)).toMatchObject({ packet: { ethDst: mac } });
  });

  test("in another network's subnet, of which it has no part, reaches nobody", () => {
    expect(end("10.3.9.9", sees(by(2)))).toMatchObject({
      end: "dropped",
      why: "10.3.9.9 is of network db, in which host-a has no part: it leaves by link eth0, where nobody has it",
    });
  });

  test("takes what is for itself, but not for what it has in another network", () => {
    const local = sees({ route: "local", index: 1, via: undefined, source: undefined });
    expect(end("203.0.113.1", local)).toEqual({ end: "delivered", to: "node host-a" });
    expect(end("10.2.105.64", local)).toEqual({ end: "delivered", to: "node host-a" });
    expect(end("10.3.105.64", local)).toMatchObject({
      end: "dropped",
      why: "10.3.105.64 is host-a's in network db, and not for network web",
    });
    expect(end("10.3.105.64", local, facts, { kind: "icmp", answer: true })).toMatchObject({
      end: "delivered",
    });
  });

  test("forwards no VXLAN", () => {
    const vxlan: Content = { kind: "udp", port: 4789, answer: false };
    expect(end("192.0.2.2", sees(by(5)), facts, vxlan)).toMatchObject({ end: "dropped" });
  });

  test("can't tell what somebody else's firewall accepts", () => {
    const foreign = { foreignDrop: "ip filter FORWARD" };
    expect(end("198.51.100.7", sees(by(2), foreign))).toMatchObject({ end: "unknown" });
    expect(end("10.3.105.65", sees(by(4), foreign), allowing)).toMatchObject({ end: "unknown" });
  });

  test("answers for its addresses", () => {
    const asked = packet(a, "10.2.0.1", { kind: "neighbour" });
    const none = sees({ route: "none", why: "not asked" });
    expect(throughHost(facts, "host-a", asked, none).end).toMatchObject({ end: "delivered" });
  });
});

describe("though it passes", () => {
  const but = (to: string, kernel: HostSees, known = facts) =>
    throughHost(known, "host-a", packet(a, to), kernel).but;
  const others = {
    forward: ["ip filter FORWARD", "ip6 filter FORWARD"],
    input: ["inet f in"],
    output: [],
  };

  test("nothing keeps networks apart where our firewall is not there", () => {
    const words = [
      expect.stringMatching(/^nothing keeps network web apart on host-a: .* not there/),
    ];
    expect(but("198.51.100.7", sees(by(2), { isFiltered: false }))).toEqual(words);
    expect(but("10.3.105.65", sees(by(4), { isFiltered: false }), allowing)).toEqual(words);
    expect(but("198.51.100.7", sees(by(2)))).toBeUndefined();
  });

  test("rules of others were not looked at, where it passes their chains", () => {
    const words = (chain: string) => [
      `rules of others on host-a were not looked at: chain ${chain}`,
    ];
    expect(but("198.51.100.7", sees(by(2), { foreign: others }))).toEqual(
      words("ip filter FORWARD"),
    );
    const local: HostSees["route"] = {
      route: "local",
      index: 1,
      via: undefined,
      source: undefined,
    };
    expect(but("10.2.0.1", sees(local, { foreign: others }))).toEqual(words("inet f in"));
    expect(but("10.3.105.65", sees(by(4), { foreign: others }))).toBeUndefined();
  });
});

describe("what the host itself sends", () => {
  const sends = (to: string, route: HostSees["route"], link: string) =>
    hostSends(facts, address(to), { route, link, foreign: none });

  test("goes into the network of the link, or out", () => {
    expect(sends("10.2.0.3", by(3), "sp-web")).toMatchObject({ network: "web", end: undefined });
    expect(sends("198.51.100.7", by(2), "eth0").end).toMatchObject({
      to: "the outside, by link eth0",
    });
    expect(sends("198.51.100.7", { route: "none", why: "it has no route there" }, "").end).toEqual({
      end: "dropped",
      why: "host-a has no way to 198.51.100.7: it has no route there",
      todo: "See there: ip route get 198.51.100.7",
    });
  });
});

describe("another node's host", () => {
  const own = (network: string) => (network === "web" ? ip("10.2.0.2") : ip("10.3.35.2"));
  const told = (known: Facts, sent: Packet, ownIn: typeof own | (() => undefined) = own) =>
    throughHostElsewhere(known, "host-b", sent, ownIn).end;

  test("is what it has in the network, and the gateway", () => {
    for (const to of ["10.2.0.1", "10.2.0.2"]) {
      expect(told(facts, packet(a, to))).toEqual({ end: "delivered", to: "node host-b" });
    }
  });

  test("routes between networks as all do, and to the outside by itself", () => {
    expect(told(facts, packet(a, "10.3.105.65"))).toMatchObject({
      end: "dropped",
      why: "networks web and db are apart",
    });
    expect(told(allowing, packet(a, "10.3.105.65"))).toMatchObject({
      end: "into network",
      packet: { network: "db", ethSrc: macOfIp4(ip("10.3.35.2")) },
    });
    const why =
      "host-b routes it to 198.51.100.7, and its routes are known there alone: trace it there";
    expect(told(facts, packet(a, "198.51.100.7"))).toEqual({ end: "unknown", why });
    expect(told(allowing, packet(a, "10.3.105.65"), () => undefined)).toMatchObject({
      end: "unknown",
    });
  });
});
