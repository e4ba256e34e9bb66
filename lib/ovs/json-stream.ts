/**
 * Splits a byte stream into JSON objects. JSON-RPC over a stream has no framing of its own
 * (RFC 7047, section 4): an object ends where its braces balance.
 */

import { Failure, reasonOf } from "../errors.ts";
import { isObject } from "../json.ts";
import { concatBytes } from "../text.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export interface JsonSplitter {
  /**
   * The objects that these bytes complete, in order. Keeps the bytes until they are read: they
   * must not change afterwards. Throws Failure "decode"; the stream is unusable from then on.
   */
  readonly push: (bytes: Uint8Array) => readonly JsonObject[];
}

const quote = 0x22;
const backslash = 0x5c;
const opening = 0x7b;
const closing = 0x7d;
const blanks: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

/** A splitter that holds at most `limit` bytes of an object that is not complete. */
export function jsonSplitter(limit = 64 * 1024 * 1024): JsonSplitter {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let depth = 0;
  let inText = false;
  let escaped = false;

  const complete = (last: Uint8Array): JsonObject => {
    const whole = held.length === 0 ? last : concatBytes([...held, last]);
    held = [];
    heldBytes = 0;
    return parseObject(whole);
  };
  return {
    push: (bytes) => {
      const objects: JsonObject[] = [];
      let start = 0;
      // All that matters here is ASCII, and no byte of a longer UTF-8 character is: characters
      // split over two reads need no care.
      for (let at = 0; at < bytes.length; at += 1) {
        const byte = bytes[at] ?? 0;
        if (inText) {
          if (escaped) escaped = false;
          else if (byte === backslash) escaped = true;
          else if (byte === quote) inText = false;
        } else if (byte === opening) {
          if (depth === 0) start = at;
          depth += 1;
        } else if (depth === 0) {
          if (!blanks.includes(byte)) throw undecodable(`byte ${byte} stands between two objects`);
        } else if (byte === quote) {
          inText = true;
        } else if (byte === closing) {
          depth -= 1;
          if (depth === 0) objects.push(complete(bytes.subarray(start, at + 1)));
        }
      }
      if (depth > 0) {
        held.push(bytes.subarray(start));
        heldBytes += bytes.length - start;
        if (heldBytes > limit) throw undecodable(`an object is longer than ${limit} bytes`);
      }
      return objects;
    },
  };
}

function parseObject(bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw undecodable(reasonOf(error), error);
  }
  if (!isObject(value)) throw undecodable("it is not an object");
  return value;
}

const undecodable = (state: string, cause?: unknown) =>
  new Failure("decode", `Cannot decode a JSON-RPC message: ${state}`, { cause });
