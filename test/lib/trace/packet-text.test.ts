import { describe, expect, test } from "vitest";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import { formatMac, type Mac, parseMac } from "../../../lib/net/mac.ts";
import { askedMac, packetText } from "../../../lib/trace/packet-text.ts";
import type { Address, Content, Entry, Packet } from "../../../lib/trace/way.ts";

const address = (text: string): Address => {
  const ip4 = parseIp4(text);
  if (ip4 !== undefined) return { family: 4, address: ip4 };
  const ip6 = parseIp6(text);
  if (ip6 === undefined) throw new Error(text);
  return { family: 6, address: ip6 };
};
const mac = (text: string) => parseMac(text) as Mac;
const own = parseIp4("10.2.0.3") as Ip4;
const container: Entry = { by: "container", name: "one", address: own, port: 7 };
const packet = (
  from: string,
  to: string,
  content: Content,
  more: Partial<Packet> = {},
): Packet => ({
  network: "web",
  vni: 258,
  ethSrc: mac("02:42:0a:02:00:03"),
  ethDst: mac("02:42:0a:02:00:04"),
  from: address(from),
  to: address(to),
  content,
  ...more,
});
const [a, b, a6, b6] = ["10.2.0.3", "10.2.0.4", "fd00:2::a02:3", "fd00:2::a02:4"] as const;
const macs = "dl_src=02:42:0a:02:00:03,dl_dst=02:42:0a:02:00:04";

describe("a packet's text", () => {
  test.each<[Content, string, string]>([
    [
      { kind: "icmp", answer: false },
      "icmp,in_port=7",
      "nw_src=10.2.0.3,nw_dst=10.2.0.4,nw_ttl=64,icmp_type=8,icmp_code=0",
    ],
    [
      { kind: "icmp", answer: true },
      "icmp,in_port=7",
      "nw_src=10.2.0.3,nw_dst=10.2.0.4,nw_ttl=64,icmp_type=0,icmp_code=0",
    ],
    [
      { kind: "tcp", port: 80, answer: false },
      "tcp,in_port=7",
      "nw_src=10.2.0.3,nw_dst=10.2.0.4,nw_ttl=64,tcp_src=40000,tcp_dst=80,tcp_flags=0x002",
    ],
    [
      { kind: "udp", port: 53, answer: true },
      "udp,in_port=7",
      "nw_src=10.2.0.3,nw_dst=10.2.0.4,nw_ttl=64,udp_src=53,udp_dst=40000",
    ],
    [
      { kind: "neighbour" },
      "arp,in_port=7",
      "arp_op=1,arp_spa=10.2.0.3,arp_tpa=10.2.0.4,arp_sha=02:42:0a:02:00:03,arp_tha=00:00:00:00:00:00",
    ],
  ])("%j", (content, head, tail) => {
    expect(packetText(container, packet(a, b, content), 7)).toBe(
      `${head},vlan_tci=0,${macs},${tail}`,
    );
  });

  test("of IPv6", () => {
    expect(packetText(container, packet(a6, b6, { kind: "neighbour" }), 7)).toBe(
      `icmp6,in_port=7,vlan_tci=0,${macs},ipv6_src=fd00:2::a02:3,ipv6_dst=ff02::1:ff02:4,nw_ttl=255,icmpv6_type=135,icmpv6_code=0,nd_target=fd00:2::a02:4,nd_sll=02:42:0a:02:00:03`,
    );
    expect(
      packetText(container, packet(a6, b6, { kind: "tcp", port: 80, answer: false }), 7),
    ).toContain("tcp6,in_port=7");
  });

  test("says the tunnel that it comes from", () => {
    const from = (vtep: string): Entry => ({ by: "tunnel", vtep: address(vtep) });
    const sent = packet(a, b, { kind: "icmp", answer: false });
    expect(packetText(from("192.0.2.2"), sent, 1)).toContain("tun_id=0x102,tun_src=192.0.2.2,dl");
    expect(packetText(from("2001:db8::2"), sent, 1)).toContain("tun_ipv6_src=2001:db8::2,dl");
  });

  test("asks everybody for an IPv4 address, and a group for an IPv6 one", () => {
    expect(formatMac(askedMac(address(b)))).toBe("ff:ff:ff:ff:ff:ff");
    expect(formatMac(askedMac(address("fd00:2::a12:3456")))).toBe("33:33:ff:12:34:56");
  });
});
