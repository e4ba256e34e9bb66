/**
 * Chains of others that drop what we forward: pure.
 *
 * A packet is forwarded when every base chain of the hook accepts it; a drop in one table is not
 * overruled by an "accept" in another (nft(8), "Chains").
 */
import { decodeAttributes, type Message, NLM_F, text, textOf } from "./netlink.ts";
import { nfta } from "./nft-attributes.ts";
import { decodeList, family, messageOf, numberOf, type Reply } from "./nft-message.ts";
import { tableName } from "./nft-version.ts";

const NF_INET_FORWARD = 2;
const NF_DROP = 0;

const routed = new Map<number, string>([
  [family.ip, "ip"],
  [family.ip6, "ip6"],
  [family.inet, "inet"],
]);

/** Asks for all chains of all tables. */
export const askBaseChains: Message = messageOf("getChain", family.any, [], NLM_F.dump);

/** A chain of somebody else that what is forwarded passes. */
export interface ForeignChain {
  /** As nft(8) names it: "ip filter FORWARD". */
  readonly name: string;
  /** Whether its policy is to drop; if not, its last rule may come to the same. */
  readonly policy: "drop" | "accept";
  /** Asks for its rules. */
  readonly askRules: Message;
}

export function foreignChains(chains: readonly Reply[]): readonly ForeignChain[] {
  return chains.flatMap(({ family, attributes }): readonly ForeignChain[] => {
    const kind = routed.get(family);
    const table = textAt(attributes, nfta.chain.table);
    const chain = textAt(attributes, nfta.chain.name);
    const hook = decodeAttributes(attributes.get(nfta.chain.hook) ?? new Uint8Array());
    if (kind === undefined || table === tableName) return [];
    if (numberOf(hook.get(nfta.hook.number)) !== NF_INET_FORWARD) return [];
    const drops = numberOf(attributes.get(nfta.chain.policy)) === NF_DROP;
    const of = [text(nfta.rule.table, table), text(nfta.rule.chain, chain)];
    return [
      {
        name: `${kind} ${table} ${chain}`,
        policy: drops ? "drop" : "accept",
        askRules: messageOf("getRule", family, of, NLM_F.dump),
      },
    ];
  });
}

/** What a rule may have beside its verdict and be for every packet still. */
const passive: readonly string[] = ["counter", "log"];

/** Whether the last of a chain's rules drops or rejects whatever comes to it, as firewalld's does. */
export function endsInDrop(rules: readonly Reply[]): boolean {
  const list = rules.at(-1)?.attributes.get(nfta.rule.expressions) ?? new Uint8Array();
  const [end, ...others] = decodeList(list)
    .map((expression) => decodeAttributes(expression))
    .filter((found) => !passive.includes(textAt(found, nfta.expression.name)));
  if (end === undefined || others.length > 0) return false;
  const data = decodeAttributes(end.get(nfta.expression.data) ?? new Uint8Array());
  switch (textAt(end, nfta.expression.name)) {
    case "reject":
      return true;
    case "target":
      // What iptables-nft has no expression for: iptables-extensions(8).
      return textAt(data, nfta.target.name) === "REJECT";
    case "immediate":
      return verdictOf(data) === NF_DROP;
    default:
      return false;
  }
}

function verdictOf(immediate: ReadonlyMap<number, Uint8Array>): number | undefined {
  const data = decodeAttributes(immediate.get(nfta.immediate.data) ?? new Uint8Array());
  const verdict = decodeAttributes(data.get(nfta.data.verdict) ?? new Uint8Array());
  return numberOf(verdict.get(nfta.verdict.code));
}

const textAt = (attributes: ReadonlyMap<number, Uint8Array>, type: number): string =>
  textOf(attributes.get(type) ?? new Uint8Array());
