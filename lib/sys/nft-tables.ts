/** The messages that make our tables, and take them away: pure. */
import { type Attribute, bytes, type Message, NLM_F, nest, text } from "./netlink.ts";
import { nfta } from "./nft-attributes.ts";
import { be32, messageOf, type Operation } from "./nft-message.ts";
import { type ChainSpec, type SetSpec, type TableSpec, tables } from "./nft-ruleset.ts";
import { tableName } from "./nft-version.ts";

/** Makes both tables, which must not be there. */
export const createTables = (): readonly Message[] =>
  tables.flatMap((table) => [
    create(table, "newTable", [text(nfta.table.name, tableName), be32(nfta.table.flags, 0)]),
    ...table.sets.map((set, index) => create(table, "newSet", attributesOfSet(set, index))),
    ...table.chains.flatMap((chain) => [
      create(table, "newChain", attributesOfChain(chain)),
      ...chain.rules.map((rule) => append(table, chain, rule)),
    ]),
  ]);

export const deleteTable = (family: number): Message =>
  messageOf("deleteTable", family, [text(nfta.table.name, tableName)]);

const create = (
  { family }: TableSpec,
  operation: Operation,
  attributes: readonly Attribute[],
): Message => messageOf(operation, family, attributes, NLM_F.create);

const append = (
  { family }: TableSpec,
  { name }: ChainSpec,
  rule: readonly Attribute[],
): Message => {
  const attributes = [
    text(nfta.rule.table, tableName),
    text(nfta.rule.chain, name),
    nest(nfta.rule.expressions, rule),
  ];
  return messageOf("newRule", family, attributes, NLM_F.create | NLM_F.append);
};

const NFT_SET_INTERVAL = 4;

const attributesOfSet = (set: SetSpec, index: number): readonly Attribute[] => [
  text(nfta.set.table, tableName),
  text(nfta.set.name, set.name),
  be32(nfta.set.flags, set.interval ? NFT_SET_INTERVAL : 0),
  be32(nfta.set.keyType, set.shownAs),
  be32(nfta.set.keyLength, set.keyLength),
  // Required, of no use to us: a number that the batch knows it by.
  be32(nfta.set.id, index + 1),
  bytes(nfta.set.userdata, set.userdata),
];

const attributesOfChain = ({ name, type, hook, priority }: ChainSpec): readonly Attribute[] => [
  text(nfta.chain.table, tableName),
  text(nfta.chain.name, name),
  text(nfta.chain.type, type),
  nest(nfta.chain.hook, [be32(nfta.hook.number, hook), be32(nfta.hook.priority, priority)]),
];
