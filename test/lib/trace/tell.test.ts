import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import { parseTrace } from "../../../lib/trace/switch-trace.ts";
import { tell } from "../../../lib/trace/tell.ts";
import type { Entry, Packet } from "../../../lib/trace/way.ts";
import { address, echo, facts, ip, packet, vtep } from "./sample-facts.ts";

const recorded = (name: string) =>
  parseTrace(readFileSync(join(import.meta.dirname, "traces", `${name}.txt`), "utf8"));
const one: Entry = { by: "container", name: "one", address: ip("10.2.105.65"), port: 2202 };
const tunnel = (number: number): Entry => ({ by: "tunnel", vtep: vtep(number) });
const [a, b] = ["10.2.105.65", "10.2.0.3"];

function told(name: string, entry: Entry, sent: Packet, more: Partial<typeof facts> = {}) {
  const { lookups, datapath } = recorded(name);
  const scene = { facts: { ...facts, ...more }, node: "host-a", entry, packet: sent };
  const { steps, end } = tell(lookups, scene, { datapath });
  return { steps: steps.map(({ at, says }) => `${at}: ${says}`), end };
}

describe("a switch's way, told", () => {
  test("into the tunnel", () => {
    const { steps, end } = told("icmp-far", one, packet(a, b));
    expect(steps).toEqual([
      "0 classify: MAC and address are those of container one: it may send, in network web (VNI 1)",
      "30 forward: in the gateway's block: by single addresses next",
      "35 single: 10.2.0.0/26 is leased to host-b (192.0.2.2): into the tunnel",
      "bridge br-phy: forwarding to learned port",
    ]);
    expect(end).toEqual({ end: "across", node: "host-b", vtep: vtep(2), packet: packet(a, b) });
  });

  test("a request to a neighbour, which becomes one frame for it", () => {
    const asked = packet(a, b, { kind: "neighbour" }, { ethDst: 0xffff_ffff_ffff as never });
    const { steps, end } = told("arp-far", one, asked);
    expect(steps[1]).toBe(
      "20 neighbour: who has 10.2.0.3? Asked of the one whose MAC follows from that, nobody else",
    );
    expect(end).toMatchObject({ end: "across", packet: { ethDst: macOfIp4(ip(b)) } });
  });

  test("to the gateway, which is the host", () => {
    const gateway = { ethDst: macOfIp4(ip("10.2.0.1")) };
    const sent = packet(a, "203.0.113.9", echo, gateway);
    const { steps, end } = told("tcp-gateway", one, sent);
    expect(steps.slice(2)).toEqual([
      "35 single: 10.2.0.1 is the gateway, which is on every node: to this host's own port",
      "40 local: to this host, by its port sp-web",
    ]);
    expect(end).toMatchObject({
      end: "to host",
      packet: { ethDst: macOfIp4(ip("10.2.105.64")), to: { address: ip("203.0.113.9") } },
    });
  });

  test("out of the tunnel, to a container", () => {
    const { steps, end } = told("from-tunnel", tunnel(2), packet(b, a));
    expect(steps).toEqual([
      "0 classify: from the tunnel, for network web (VNI 1)",
      "10 ingress: host-b (192.0.2.2) holds the sender's 10.2.0.0/26: let in",
      "40 local: to the port of container one",
    ]);
    expect(end).toEqual({ end: "delivered", to: "container one" });
  });

  test("has the flow that was met", () => {
    const { lookups } = recorded("from-tunnel");
    const scene = { facts, node: "host-a", entry: tunnel(2), packet: packet(b, a) };
    expect(tell(lookups, scene).steps[2]?.met).toBe(
      "priority=100,reg0=0x1,dl_dst=02:42:0a:02:69:41 actions=output:2202",
    );
  });
});

describe("why it is dropped", () => {
  const why = (name: string, entry: Entry, sent: Packet, more: Partial<typeof facts> = {}) => {
    const { end } = told(name, entry, sent, more);
    return end.end === "dropped" ? end.why : end.end;
  };

  test.each<[string, Entry, Packet, string]>([
    [
      "spoofed",
      one,
      { ...packet("10.2.105.66", b), ethSrc: macOfIp4(ip(a)) },
      "the spoof guard: 10.2.105.66 is not container one's own, which is 10.2.105.65",
    ],
    [
      "spoofed",
      one,
      { ...packet(a, b), ethSrc: macOfIp4(ip("10.2.105.66")) },
      "the spoof guard: MAC 02:42:0a:02:69:42 is not container one's own, which is 02:42:0a:02:69:41",
    ],
    [
      "spoofed",
      one,
      packet(a, b, echo, { from: address("fd99::a02:6941"), to: address("fd00:2::a02:3") }),
      "the spoof guard: fd99::a02:6941 is not container one's own, which is fd00:2::a02:6941",
    ],
    [
      "spoofed",
      one,
      packet(a, b),
      "the switch has no flow for what container one may send: it has lost it",
    ],
    [
      "nobody",
      one,
      packet(a, "10.2.17.17"),
      "nobody holds 10.2.17.17: it is in no node's block of network web",
    ],
    [
      "nobody",
      one,
      packet(a, "10.2.143.200"),
      "10.2.143.192/26 is leased to host-c, but the switch of host-a does not know it",
    ],
    [
      "own-block-empty",
      one,
      packet(a, "10.2.105.80"),
      "host-a holds 10.2.105.64/26, but no container there has 10.2.105.80",
    ],
    [
      "tunnel-foreign",
      tunnel(3),
      packet(b, a),
      "10.2.0.0/26 is leased to host-b, and it comes from host-c (192.0.2.3)",
    ],
    [
      "tunnel-foreign",
      tunnel(9),
      packet(b, a),
      "no node of the cluster has VTEP 192.0.2.9: it was removed, and is cut off",
    ],
    [
      "tunnel-foreign",
      tunnel(2),
      packet(b, a),
      "host-a does not know yet that host-b holds 10.2.0.0/26",
    ],
    [
      "tunnel-gateway",
      tunnel(3),
      packet("10.2.0.1", a),
      "10.2.0.1 is the gateway's address, or host-a's own: no other node sends as it",
    ],
    [
      "unknown-vni",
      tunnel(3),
      packet(b, a),
      "host-a has no part in network web (VNI 1): it holds no address of it",
    ],
    [
      "no-match",
      one,
      packet(a, "10.2.105.80"),
      "the switch has lost flows of ours: they were deleted, or Open vSwitch was restarted",
    ],
    [
      "neighbour-miss",
      one,
      packet(a, b),
      "host-b (192.0.2.2) does not answer on br-phy: its MAC is not known",
    ],
    [
      "tunnel-no-route",
      one,
      packet(a, "10.2.35.2"),
      "the userspace datapath has no way to host-b (192.0.2.2): the VTEP's address is on no bridge of it",
    ],
  ])("%s", (name, entry, sent, words) => {
    expect(why(name, entry, sent)).toBe(words);
  });

  test("a container that is gone, or whose link is down, gets nothing", () => {
    const but = (fault: "gone" | "down") => ({
      holders: facts.holders.map((one) => (one.name === "one" ? { ...one, fault } : one)),
    });
    const end = (fault: "gone" | "down") =>
      told("from-tunnel", tunnel(2), packet(b, a), but(fault)).end;
    expect(end("gone")).toEqual({
      end: "dropped",
      why: "container one is gone: its network namespace was deleted",
      todo: "Take away what it has left: socketplane rm --force one",
    });
    expect(end("down")).toEqual({
      end: "dropped",
      why: "the link of container one is down at its end",
      todo: "In it: ip link set eth0 up",
    });
  });

  test("says how far this node knows, without the store", () => {
    const cached = { isWhole: false, nodes: [] };
    expect(why("nobody", one, packet(a, "10.2.17.17"), cached)).toBe(
      "nobody holds 10.2.17.17: it is in no node's block of network web, as far as this node knows",
    );
    expect(why("neighbour-miss", one, packet(a, b), cached)).toBe(
      "the node at 192.0.2.2 does not answer on br-phy: its MAC is not known",
    );
  });

  test("what can't be read is not known", () => {
    const scene = { facts, node: "host-a", entry: one, packet: packet(a, b) };
    expect(tell([], scene).end).toEqual({
      end: "unknown",
      why: "the switch's answer can't be read",
    });
  });

  const gateway = packet(a, "203.0.113.9", echo, { ethDst: macOfIp4(ip("10.2.0.1")) });

  test("the host's own port is down: the kernel takes nothing by it", () => {
    const { lookups } = recorded("tcp-gateway");
    const scene = { facts, node: "host-a", entry: one, packet: gateway };
    expect(tell(lookups, scene, { ownPort: "up" }).end).toMatchObject({ end: "to host" });
    expect(tell(lookups, scene, { ownPort: "down" }).end).toEqual({
      end: "dropped",
      why: "link sp-web of host-a, its own port in network web, is down",
      todo: "On host-a: ip link set sp-web up",
    });
  });

  test("by a flow that is not ours, which is named to be removed", () => {
    const scene = { facts, node: "host-a", entry: one, packet: gateway };
    const end = (flow: string, action: string) =>
      tell(parseTrace(`bridge("sp0")\n-----\n30. ${flow}\n    ${action}\n`).lookups, scene).end;
    expect(end("ip,nw_dst=10.2.0.3, priority 65000", "drop")).toEqual({
      end: "dropped",
      why: "a flow that is not ours drops it, in table 30",
      todo: 'On host-a, see who has added it; to remove it: ovs-ofctl -O OpenFlow15 --strict del-flows sp0 "table=30,priority=65000,ip,nw_dst=10.2.0.3"',
    });
    expect(end("priority 65000", "drop")).toMatchObject({
      todo: expect.stringContaining('"table=30,priority=65000"'),
    });
    expect(end("ip,$(reboot), priority 65000", "drop")).toMatchObject({
      todo: expect.not.stringContaining("reboot"),
    });
    expect(end("priority 65000", "NORMAL")).toMatchObject({ end: "unknown" });
  });
});
