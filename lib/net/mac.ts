/**
 * MACs, and the rule that ties them to addresses: `02:42:` and the four IPv4 bytes, so that a MAC
 * prefix *is* an address prefix. IPv6 addresses end in the IPv4 address, so the rule serves both.
 */
import type { Ip4 } from "./ip4.ts";
import type { Ip6 } from "./ip6.ts";
import type { Prefix4, Prefix6 } from "./prefix.ts";

/** A MAC as an unsigned number of 48 bits. */
export type Mac = number & { readonly __brand: "Mac" };

/** What every computed MAC begins with: 02:42, locally administered, as Docker's. */
export const computedMacs = { mac: 0x0242_0000_0000 as Mac, mask: 0xffff_0000_0000 as Mac };

export const macOfIp4 = (address: Ip4): Mac => (computedMacs.mac + address) as Mac;

/** The address that a computed MAC is of; undefined for any other MAC. */
export const ip4OfMac = (mac: Mac): Ip4 | undefined =>
  mac - (mac % 2 ** 32) === computedMacs.mac ? ((mac % 2 ** 32) as Ip4) : undefined;

/** Whether the MAC is of a group of interfaces: no frame may come from it (IEEE 802, 8.2). */
export const isGroup = (mac: Mac): boolean => Math.floor(mac / 2 ** 40) % 2 === 1;

/** The MACs of a prefix's addresses: 10.2.0.64/26 is 02:42:0a:02:00:40/ff:ff:ff:ff:ff:c0. */
export const macsOfPrefix4 = (prefix: Prefix4): { mac: Mac; mask: Mac } => ({
  mac: macOfIp4(prefix.base),
  mask: (0xffff_ffff_ffff - (2 ** (32 - prefix.length) - 1)) as Mac,
});

/** The address of `prefix` that ends in the IPv4 address: fd00:2::/64 and 10.2.0.65 is fd00:2::a02:41. */
export const ip6Of = (prefix: Prefix6, address: Ip4): Ip6 => (prefix.base | BigInt(address)) as Ip6;

/** fe80::/64: link-local addresses follow the same rule, so that the same flows resolve them. */
export const linkLocal: Prefix6 = { base: (0xfe80n << 112n) as Ip6, length: 64 };

/** Six pairs of hexadecimal digits, parted by colons. */
export function parseMac(text: string): Mac | undefined {
  const mac = Number.parseInt(text.split(":").join(""), 16) as Mac;
  return mac >= 0 && formatMac(mac) === text.toLowerCase() ? mac : undefined;
}

export function formatMac(mac: Mac): string {
  const digits = mac.toString(16).padStart(12, "0");
  let text = digits.slice(0, 2);
  for (let at = 2; at < 12; at += 2) text += `:${digits.slice(at, at + 2)}`;
  return text;
}

export function macBytes(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(mac / 2 ** 32));
  view.setUint32(2, mac % 2 ** 32);
  return bytes;
}

export function macOfBytes(bytes: Uint8Array): Mac {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return (view.getUint16(0) * 2 ** 32 + view.getUint32(2)) as Mac;
}
