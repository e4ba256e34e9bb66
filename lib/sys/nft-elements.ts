/**
 * The elements of our sets: pure.
 *
 * The kernel keeps an interval as two elements, its first key and, marked as an end, the one after
 * its last; one that reaches the last key of all has no end.
 */
import { hexOfIp4 } from "../net/ip4.ts";
import { ip6Of } from "../net/mac.ts";
import { last4, type Prefix4, type Prefix6 } from "../net/prefix.ts";
import {
  type Attribute,
  bytes,
  decodeAttributes,
  type Message,
  NLM_F,
  nest,
  text,
} from "./netlink.ts";
import type { FilterNetwork } from "./nft.ts";
import { nfta } from "./nft-attributes.ts";
import {
  type Attributes,
  be32,
  decodeList,
  family,
  messageOf,
  numberOf,
  type Operation,
} from "./nft-message.ts";
import { type SetName, sets } from "./nft-ruleset.ts";
import { tableName } from "./nft-version.ts";

/**
 * Both ends included, as hex digits, which compare as the keys do. In a set without intervals both
 * are the same.
 */
export interface Span {
  readonly first: string;
  readonly last: string;
}

/** What is in each set. */
export type Elements = Readonly<Record<SetName, readonly Span[]>>;

export const setNames = Object.keys(sets) as readonly SetName[];

/** A value for each of them. */
export const mapSets = <T>(of: (name: SetName) => T): Readonly<Record<SetName, T>> =>
  Object.fromEntries(setNames.map((name) => [name, of(name)])) as Record<SetName, T>;

/** What a network puts into the sets, and what is its own there, whether it is in or not. */
export interface Share {
  readonly puts: Elements;
  readonly owns: Elements;
}

/** IFNAMSIZ, the NUL included. */
const nameLength = 16;

export function shareOf(network: FilterNetwork): Share {
  const { link, subnet, subnet6, local, masquerade } = network;
  const from = keyOfLink(link);
  const allowed = [link, ...network.allowed].map((to): Span => {
    const key = from + keyOfLink(to);
    return { first: key, last: key };
  });
  // Whatever it may send to by now.
  const sendsTo = [
    { first: from.padEnd(4 * nameLength, "0"), last: from.padEnd(4 * nameLength, "f") },
  ];
  const all4 = [spanOf4(subnet)];
  const all6 = subnet6 === undefined ? [] : [spanOf6(subnet6)];
  const all = { subnets4: all4, subnets6: all6 };
  return {
    owns: { ...all, plain4: all4, plain6: all6, local4: all4, local6: all6, allowed: sendsTo },
    puts: {
      ...all,
      plain4: masquerade ? [] : all4,
      plain6: masquerade ? [] : all6,
      local4: local.map(spanOf4),
      local6: subnet6 === undefined ? [] : local.map((prefix) => spanOf6(within(subnet6, prefix))),
      allowed,
    },
  };
}

function keyOfLink(link: string): string {
  const name = Buffer.from(link);
  if (name.length >= nameLength) throw new Error(`"${link}" is too long for the name of a link`);
  return name.toString("hex").padEnd(2 * nameLength, "0");
}

const spanOf4 = (prefix: Prefix4): Span => ({
  first: hexOfIp4(prefix.base),
  last: hexOfIp4(last4(prefix)),
});

/** The IPv6 addresses that end in those of an IPv4 prefix. */
const within = (subnet6: Prefix6, { base, length }: Prefix4): Prefix6 => ({
  base: ip6Of(subnet6, base),
  length: 96 + length,
});

const spanOf6 = ({ base, length }: Prefix6): Span => ({
  first: hexOf(base, 16),
  last: hexOf(base | ((1n << BigInt(128 - length)) - 1n), 16),
});

export const overlaps = (a: Span, b: Span): boolean => a.first <= b.last && b.first <= a.last;

export const sameSpan = (a: Span, b: Span): boolean => a.first === b.first && a.last === b.last;

// A batch is one packet of at most some hundred kilobytes, an attribute at most 64 KiB.
const spansInMessage = 200;

/** Messages that add elements to a set, or delete them. */
export function changeElements(
  operation: "newElements" | "deleteElements",
  name: SetName,
  spans: readonly Span[],
): readonly Message[] {
  const flags = operation === "newElements" ? NLM_F.create : 0;
  const messages: Message[] = [];
  for (let at = 0; at < spans.length; at += spansInMessage) {
    const edges = spans.slice(at, at + spansInMessage).flatMap((span) => edgesOf(name, span));
    messages.push(elementMessage(operation, name, flags, edges));
  }
  return messages;
}

/** Asks for all elements of a set, in as many answers as it takes. */
export const askElements = (name: SetName): Message =>
  elementMessage("getElements", name, NLM_F.dump);

/**
 * Asks for the element that a key is in: for an interval, the kernel answers with the edge that it
 * begins at.
 */
export const askElement = (name: SetName, key: string): Message =>
  elementMessage("getElements", name, 0, [{ key, ends: false }]);

const NFT_SET_ELEM_INTERVAL_END = 1;

function elementMessage(
  operation: Operation,
  name: SetName,
  flags: number,
  edges: readonly Edge[] = [],
): Message {
  const elements = edges.map(({ key, ends }): Attribute => {
    const value = bytes(nfta.data.value, Buffer.from(key, "hex"));
    const mark = ends ? [be32(nfta.element.flags, NFT_SET_ELEM_INTERVAL_END)] : [];
    return nest(nfta.list.element, [...mark, nest(nfta.element.key, [value])]);
  });
  const attributes = [
    text(nfta.elements.table, tableName),
    text(nfta.elements.set, name),
    ...(elements.length === 0 ? [] : [nest(nfta.elements.elements, elements)]),
  ];
  return messageOf(operation, family.inet, attributes, flags);
}

/** One end of a span, as the kernel has it. */
export interface Edge {
  /** Hex digits. */
  readonly key: string;
  readonly ends: boolean;
}

/** The edges in an answer to askElements; undefined if the keys are not as long as our set's. */
export function edgesIn(name: SetName, answer: Attributes): readonly Edge[] | undefined {
  const list = decodeList(answer.get(nfta.elements.elements) ?? new Uint8Array());
  const edges: Edge[] = [];
  for (const element of list) {
    const found = decodeAttributes(element);
    const data = decodeAttributes(found.get(nfta.element.key) ?? new Uint8Array());
    const key = data.get(nfta.data.value);
    if (key?.length !== sets[name].keyLength) return undefined;
    const flags = numberOf(found.get(nfta.element.flags)) ?? 0;
    edges.push({ key: hexOfBytes(key), ends: (flags & NFT_SET_ELEM_INTERVAL_END) !== 0 });
  }
  return edges;
}

/** The edges that a span has in a set. */
function edgesOf(name: SetName, { first, last }: Span): readonly Edge[] {
  const begins = { key: first, ends: false };
  const next = keyAfter(name, last);
  return next === undefined ? [begins] : [begins, { key: next, ends: true }];
}

/** Undefined in a set without intervals, and after the last key of all. */
export function keyAfter(name: SetName, key: string): string | undefined {
  const { keyLength, interval } = sets[name];
  return interval && key !== lastKey(keyLength) ? shifted(key, 1n) : undefined;
}

/** The spans that a set's edges make, in whatever order the kernel gave them. */
export function spansOf(name: SetName, edges: readonly Edge[]): readonly Span[] {
  const { keyLength, interval } = sets[name];
  if (!interval) return edges.map(({ key }) => ({ first: key, last: key }));
  // Where one span ends, the next may begin.
  const sorted = edges.toSorted((a, b) =>
    a.key === b.key ? Number(b.ends) - Number(a.ends) : a.key < b.key ? -1 : 1,
  );
  const spans: Span[] = [];
  for (const [index, { key, ends }] of sorted.entries()) {
    if (ends) continue;
    const next = sorted[index + 1];
    spans.push({
      first: key,
      last: next === undefined ? lastKey(keyLength) : shifted(next.key, -1n),
    });
  }
  return spans;
}

const lastKey = (length: number): string => "ff".repeat(length);

/** The key that comes so many after this one. */
const shifted = (key: string, by: bigint): string => hexOf(BigInt(`0x${key}`) + by, key.length / 2);

const hexOf = (number: bigint, length: number): string =>
  number.toString(16).padStart(2 * length, "0");

const hexOfBytes = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString("hex");
