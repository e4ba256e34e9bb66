/**
 * nftables' messages, and batches of them: pure. See nft.ts for what they are for.
 *
 * Headers are in the machine's byte order, numbers in attributes in the network's.
 * Sources: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.
 */
import {
  type Attribute,
  bytes,
  decodeAnswer,
  decodeAttributes,
  decodeMessages,
  encodeMessages,
  type Message,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
  viewOf,
} from "./netlink.ts";

export const family = { any: 0, inet: 1, ip: 2, arp: 3, ip6: 10 } as const;

const subsystem = 10;
const operation = (number: number) => (subsystem << 8) | number;

/** NFT_MSG_*, with their subsystem. */
export const operations = {
  newTable: operation(0),
  getTable: operation(1),
  deleteTable: operation(2),
  newChain: operation(3),
  getChain: operation(4),
  newRule: operation(6),
  getRule: operation(7),
  newSet: operation(9),
  getSet: operation(10),
  newElements: operation(12),
  getElements: operation(13),
  deleteElements: operation(14),
  getGeneration: operation(16),
} as const;

export type Operation = keyof typeof operations;

const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_BATCH_GENID = 1;

/** A number, of 32 bits. */
export function be32(type: number, value: number): Attribute {
  const view = new DataView(new ArrayBuffer(4));
  view.setInt32(0, value | 0);
  return bytes(type, new Uint8Array(view.buffer));
}

/** A message about something in a table of that family; `flags` beside NLM_F.request. */
export const messageOf = (
  operation: Operation,
  family: number,
  attributes: readonly Attribute[],
  flags = 0,
): Message => ({
  type: operations[operation],
  flags: NLM_F.request | flags,
  head: generalHead(family, 0),
  attributes,
});

/** struct nfgenmsg. */
const generalHead = (family: number, resource: number): Uint8Array =>
  Uint8Array.of(family, 0, resource >> 8, resource);

/**
 * Changes that happen all or not at all, and only while the ruleset is of that generation
 * (ERESTART otherwise). The beginning has the number `sequence`, the changes follow; the last of
 * them is answered in any case, each other one only when it is refused.
 */
export function encodeBatch(
  changes: readonly Message[],
  generation: number,
  sequence: number,
): Uint8Array {
  const edge = { flags: NLM_F.request, head: generalHead(family.any, subsystem) };
  const attributes = [be32(NFNL_BATCH_GENID, generation)];
  const answered = changes.map((change, index) =>
    index === changes.length - 1 ? { ...change, flags: change.flags | NLM_F.ack } : change,
  );
  const begin = { ...edge, type: NFNL_MSG_BATCH_BEGIN, attributes };
  const end = { ...edge, type: NFNL_MSG_BATCH_END, attributes: [] };
  return encodeMessages([begin, ...answered, end], sequence);
}

export interface Reply {
  readonly sequence: number;
  /** 0, or the positive errno of a refusal. */
  readonly refused: number;
  /** After the last of many answers. */
  readonly done: boolean;
  readonly family: number;
  readonly attributes: Attributes;
}

export type Attributes = ReadonlyMap<number, Uint8Array>;

const none: Attributes = new Map();
const headLength = 4;

/** What one datagram from the kernel says. */
export const decodeReplies = (datagram: Uint8Array): readonly Reply[] =>
  decodeMessages(datagram).map((received) => {
    const { type, sequence, body } = received;
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      const refused = body.length < 4 ? 0 : decodeAnswer(received).errno;
      return { sequence, refused, done: type === NLMSG_DONE, family: 0, attributes: none };
    }
    const attributes = decodeAttributes(body, headLength);
    return { sequence, refused: 0, done: false, family: body[0] ?? 0, attributes };
  });

/** The attributes in a list, which are all of one type. */
export function decodeList(list: Uint8Array): readonly Uint8Array[] {
  const view = viewOf(list);
  const found: Uint8Array[] = [];
  for (let at = 0; at + 4 <= list.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > list.length) break;
    found.push(list.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** The number in an attribute of 32 bits. */
export const numberOf = (value: Uint8Array | undefined): number | undefined =>
  value?.length === 4 ? viewOf(value).getUint32(0) : undefined;
