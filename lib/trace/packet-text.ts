/** A packet as text that `ofproto/trace` takes: pure. Source: ovs-fields(7), ovs-vswitchd(8). */
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6, type Ip6 } from "../net/ip6.ts";
import { formatMac, type Mac } from "../net/mac.ts";
import type { Ofport } from "../ovs/flow.ts";
import type { Address, Entry, Packet } from "./way.ts";

/** The port that a connection is begun from. */
const clientPort = 40_000;

/** Of a packet that comes in by the port, which is the entry's. */
export function packetText(entry: Entry, packet: Packet, port: Ofport): string {
  const { ethSrc, ethDst } = packet;
  return [
    protocolOf(packet),
    `in_port=${port}`,
    // A frame without a VLAN tag.
    "vlan_tci=0",
    ...(entry.by === "tunnel" ? tunnelFields(entry.vtep, packet.vni) : []),
    `dl_src=${formatMac(ethSrc)}`,
    `dl_dst=${formatMac(ethDst)}`,
    ...contentFields(packet),
  ].join(",");
}

const tunnelFields = (vtep: Address, vni: number): readonly string[] => [
  `tun_id=0x${vni.toString(16)}`,
  vtep.family === 4
    ? `tun_src=${formatIp4(vtep.address)}`
    : `tun_ipv6_src=${formatIp6(vtep.address)}`,
];

function protocolOf({ content, from }: Packet): string {
  const is4 = from.family === 4;
  switch (content.kind) {
    case "neighbour":
      return is4 ? "arp" : "icmp6";
    case "icmp":
      return is4 ? "icmp" : "icmp6";
    default:
      return is4 ? content.kind : `${content.kind}6`;
  }
}

function contentFields(packet: Packet): readonly string[] {
  const { content, from, to } = packet;
  if (content.kind === "neighbour") {
    return from.family === 4 ? arpFields(packet, from, to) : solicitationFields(packet, from, to);
  }
  const addresses =
    from.family === 4
      ? [`nw_src=${textOf(from)}`, `nw_dst=${textOf(to)}`]
      : [`ipv6_src=${textOf(from)}`, `ipv6_dst=${textOf(to)}`];
  return [...addresses, "nw_ttl=64", ...transportFields(content, from.family)];
}

function transportFields(
  content: Exclude<Packet["content"], { readonly kind: "neighbour" }>,
  family: Address["family"],
): readonly string[] {
  if (content.kind === "icmp") {
    // Echo request and reply (RFC 792, RFC 4443).
    return family === 4
      ? [`icmp_type=${content.answer ? 0 : 8}`, "icmp_code=0"]
      : [`icmpv6_type=${content.answer ? 129 : 128}`, "icmpv6_code=0"];
  }
  const { kind, port, answer } = content;
  const [src, dst] = answer ? [port, clientPort] : [clientPort, port];
  const flags = kind === "tcp" ? [`tcp_flags=${answer ? "0x012" : "0x002"}`] : [];
  return [`${kind}_src=${src}`, `${kind}_dst=${dst}`, ...flags];
}

const arpFields = ({ ethSrc }: Packet, from: Address, to: Address): readonly string[] => [
  "arp_op=1",
  `arp_spa=${textOf(from)}`,
  `arp_tpa=${textOf(to)}`,
  `arp_sha=${formatMac(ethSrc)}`,
  "arp_tha=00:00:00:00:00:00",
];

const solicitationFields = ({ ethSrc }: Packet, from: Address, to: Address): readonly string[] => [
  `ipv6_src=${textOf(from)}`,
  `ipv6_dst=${to.family === 6 ? formatIp6(askedOf(to.address)) : ""}`,
  "nw_ttl=255",
  "icmpv6_type=135",
  "icmpv6_code=0",
  `nd_target=${textOf(to)}`,
  `nd_sll=${formatMac(ethSrc)}`,
];

export const textOf = (one: Address): string =>
  one.family === 4 ? formatIp4(one.address) : formatIp6(one.address);

/** The group that is asked for an address: ff02::1:ff and its last 24 bits (RFC 4291, 2.7.1). */
export const askedOf = (address: Ip6): Ip6 =>
  ((0xff02n << 112n) | 0x1_ff00_0000n | (address & 0xff_ffffn)) as Ip6;

/** Where a request to a neighbour is sent: broadcast, or the Ethernet group of that (RFC 2464, 7). */
export const askedMac = (to: Address): Mac =>
  (to.family === 4
    ? 0xffff_ffff_ffff
    : 0x3333_0000_0000 + Number(askedOf(to.address) & 0xffff_ffffn)) as Mac;

/** The IPv4 address, or the one that an IPv6 address of a network ends in. */
export const ip4Of = (one: Address): Ip4 =>
  one.family === 4 ? one.address : (Number(one.address & 0xffff_ffffn) as Ip4);
