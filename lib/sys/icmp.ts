/**
 * ICMP's echo and errors, of both families: pure.
 *
 * Sources: RFC 792, RFC 1191 (section 4: the next hop's MTU), RFC 4443, RFC 1071 (checksum).
 */
import { ip4OfBytes } from "../net/ip4.ts";
import { ip6OfBytes } from "../net/ip6.ts";
import type { Neighbour } from "./kernel.ts";
import type { EchoNews } from "./reach.ts";

/** Numbers that differ between the families, and the bytes of an IP header without options. */
const families = {
  4: { request: 8, reply: 0, protocol: 1, header: 20 },
  6: { request: 128, reply: 129, protocol: 58, header: 40 },
} as const;
type Family = keyof typeof families;

const icmpHeader = 8;
const udp = 17;

/** The least that `encodeEcho` makes, bytes. */
const leastEcho = (family: Family): number => families[family].header + icmpHeader;

/** An echo request that makes an IP packet of `size` bytes; the IP header is the kernel's. */
export function encodeEcho(family: Family, id: number, number: number, size: number): Uint8Array {
  const length = Math.max(size, leastEcho(family)) - families[family].header;
  const message = new Uint8Array(length);
  const view = new DataView(message.buffer);
  view.setUint8(0, families[family].request);
  view.setUint16(4, id);
  view.setUint16(6, number);
  // That of IPv6 has addresses in it: the kernel makes it.
  if (family === 4) view.setUint16(2, checksum(view));
  return message;
}

/** What a message says of our requests; undefined where it is about others. */
export function decodeIcmp(family: Family, message: Uint8Array, id: number): EchoNews | undefined {
  if (message.length < icmpHeader) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const [type, code] = [view.getUint8(0), view.getUint8(1)];
  if (type === families[family].reply) {
    return view.getUint16(4) === id ? { what: "reply", number: view.getUint16(6) } : undefined;
  }
  const about = originalOf(family, message.subarray(icmpHeader));
  if (about === undefined) return undefined;
  switch (meaningOf(family, type, code)) {
    case "too big": {
      if (about.protocol !== families[family].protocol || about.second !== id) return undefined;
      const mtu = family === 4 ? view.getUint16(6) : view.getUint32(4);
      return { what: "too big", number: about.third, mtu: mtu === 0 ? undefined : mtu };
    }
    case "closed":
      return about.protocol === udp
        ? { what: "closed", to: about.to, port: about.first }
        : undefined;
    case "prohibited":
      return about.protocol === udp
        ? { what: "prohibited", to: about.to, port: about.first }
        : undefined;
    default:
      return undefined;
  }
}

function meaningOf(family: Family, type: number, code: number) {
  if (family === 6) {
    if (type === 2) return "too big";
    if (type !== 1) return undefined;
    return code === 4 ? "closed" : code === 1 ? "prohibited" : undefined;
  }
  if (type !== 3) return undefined;
  if (code === 4) return "too big";
  if (code === 3) return "closed";
  return [9, 10, 13].includes(code) ? "prohibited" : undefined;
}

interface Original {
  readonly to: Neighbour;
  readonly protocol: number;
  /** The second, third and fourth 16 bits of what the packet carried: of UDP, its port comes first. */
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

/** The packet that an error is about, as far as it is quoted. */
function originalOf(family: Family, packet: Uint8Array): Original | undefined {
  const header = family === 4 ? ((packet[0] ?? 0) & 15) * 4 : families[6].header;
  if (header < families[family].header || packet.length < header + icmpHeader) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const carried = [2, 4, 6].map((at) => view.getUint16(header + at));
  const [first = 0, second = 0, third = 0] = carried;
  const to: Neighbour =
    family === 4
      ? { family, address: ip4OfBytes(packet.subarray(16, 20)) }
      : { family, address: ip6OfBytes(packet.subarray(24, 40)) };
  return { to, protocol: packet[family === 4 ? 9 : 6] ?? 0, first, second, third };
}

/** Without the IP header that a raw socket of IPv4 gives before it (raw(7)). */
export const icmpOf = (family: Family, received: Uint8Array): Uint8Array =>
  family === 4 ? received.subarray(((received[0] ?? 0) & 15) * 4) : received;

function checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at + 1 < view.byteLength; at += 2) sum += view.getUint16(at);
  if (view.byteLength % 2 === 1) sum += view.getUint8(view.byteLength - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
