/**
 * Binary messages in network byte order: a writer that grows and a reader that knows its end.
 *
 * Few loops and calls, here and in what an ADD runs of this folder: *measured*, the first use of
 * each of Array.from, filter, flatMap, an iterator over bytes and their like costs Bun 0.03 to
 * 0.15 ms, and a function that is busy enough to be compiled (some 30 calls) 0.2 to 0.5 ms.
 */
import { Failure } from "../errors.ts";

/** Bytes of a number: an address's, a MAC's, a counter's. */
export type Width = 1 | 2 | 4 | 6 | 8 | 16;

export interface Writer {
  /** How many bytes were written. */
  readonly size: () => number;
  /** An unsigned number of `width` bytes. */
  readonly uint: (value: number | bigint, width: Width) => void;
  readonly zeros: (count: number) => void;
  /** Zeros up to a multiple of 8 bytes from `start`. */
  readonly padFrom: (start: number) => void;
  /** Overwrites two bytes that were written already: a length that is known only now. */
  readonly setUint16: (at: number, value: number) => void;
  /** What was written. */
  readonly bytes: () => Uint8Array;
}

export function writer(): Writer {
  let buffer = new Uint8Array(1024);
  let view = new DataView(buffer.buffer);
  let size = 0;
  /** Makes room for `count` bytes and gives where they begin. */
  const room = (count: number): number => {
    const start = size;
    size += count;
    if (size <= buffer.length) return start;
    const larger = new Uint8Array(2 * size);
    larger.set(buffer);
    buffer = larger;
    view = new DataView(buffer.buffer);
    return start;
  };
  const self: Writer = {
    size: () => size,
    uint: (value, width) => {
      const at = room(width);
      if (width === 4) view.setUint32(at, Number(value));
      else if (width === 2) view.setUint16(at, Number(value));
      else if (width === 1) view.setUint8(at, Number(value));
      else if (width === 8) view.setBigUint64(at, BigInt(value));
      else if (width === 6) {
        const low = Number(value) % 2 ** 32;
        view.setUint16(at, (Number(value) - low) / 2 ** 32);
        view.setUint32(at + 2, low);
      } else {
        view.setBigUint64(at, BigInt(value) >> 64n);
        view.setBigUint64(at + 8, BigInt.asUintN(64, BigInt(value)));
      }
    },
    zeros: (count) => void room(count),
    padFrom: (start) => void room((8 - ((size - start) % 8)) % 8),
    setUint16: (at, value) => view.setUint16(at, value),
    bytes: () => buffer.subarray(0, size),
  };
  return self;
}

export interface Reader {
  /** Bytes that were not read yet. */
  readonly left: () => number;
  /** An unsigned number of at most 6 bytes. */
  readonly uint: (width: number) => number;
  readonly bigUint: (width: number) => bigint;
  readonly skip: (count: number) => void;
  /** A reader of the next `count` bytes alone. */
  readonly part: (count: number) => Reader;
  /** The same without a reader of its own, of which thousands would fill memory. */
  readonly within: <T>(count: number, read: () => T) => T;
  /** Everything that was not read yet. */
  readonly rest: () => Uint8Array;
}

/** Every read past the end throws Failure "decode", which names `what`. */
export function reader(bytes: Uint8Array, what: string): Reader {
  let at = 0;
  let end = bytes.length;
  /** Moves on, and gives where the `count` bytes begin. */
  const next = (count: number): number => {
    if (at + count > end) throw new Failure("decode", `Cannot decode ${what}: it ends too early`);
    at += count;
    return at - count;
  };
  const uint = (width: number): number => {
    const start = next(width);
    let value = 0;
    for (let index = start; index < at; index += 1) value = value * 256 + (bytes[index] ?? 0);
    return value;
  };
  return {
    left: () => end - at,
    uint,
    bigUint: (width) => {
      let value = 0n;
      // In parts that a number can hold: a bigint for each byte is slow for thousands of flows.
      for (let left = width; left > 0; left -= 4) {
        const part = Math.min(left, 4);
        value = (value << BigInt(8 * part)) | BigInt(uint(part));
      }
      return value;
    },
    skip: (count) => void next(count),
    part: (count) => reader(bytes.subarray(next(count), at), what),
    within: (count, read) => {
      const outer = end;
      end = next(count) + count;
      at = end - count;
      const found = read();
      at = end;
      end = outer;
      return found;
    },
    rest: () => bytes.subarray(next(end - at), end),
  };
}
