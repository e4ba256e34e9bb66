/** Prefixes of both families. See ip4.ts for the folder's note. */
import { formatIp4, type Ip4, parseIp4 } from "./ip4.ts";
import { formatIp6, type Ip6, parseIp6 } from "./ip6.ts";

/** An IPv4 prefix; `base` has no bit set past `length`. */
export interface Prefix4 {
  readonly base: Ip4;
  readonly length: number;
}

/** An IPv6 prefix; `base` has no bit set past `length`. */
export interface Prefix6 {
  readonly base: Ip6;
  readonly length: number;
}

/** An address of an interface, with the length of the prefix that is on-link. */
export interface Cidr4 {
  readonly address: Ip4;
  readonly length: number;
}

export interface Cidr6 {
  readonly address: Ip6;
  readonly length: number;
}

/** What stands before and after the slash; the length is NaN where that is no plain number. */
function parted(text: string): { readonly address: string; readonly length: number } {
  const slash = text.indexOf("/");
  const digits = text.slice(slash + 1);
  const length = Number(digits) & 255;
  return { address: text.slice(0, slash), length: `${length}` === digits ? length : Number.NaN };
}

/** `a.b.c.d/n`, any address of the prefix. */
export function parseCidr4(text: string): Cidr4 | undefined {
  const found = parted(text);
  const address = parseIp4(found.address);
  return address !== undefined && found.length <= 32 ? { ...found, address } : undefined;
}

/** `a.b.c.d/n` without host bits: 10.2.0.1/16 is not a prefix. */
export function parsePrefix4(text: string): Prefix4 | undefined {
  const cidr = parseCidr4(text);
  if (cidr === undefined) return undefined;
  const prefix = prefix4Of(cidr.address, cidr.length);
  return prefix.base === cidr.address ? prefix : undefined;
}

/** The prefix that was meant by one with host bits, for messages: 10.2.0.0/16 by 10.2.0.1/16. */
export function meantPrefix4(text: string): string | undefined {
  const cidr = parseCidr4(text);
  return cidr && formatPrefix4(prefix4Of(cidr.address, cidr.length));
}

/** An IPv6 address and a length, any address of the prefix. */
export function parseCidr6(text: string): Cidr6 | undefined {
  const found = parted(text);
  const address = parseIp6(found.address);
  return address !== undefined && found.length <= 128 ? { ...found, address } : undefined;
}

/** An IPv6 prefix without host bits. */
export function parsePrefix6(text: string): Prefix6 | undefined {
  const cidr = parseCidr6(text);
  if (cidr === undefined) return undefined;
  const prefix = prefix6Of(cidr.address, cidr.length);
  return prefix.base === cidr.address ? prefix : undefined;
}

export function prefix4Of(address: Ip4, length: number): Prefix4 {
  return { base: ((address & mask4(length)) >>> 0) as Ip4, length };
}

export function prefix6Of(address: Ip6, length: number): Prefix6 {
  const host = BigInt(128 - length);
  return { base: ((address >> host) << host) as Ip6, length };
}

export const formatPrefix4 = (prefix: Prefix4): string =>
  `${formatIp4(prefix.base)}/${prefix.length}`;

export const formatPrefix6 = (prefix: Prefix6): string =>
  `${formatIp6(prefix.base)}/${prefix.length}`;

/** The netmask as an unsigned number: 255.255.0.0 for 16. */
export function mask4(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** How many addresses it has, network and broadcast included. */
export const size4 = (prefix: Prefix4): number => 2 ** (32 - prefix.length);

/** Its last address: the broadcast address of a subnet. */
export const last4 = (prefix: Prefix4): Ip4 => (prefix.base + size4(prefix) - 1) as Ip4;

export const contains4 = (prefix: Prefix4, address: Ip4): boolean =>
  (address & mask4(prefix.length)) >>> 0 === prefix.base;

/** True if `inner` lies wholly inside `outer`; a prefix lies inside itself. */
export const covers4 = (outer: Prefix4, inner: Prefix4): boolean =>
  outer.length <= inner.length && contains4(outer, inner.base);

export const overlaps4 = (a: Prefix4, b: Prefix4): boolean => covers4(a, b) || covers4(b, a);

export const overlaps6 = (a: Prefix6, b: Prefix6): boolean => {
  const host = BigInt(128 - Math.min(a.length, b.length));
  return a.base >> host === b.base >> host;
};
