/** Splits a byte stream into OpenFlow messages by their headers (ONF TS-025, 7.1.1). */
import { Failure } from "../errors.ts";

export interface MessageSplitter {
  /**
   * The messages that these bytes complete, each with its header, in order. They may share memory
   * with the bytes. Throws Failure "decode"; the stream is unusable from then on.
   */
  readonly push: (bytes: Uint8Array) => readonly Uint8Array[];
}

const headerSize = 8;

export function messageSplitter(): MessageSplitter {
  // At most one message that is not complete, and a message has at most 65,535 bytes.
  let held = new Uint8Array();
  return {
    push: (bytes) => {
      const messages: Uint8Array[] = [];
      let rest = held.length === 0 ? bytes : joined(held, bytes);
      while (rest.length >= headerSize) {
        const length = (rest[2] ?? 0) * 256 + (rest[3] ?? 0);
        if (length < headerSize)
          throw new Failure(
            "decode",
            `Cannot decode an OpenFlow message: a length of ${length} bytes is less than its header`,
          );
        if (rest.length < length) break;
        messages.push(rest.subarray(0, length));
        rest = rest.subarray(length);
      }
      held = rest.slice();
      return messages;
    },
  };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
