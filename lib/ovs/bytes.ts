/** Binary messages in network byte order: a writer that grows and a reader that knows its end. */
import { Failure } from "../errors.ts";

export interface Writer {
  /** How many bytes were written. */
  readonly size: () => number;
  /** An unsigned number of `width` bytes. */
  readonly uint: (value: number | bigint, width: number) => void;
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
  let size = 0;
  const grow = (more: number) => {
    if (size + more <= buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * buffer.length, size + more));
    larger.set(buffer);
    buffer = larger;
  };
  const self: Writer = {
    size: () => size,
    uint: (value, width) => {
      grow(width);
      let rest = value;
      for (let at = size + width - 1; at >= size; at -= 1) {
        if (typeof rest === "bigint") {
          buffer[at] = Number(rest & 0xffn);
          rest >>= 8n;
        } else {
          buffer[at] = rest % 256;
          rest = Math.floor(rest / 256);
        }
      }
      size += width;
    },
    zeros: (count) => {
      grow(count);
      size += count;
    },
    padFrom: (start) => self.zeros((8 - ((size - start) % 8)) % 8),
    setUint16: (at, value) => {
      buffer[at] = value >>> 8;
      buffer[at + 1] = value;
    },
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
  /** Everything that was not read yet. */
  readonly rest: () => Uint8Array;
}

/** Every read past the end throws Failure "decode", which names `what`. */
export function reader(bytes: Uint8Array, what: string): Reader {
  let at = 0;
  const next = (count: number): Uint8Array => {
    if (at + count > bytes.length)
      throw new Failure("decode", `Cannot decode ${what}: it ends too early`);
    at += count;
    return bytes.subarray(at - count, at);
  };
  return {
    left: () => bytes.length - at,
    uint: (width) => {
      let value = 0;
      for (const byte of next(width)) value = value * 256 + byte;
      return value;
    },
    bigUint: (width) => {
      let value = 0n;
      for (const byte of next(width)) value = (value << 8n) | BigInt(byte);
      return value;
    },
    skip: (count) => void next(count),
    part: (count) => reader(next(count), what),
    rest: () => next(bytes.length - at),
  };
}
