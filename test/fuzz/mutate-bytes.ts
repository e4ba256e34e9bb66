/** Bytes, broken: flipped, cut out, cut off, doubled, put in, or with other lengths in them. */
import type { Random } from "../lib/random.ts";

/** Numbers that have broken parsers, of 8, 16 and 32 bits. */
const odd = [0, 1, 4, 7, 8, 0x7f, 0x80, 0xff, 0xfffc, 0xffff, 0x7fffffff, 0xffffffff];

export function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  let result = bytes;
  for (let times = 1 + random.below(3); times > 0; times -= 1) result = damagedOnce(result, random);
  return result;
}

function damagedOnce(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const length = random.below(20);
  const [before, cut, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, at + length),
    bytes.subarray(at + length),
  ];
  switch (random.below(7)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return before;
    case 2:
      return Buffer.concat([before, cut, cut, after]);
    case 3:
      return Buffer.concat([before, cut.map(() => random.below(256)), cut, after]);
    case 4:
    case 5:
      return withNumber(bytes, random);
    default:
      return Buffer.concat([before, cut.map((byte) => byte ^ (1 << random.below(8))), after]);
  }
}

/** Where a length may stand, another number stands. */
function withNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = new Uint8Array(bytes);
  const width = random.one([1, 2, 4] as const);
  if (copy.length < width) return copy;
  const at = random.below(copy.length - width + 1);
  const view = new DataView(copy.buffer);
  const little = random.below(2) === 0;
  const value = random.one(odd);
  if (width === 1) view.setUint8(at, value & 0xff);
  else if (width === 2) view.setUint16(at, value & 0xffff, little);
  else view.setUint32(at, value, little);
  return copy;
}

/** A text whose bytes are damaged; what is not UTF-8 any more becomes U+FFFD. */
export const damagedText = (text: string, random: Random): string =>
  Buffer.from(damaged(Buffer.from(text), random)).toString();

/** The bytes in a few reads. */
export function inReads(bytes: Uint8Array, random: Random): readonly Uint8Array[] {
  const reads: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(2 * bytes.length);
    reads.push(bytes.subarray(at, end));
    at = end;
  }
  return reads;
}
