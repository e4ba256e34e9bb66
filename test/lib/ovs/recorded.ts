/** A stream whose peer says what was recorded, in the reads it is given in. */
import type { Deadline } from "../../../lib/deadline.ts";
import { Failure } from "../../../lib/errors.ts";
import type { ByteStream } from "../../../lib/stream.ts";

export interface Recorded extends ByteStream {
  /** What was sent so far, one entry a send. */
  readonly sent: readonly Uint8Array[];
  readonly closed: () => boolean;
}

/** "late" is a read that meets the deadline; after the last read the peer has closed. */
export function recorded(
  reads: readonly (Uint8Array | "late")[],
  peer = "/run/openvswitch/sp0.mgmt",
): Recorded {
  const left = [...reads];
  const sent: Uint8Array[] = [];
  let closed = false;
  return {
    peer,
    sent,
    closed: () => closed,
    send: (bytes) => void sent.push(bytes.slice()),
    receive: () => {
      const read = left.shift();
      if (read === "late") throw new Failure("try-again", `Cannot read ${peer}: the time is over`);
      return read;
    },
    close: () => {
      closed = true;
    },
  };
}

export const noHurry: Deadline = { left: () => 30_000 };

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.replaceAll(/\s/g, "").match(/../g) ?? [], (byte) =>
    Number.parseInt(byte, 16),
  );

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The stream in two reads, split at every point, and byte by byte. */
export function* splits(bytes: Uint8Array): Generator<readonly Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at += 1) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** Each byte in turn replaced by others, and the bytes cut off at each point. */
export function* mutations(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1) {
    yield bytes.slice(0, at);
    const old = bytes[at] ?? 0;
    for (const byte of [0, 0xff, old ^ 1, old ^ 0x80, 0x22, 0x5c, 0x7b, 0x7d]) {
      if (byte === old) continue;
      const mutated = bytes.slice();
      mutated[at] = byte;
      yield mutated;
    }
  }
}

/** What the act throws, which must be a Failure; undefined if it throws nothing. */
export function failureOf(act: () => unknown): Failure | undefined {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  return undefined;
}
