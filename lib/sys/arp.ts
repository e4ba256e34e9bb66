/** ARP over Ethernet, for IPv4: pure. Source: RFC 826. */
import { type Ip4, ip4Bytes, ip4OfBytes } from "../net/ip4.ts";
import { type Mac, macBytes } from "../net/mac.ts";
import type { ArpAnswer } from "./reach.ts";

export const ethArp = 0x0806;

const ethernetHeader = 14;
/** Bytes of the message itself. */
const length = 28;
const [request, reply] = [1, 2];

/** Hardware Ethernet, protocol IPv4, and the lengths of their addresses. */
const kinds = Uint8Array.of(0, 1, 8, 0, 6, 4);

/** A frame to all that asks who has `target`; it carries `size` bytes, but at least the message. */
export function encodeArpRequest(mac: Mac, as: Ip4, target: Ip4, size: number): Uint8Array {
  const frame = new Uint8Array(ethernetHeader + Math.max(size, length));
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set(macBytes(mac), 6);
  view.setUint16(12, ethArp);
  frame.set(kinds, 14);
  view.setUint16(20, request);
  frame.set(macBytes(mac), 22);
  frame.set(ip4Bytes(as), 28);
  frame.set(ip4Bytes(target), 38);
  return frame;
}

/** Undefined for what is no answer. */
export function decodeArpReply(frame: Uint8Array): ArpAnswer | undefined {
  if (frame.length < ethernetHeader + length) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const isReply = view.getUint16(12) === ethArp && view.getUint16(20) === reply;
  if (!isReply || kinds.some((byte, at) => frame[ethernetHeader + at] !== byte)) return undefined;
  return { by: ip4OfBytes(frame.subarray(28)), to: ip4OfBytes(frame.subarray(38)) };
}
