/**
 * Short deterministic names: FNV-1a, 64 bits (RFC 9923). For names and numbers only: whoever uses
 * one checks what is found under it.
 */
import { bytesOfText } from "./text.ts";

/** The hash as two numbers of 32 bits; not a bigint, whose arithmetic costs an ADD 0.2 ms. */
export interface Hash {
  readonly high: number;
  readonly low: number;
}

const offset = { high: 0xcbf29ce4, low: 0x84222325 } as const;
/** The prime is 2^40 + 0x1b3. */
const primeLow = 0x1b3;

export function fnv1a64(text: string): Hash {
  let { high, low }: { high: number; low: number } = offset;
  const bytes = bytesOfText(text);
  // By index: an iterator over bytes is slow, and soon worth the runtime's compiling it.
  for (let at = 0; at < bytes.length; at += 1) {
    low = (low ^ (bytes[at] ?? 0)) >>> 0;
    const product = low * primeLow;
    const carry = Math.floor(product / 2 ** 32);
    // low << 40 is low << 8 in the upper half.
    high = (Math.imul(high, primeLow) + carry + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return { high, low };
}

/** 63 bits of the hash: what a file can be locked at (lib/dir.ts). */
export function lockNumberOf(text: string): bigint {
  const { high, low } = fnv1a64(text);
  return (BigInt(high >>> 1) << 32n) | BigInt(low);
}

const letters = "0123456789abcdefghijklmnopqrstuv";

/** 60 bits of the hash as 12 characters of "base32hex" in lower case (RFC 4648). */
export function shortName(text: string): string {
  const { high, low } = fnv1a64(text);
  let name = "";
  for (const half of [high, low]) {
    for (let shift = 25; shift >= 0; shift -= 5) name += letters[(half >>> shift) & 31];
  }
  return name;
}
