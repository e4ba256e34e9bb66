/**
 * Chains of others that drop what we forward: pure.
 *
 * A packet is forwarded when every base chain of the hook accepts it; a policy of "drop" in one
 * table is not overruled by an "accept" in another (nft(8), "Chains").
 */
import { decodeAttributes, type Message, NLM_F, textOf } from "./netlink.ts";
import { nfta } from "./nft-attributes.ts";
import { family, messageOf, numberOf, type Reply } from "./nft-message.ts";
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

/** The first of the chains that drops by policy what is routed: `ip filter FORWARD`. */
export function foreignDrop(chains: readonly Reply[]): string | undefined {
  for (const { family, attributes } of chains) {
    const kind = routed.get(family);
    const table = textAt(attributes, nfta.chain.table);
    const hook = decodeAttributes(attributes.get(nfta.chain.hook) ?? new Uint8Array());
    if (kind === undefined || table === tableName) continue;
    if (numberOf(hook.get(nfta.hook.number)) !== NF_INET_FORWARD) continue;
    if (numberOf(attributes.get(nfta.chain.policy)) !== NF_DROP) continue;
    return `${kind} ${table} ${textAt(attributes, nfta.chain.name)}`;
  }
  return undefined;
}

const textAt = (attributes: ReadonlyMap<number, Uint8Array>, type: number): string =>
  textOf(attributes.get(type) ?? new Uint8Array());
