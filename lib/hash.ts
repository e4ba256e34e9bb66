/**
 * Short deterministic names: FNV-1a, 64 bits (RFC 9923), in the 32 letters of "base32hex" in
 * lower case (RFC 4648). For names only: whoever uses one checks what it finds under it.
 */

const prime = 0x100000001b3n;
const offset = 0xcbf29ce484222325n;

export function fnv1a64(text: string): bigint {
  let hash = offset;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime);
  }
  return hash;
}

/** 60 bits of the hash as 12 characters. */
export const shortName = (text: string): string =>
  (fnv1a64(text) >> 4n).toString(32).padStart(12, "0");
