/**
 * What has to be asked and changed, decided from what is there: pure.
 */
import { type Message, text } from "./netlink.ts";
import type { FilterNetwork } from "./nft.ts";
import { nfta } from "./nft-attributes.ts";
import {
  askElement,
  changeElements,
  type Elements,
  edgesIn,
  keyAfter,
  mapSets,
  overlaps,
  type Span,
  sameSpan,
  setNames,
  shareOf,
} from "./nft-elements.ts";
import { type Attributes, family, messageOf, numberOf } from "./nft-message.ts";
import { arpChain, inetChains, type SetName, sets } from "./nft-ruleset.ts";
import { createTables, deleteTable } from "./nft-tables.ts";
import { includesBytes, tableName } from "./nft-version.ts";

/** The answer to a question; undefined if there is no such thing. */
export type Answer = Attributes | undefined;

/** A question that has one answer, and whether that is as it should be. */
export interface Question {
  readonly ask: Message;
  readonly right: (answer: Answer) => boolean;
}

/** Whether our tables are there, of this version, with as many rules in each chain as it should have. */
export const wholeTables = (): readonly Question[] => [
  {
    ask: messageOf("getSet", family.inet, [
      text(nfta.set.table, tableName),
      text(nfta.set.name, sets.allowed.name),
    ]),
    right: (answer) => {
      // A ruleset that nft(8) saved and loaded again has more than the comment in there.
      const userdata = answer?.get(nfta.set.userdata);
      return userdata !== undefined && includesBytes(userdata, sets.allowed.userdata);
    },
  },
  hasRules(family.arp, arpChain.name, arpChain.rules.length),
  ...inetChains.map(({ name, rules }) => hasRules(family.inet, name, rules.length)),
];

const hasRules = (family: number, chain: string, rules: number): Question => ({
  ask: messageOf("getChain", family, [
    text(nfta.chain.table, tableName),
    text(nfta.chain.name, chain),
  ]),
  right: (answer) => numberOf(answer?.get(nfta.chain.use)) === rules,
});

/** Whether a network is in the sets as it should be. */
export function thereNetwork(network: FilterNetwork): readonly Question[] {
  const { puts, owns } = shareOf(network);
  return setNames.flatMap((name) =>
    puts[name].length > 0
      ? puts[name].flatMap((span) => present(name, span))
      : owns[name].map((span) => absent(name, span)),
  );
}

// The answer is where the interval begins that a key is in. The last key must be in the one that
// begins with the first, the key after it must not. *Bites here*: of an end itself the kernel says
// that it is not there when the next interval begins with the same key.
const present = (name: SetName, { first, last }: Span): readonly Question[] => {
  const inside = (answer: Answer) =>
    answer !== undefined && edgesIn(name, answer)?.some(({ key }) => key === first) === true;
  const next = keyAfter(name, last);
  const ends = { ask: askElement(name, last), right: inside };
  if (next === undefined) return [ends];
  return [ends, { ask: askElement(name, next), right: (answer) => !inside(answer) }];
};

const absent = (name: SetName, { first }: Span): Question => ({
  ask: askElement(name, first),
  right: (answer) => answer === undefined,
});

/** What is there of ours. */
export interface FilterState {
  /** The families that have a table of our name. */
  readonly families: readonly number[];
  /** They are as this version makes them. */
  readonly whole: boolean;
  readonly elements: Elements;
}

/**
 * Puts a network in. Tables that are not whole are made anew with all that was in them. Networks
 * never overlap, so what overlaps this one is left over from one that was removed elsewhere.
 */
export function planAdd(state: FilterState, network: FilterNetwork): readonly Message[] {
  const { puts, owns } = shareOf(network);
  const kept = mapSets((name) =>
    state.elements[name].filter((span) => !owns[name].some((own) => overlaps(own, span))),
  );
  const wanted = mapSets((name) => [...kept[name], ...puts[name]]);
  if (state.whole) return differences(state.elements, wanted);
  return [...state.families.map(deleteTable), ...createTables(), ...adds(wanted)];
}

/** Takes a network out. */
export function planRemove(state: FilterState, network: FilterNetwork): readonly Message[] {
  const { owns } = shareOf(network);
  const kept = mapSets((name) => {
    const isOwn = inParts.has(name) ? overlaps : sameSpan;
    return state.elements[name].filter((span) => !owns[name].some((own) => isOwn(own, span)));
  });
  return differences(state.elements, kept);
}

/** Of those a network has several at a time, which may be others by now. */
const inParts: ReadonlySet<SetName> = new Set(["local4", "local6", "allowed"]);

export const planRemoveAll = (state: FilterState): readonly Message[] =>
  state.families.map(deleteTable);

const differences = (from: Elements, to: Elements): readonly Message[] => [
  ...setNames.flatMap((name) =>
    changeElements("deleteElements", name, without(from[name], to[name])),
  ),
  ...adds(mapSets((name) => without(to[name], from[name]))),
];

const adds = (elements: Elements): readonly Message[] =>
  setNames.flatMap((name) => changeElements("newElements", name, elements[name]));

function without(spans: readonly Span[], others: readonly Span[]): readonly Span[] {
  const known = new Set(others.map(nameOfSpan));
  return spans.filter((span) => !known.has(nameOfSpan(span)));
}

const nameOfSpan = ({ first, last }: Span): string => `${first}-${last}`;
