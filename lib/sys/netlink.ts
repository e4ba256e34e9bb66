/**
 * Netlink messages as data, and as bytes: pure.
 *
 * A message is a header, a fixed structure of its family, and attributes; an attribute holds bytes
 * or other attributes. Numbers are in the host's byte order, which is little-endian on every
 * machine this runs on; addresses, ports and a few fields of nftables are in network order.
 * Sources: netlink(7), linux/netlink.h.
 */
import { Failure } from "../errors.ts";
import { bytesOfText, textOfBytes } from "../text.ts";

export const NLM_F = {
  request: 0x1,
  ack: 0x4,
  /** Dumps only: the kernel's data changed under way. */
  dumpInterrupted: 0x10,
  replace: 0x100,
  /** For new things only; with `dump`, which has these bits in another sense, not used. */
  excl: 0x200,
  create: 0x400,
  append: 0x800,
  dump: 0x300,
} as const;

/** Flags of an answer of type NLMSG_ERROR. */
const answerFlags = { capped: 0x100, attributes: 0x200 } as const;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const NLA_F_NESTED = 0x8000;
const typeMask = 0x3fff;
const headerLength = 16;
const attributeHeaderLength = 4;
const NLMSGERR_ATTR_MSG = 1;

export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array | Nest;
}

/** What an attribute that holds others consists of. */
export interface Nest {
  /** Bytes before the attributes: VETH_INFO_PEER begins with a struct ifinfomsg. */
  readonly head?: Uint8Array;
  readonly attributes: readonly Attribute[];
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  /** The fixed structure after the header: struct ifinfomsg, rtmsg, nfgenmsg, ... */
  readonly head: Uint8Array;
  readonly attributes: readonly Attribute[];
}

/** A message as it came; `body` is all after the header. */
export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

export const bytes = (type: number, value: Uint8Array): Attribute => ({ type, value });

export const u8 = (type: number, value: number): Attribute => bytes(type, Uint8Array.of(value));

export const u32 = (type: number, value: number): Attribute =>
  bytes(type, new Uint8Array(Uint32Array.of(value).buffer));

/** NUL-terminated. */
export const text = (type: number, value: string): Attribute =>
  bytes(type, bytesOfText(`${value}\0`));

export const nest = (type: number, attributes: readonly Attribute[]): Attribute => ({
  type,
  value: { attributes },
});

/**
 * The messages one after the other, numbered from `sequence` on. In one pass, a length being set
 * when what it counts is written: asking each attribute first was worth the runtime's compiling it.
 */
export function encodeMessages(messages: readonly Message[], sequence: number): Uint8Array {
  let written = new Uint8Array(1024);
  let out = new DataView(written.buffer);
  let end = 0;
  /** Makes room for `length` bytes and gives where they begin. */
  const room = (length: number): number => {
    const start = end;
    end = align(start + length);
    if (end > written.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(written);
      written = larger;
      out = new DataView(written.buffer);
    }
    return start;
  };
  const putNest = ({ head, attributes }: Nest): void => {
    if (head !== undefined) {
      const start = room(head.length);
      written.set(head, start);
    }
    for (const { type, value } of attributes) {
      if (value instanceof Uint8Array) {
        // The padding after them does not count.
        const length = attributeHeaderLength + value.length;
        const start = room(length);
        out.setUint16(start, length, true);
        out.setUint16(start + 2, type, true);
        written.set(value, start + attributeHeaderLength);
      } else {
        const start = room(attributeHeaderLength);
        putNest(value);
        out.setUint16(start, end - start, true);
        out.setUint16(start + 2, type | NLA_F_NESTED, true);
      }
    }
  };
  let number = sequence;
  for (const message of messages) {
    const start = room(headerLength);
    putNest(message);
    out.setUint32(start, end - start, true);
    out.setUint16(start + 4, message.type, true);
    out.setUint16(start + 6, message.flags, true);
    out.setUint32(start + 8, number, true);
    number += 1;
  }
  return written.subarray(0, end);
}

const align = (length: number): number => (length + 3) & ~3;

/** The messages in one datagram. A length that can't be is where they end. */
export function decodeMessages(datagram: Uint8Array): readonly Received[] {
  const view = viewOf(datagram);
  const messages: Received[] = [];
  for (let at = 0; at + headerLength <= datagram.length; ) {
    const length = view.getUint32(at, true);
    if (length < headerLength || at + length > datagram.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: datagram.subarray(at + headerLength, at + length),
    });
    at += align(length);
  }
  return messages;
}

/**
 * The attributes after the first `skip` bytes, by type; of several of one type the last. `only`
 * these types, where few of many are wanted.
 */
export function decodeAttributes(
  body: Uint8Array,
  skip = 0,
  only?: readonly number[],
): ReadonlyMap<number, Uint8Array> {
  const view = viewOf(body);
  const found = new Map<number, Uint8Array>();
  for (let at = align(skip); at + 4 <= body.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > body.length) break;
    const type = view.getUint16(at + 2, true) & typeMask;
    if (only?.includes(type) !== false) found.set(type, body.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

/** What the kernel says to a request: 0 or an errno, and its own words if it has any. */
export interface Answer {
  /** Positive; 0 for success. */
  readonly errno: number;
  readonly text: string | undefined;
}

/** The body of NLMSG_ERROR: struct nlmsgerr, then attributes; of NLMSG_DONE the errno alone. */
export function decodeAnswer({ flags, body }: Received): Answer {
  const errno = 0 - headOf(body, 4).getInt32(0, true);
  if ((flags & answerFlags.attributes) === 0) return { errno, text: undefined };
  const capped = (flags & answerFlags.capped) !== 0;
  const request = capped ? headerLength : headOf(body, 8).getUint32(4, true);
  const message = decodeAttributes(body, 4 + request).get(NLMSGERR_ATTR_MSG);
  return { errno, text: message === undefined ? undefined : textOf(message) };
}

/** The structure that a message begins with. Throws Failure "decode" where it is not whole. */
export function headOf(body: Uint8Array, length: number): DataView {
  if (body.length >= length) return viewOf(body);
  throw new Failure("decode", `Cannot read the kernel's answer: it has ${body.length} bytes`);
}

export const viewOf = (value: Uint8Array): DataView =>
  new DataView(value.buffer, value.byteOffset, value.length);

/** A text up to its NUL. */
export function textOf(value: Uint8Array): string {
  const end = value.indexOf(0);
  return textOfBytes(end < 0 ? value : value.subarray(0, end));
}

/** The number in an attribute of 1, 2, 4 bytes; undefined for any other. */
export function numberOf(value: Uint8Array | undefined): number | undefined {
  if (value === undefined) return undefined;
  const view = viewOf(value);
  switch (value.length) {
    case 1:
      return view.getUint8(0);
    case 2:
      return view.getUint16(0, true);
    case 4:
      return view.getUint32(0, true);
    default:
      return undefined;
  }
}
