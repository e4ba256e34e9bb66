/** Ethernet frames, bit by bit, as an honest or a hostile container sends them. */
import { parseIp4 } from "../../lib/net/ip4.ts";
import { parseIp6 } from "../../lib/net/ip6.ts";
import { start } from "./run.ts";

const sender = new URL("send-frames.ts", import.meta.url).pathname;

/** Puts frames on a link, in their order, as they are. */
export async function sendFrames(
  netns: string,
  link: string,
  frames: readonly Uint8Array[],
): Promise<void> {
  const stdin = frames.map((frame) => Buffer.from(frame).toString("hex")).join("\n");
  const argv = [process.execPath, "--disable-warning=ExperimentalWarning", sender, link];
  const { status, stderr } = await start({ netns, argv, stdin }).outcome;
  if (status !== 0) throw new Error(`Cannot send frames: ${stderr}`);
}

const u8 = (value: number) => Buffer.from([value]);
const u16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const macBytes = (mac: string) => Buffer.from(mac.replaceAll(":", ""), "hex");

function ip4Bytes(address: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(parseIp4(address) ?? 0);
  return bytes;
}

const ip6Bytes = (address: string) =>
  Buffer.from((parseIp6(address) ?? 0n).toString(16).padStart(32, "0"), "hex");

/** To whom and from whom, as the frame's head says. */
export interface Head {
  readonly to: string;
  readonly from: string;
}

export const etherType = { ip: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;

export const ethernet = ({ to, from }: Head, type: number, payload: Uint8Array): Uint8Array =>
  Buffer.concat([macBytes(to), macBytes(from), u16(type), payload]);

/** The frame with an 802.1Q tag; VID 0 is a mere priority. */
export const tagged = (frame: Uint8Array, vid: number): Uint8Array =>
  Buffer.concat([frame.subarray(0, 12), u16(etherType.vlan), u16(vid), frame.subarray(12)]);

/** ARP (RFC 826). `sha` and `spa`: who says so; `tpa`: who is asked, or told. */
export function arp(
  head: Head,
  op: "request" | "reply",
  claim: { readonly sha: string; readonly spa: string; readonly tpa: string },
): Uint8Array {
  const payload = [
    ...[u16(1), u16(etherType.ip), u8(6), u8(4), u16(op === "request" ? 1 : 2)],
    ...[macBytes(claim.sha), ip4Bytes(claim.spa)],
    ...[op === "request" ? Buffer.alloc(6) : macBytes(head.to), ip4Bytes(claim.tpa)],
  ];
  return ethernet(head, etherType.arp, Buffer.concat(payload));
}

/** An ICMP echo reply that nobody has asked for: it is passed over in silence. */
export function reply4(head: Head, source: string, destination: string): Uint8Array {
  const message = Buffer.concat([u8(0), u8(0), u16(0), u16(1), u16(1)]);
  message.writeUInt16BE(checksum(message), 2);
  return ethernet(head, etherType.ip, ip4({ source, destination, protocol: 1 }, message));
}

/** Addresses and ports. */
interface Datagram {
  readonly source: string;
  readonly destination: string;
  readonly from: number;
  readonly to: number;
}

/** A datagram without a checksum, which IPv4 allows (RFC 768). */
export function udp4(head: Head, way: Datagram, payload: Uint8Array): Uint8Array {
  const datagram = [u16(way.from), u16(way.to), u16(8 + payload.length), u16(0), payload];
  return ethernet(head, etherType.ip, ip4({ ...way, protocol: 17 }, Buffer.concat(datagram)));
}

function ip4(
  way: { readonly source: string; readonly destination: string; readonly protocol: number },
  payload: Uint8Array,
): Uint8Array {
  const header = Buffer.concat([
    ...[
      u8(0x45),
      u8(0),
      u16(20 + payload.length),
      u16(0),
      u16(0),
      u8(64),
      u8(way.protocol),
      u16(0),
    ],
    ...[ip4Bytes(way.source), ip4Bytes(way.destination)],
  ]);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

const icmp6 = 58;
const udp = 17;

function ip6(
  head: Head,
  addresses: { readonly source: string; readonly destination: string },
  payload: Uint8Array,
  protocol: number = icmp6,
): Uint8Array {
  const { source, destination } = addresses;
  // The hop limit that neighbour discovery demands (RFC 4861, section 7.1).
  const fixed = [u8(0x60), Buffer.alloc(3), u16(payload.length), u8(protocol), u8(255)];
  const header = Buffer.concat([...fixed, ip6Bytes(source), ip6Bytes(destination)]);
  return ethernet(head, etherType.ipv6, Buffer.concat([header, payload]));
}

/** A datagram over IPv6, which wants a checksum (RFC 8200, section 8.1). */
export function udp6(head: Head, way: Datagram, payload: Uint8Array): Uint8Array {
  const { source, destination } = way;
  const parts = [u16(way.from), u16(way.to), u16(8 + payload.length), u16(0), payload];
  const datagram = Buffer.concat(parts);
  datagram.writeUInt16BE(checksum(pseudo(source, destination, datagram, udp)), 6);
  return ip6(head, way, datagram, udp);
}

/** An ICMPv6 echo reply that nobody has asked for. */
export function reply6(head: Head, source: string, destination: string): Uint8Array {
  const message = Buffer.concat([u8(129), u8(0), u16(0), u16(1), u16(1)]);
  message.writeUInt16BE(checksum(pseudo(source, destination, message)), 2);
  return ip6(head, { source, destination }, message);
}

export const icmp6Type = {
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const;

/** An ICMPv6 message of neighbour discovery (RFC 4861), with a link-layer address option or not. */
export function nd(
  head: Head,
  kind: keyof typeof icmp6Type,
  about: {
    readonly source: string;
    readonly destination: string;
    readonly target: string;
    readonly option?: string;
  },
): Uint8Array {
  const { source, destination, target, option } = about;
  const fromTarget = kind === "neighbourAdvertisement" || kind === "redirect";
  const body =
    kind === "routerAdvertisement"
      ? // Hop limit, flags, router lifetime 1800 s, reachable and retransmission times.
        Buffer.concat([u8(64), u8(0), u16(1800), Buffer.alloc(8)])
      : Buffer.concat([
          // Solicited, and override.
          u8(kind === "neighbourAdvertisement" ? 0x60 : 0),
          Buffer.alloc(3),
          ip6Bytes(target),
          ...(kind === "redirect" ? [ip6Bytes(destination)] : []),
        ]);
  const options = option === undefined ? [] : [u8(fromTarget ? 2 : 1), u8(1), macBytes(option)];
  const message = Buffer.concat([u8(icmp6Type[kind]), u8(0), u16(0), body, ...options]);
  message.writeUInt16BE(checksum(pseudo(source, destination, message)), 2);
  return ip6(head, { source, destination }, message);
}

const pseudo = (
  source: string,
  destination: string,
  payload: Uint8Array,
  protocol: number = icmp6,
) =>
  Buffer.concat([
    ...[ip6Bytes(source), ip6Bytes(destination)],
    ...[u16(0), u16(payload.length), u16(0), u16(protocol), payload],
  ]);

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
