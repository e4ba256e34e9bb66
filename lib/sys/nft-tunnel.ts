/**
 * Chains of others by which a UDP port of this host is dropped, as far as rules tell that by
 * themselves: pure. A rule names the port by its number, natively or in iptables' own match; one
 * that looks it up in a set is not understood, and then nothing is said of the chain.
 *
 * Sources: nft(8), linux/netfilter/nf_tables.h, linux/netfilter/xt_tcpudp.h (struct xt_udp).
 */
import { decodeAttributes, type Message, NLM_F, text, textOf } from "./netlink.ts";
import { nfta } from "./nft-attributes.ts";
import { endsInDrop } from "./nft-foreign.ts";
import { decodeList, family, messageOf, numberOf, type Reply } from "./nft-message.ts";
import { tableName } from "./nft-version.ts";

/** NF_INET_LOCAL_IN, NF_INET_LOCAL_OUT: the kernel's VXLAN is the host's own traffic. */
const ownHooks = new Map<number | undefined, "input" | "output">([
  [1, "input"],
  [3, "output"],
]);
const NF_DROP = 0;
const NF_ACCEPT = 1;

const named = new Map<number, string>([
  [family.ip, "ip"],
  [family.ip6, "ip6"],
  [family.inet, "inet"],
]);

/** A chain of somebody else that this host's own packets pass. */
export interface OwnTrafficChain {
  /** As nft(8) names it: "inet filter input". */
  readonly name: string;
  readonly chain: string;
  readonly hook: "input" | "output";
  readonly policy: "drop" | "accept";
  /** Asks for all rules of its table: one may be in a chain that it jumps to. */
  readonly askRules: Message;
}

/** What `askBaseChains` answers (nft-foreign.ts). */
export function ownTrafficChains(chains: readonly Reply[]): readonly OwnTrafficChain[] {
  return chains.flatMap(({ family, attributes }): readonly OwnTrafficChain[] => {
    const kind = named.get(family);
    const table = textAt(attributes, nfta.chain.table);
    const hooked = decodeAttributes(attributes.get(nfta.chain.hook) ?? new Uint8Array());
    const hook = ownHooks.get(numberOf(hooked.get(nfta.hook.number)));
    if (kind === undefined || hook === undefined || table === tableName) return [];
    const chain = textAt(attributes, nfta.chain.name);
    const drops = numberOf(attributes.get(nfta.chain.policy)) === NF_DROP;
    return [
      {
        name: `${kind} ${table} ${chain}`,
        chain,
        hook,
        policy: drops ? "drop" : "accept",
        askRules: messageOf("getRule", family, [text(nfta.rule.table, table)], NLM_F.dump),
      },
    ];
  });
}

/** "named": a rule of its own drops the port; "by default": nothing accepts what it drops in the end. */
export function dropsPort(
  { chain, policy }: Pick<OwnTrafficChain, "chain" | "policy">,
  rules: readonly Reply[],
  port: number,
): "named" | "by default" | undefined {
  const read = rules.map((rule) => ({
    chain: textAt(rule.attributes, nfta.rule.chain),
    ...readRule(rule, port),
  }));
  const own = read.filter((rule) => rule.chain === chain);
  const first = own.find(({ names, verdict }) => names && verdict !== undefined);
  if (first?.verdict === "drop") return "named";
  const last = rules.filter(({ attributes }) => textAt(attributes, nfta.rule.chain) === chain);
  if (first !== undefined || (policy === "accept" && !endsInDrop(last))) return undefined;
  // In a chain that this one jumps to, or by a set: whether it passes can't be told.
  if (read.some(({ names, looksUp }) => names || looksUp)) return undefined;
  return own.some(({ isAll, verdict }) => isAll && verdict === "accept") ? undefined : "by default";
}

function readRule({ attributes }: Reply, port: number) {
  const list = attributes.get(nfta.rule.expressions) ?? new Uint8Array();
  const expressions = decodeList(list).map((one) => decodeAttributes(one));
  const kinds = expressions.map((one) => textAt(one, nfta.expression.name));
  const data = expressions.map((one) =>
    decodeAttributes(one.get(nfta.expression.data) ?? new Uint8Array()),
  );
  return {
    names: kinds.some((kind, at) => namesPort(kind, data[at] ?? new Map(), port)),
    looksUp: kinds.includes("lookup"),
    /** Without any condition. */
    isAll: kinds.every((kind) => ["counter", "log", "immediate"].includes(kind)),
    verdict: kinds.map((kind, at) => verdictOf(kind, data[at] ?? new Map())).find(Boolean),
  };
}

type Attributes = ReadonlyMap<number, Uint8Array>;

function namesPort(kind: string, data: Attributes, port: number): boolean {
  if (kind === "cmp") {
    const compared = decodeAttributes(data.get(nfta.compare.data) ?? new Uint8Array());
    const value = compared.get(nfta.data.value) ?? new Uint8Array();
    return value.length === 2 && value[0] === port >> 8 && value[1] === (port & 0xff);
  }
  if (kind !== "match" || textAt(data, nfta.match.name) !== "udp") return false;
  const info = data.get(nfta.match.info) ?? new Uint8Array();
  if (info.length < 8) return false;
  // Source ports, then destination ports, from and to, in the machine's byte order.
  const view = new DataView(info.buffer, info.byteOffset);
  const [from, to] = [view.getUint16(4, true), view.getUint16(6, true)];
  return from <= port && port <= to && !(from === 0 && to === 0xffff);
}

function verdictOf(kind: string, data: Attributes): "drop" | "accept" | undefined {
  if (kind === "reject") return "drop";
  if (kind === "target") return textAt(data, nfta.target.name) === "REJECT" ? "drop" : undefined;
  if (kind !== "immediate") return undefined;
  const inner = decodeAttributes(data.get(nfta.immediate.data) ?? new Uint8Array());
  const verdict = decodeAttributes(inner.get(nfta.data.verdict) ?? new Uint8Array());
  const code = numberOf(verdict.get(nfta.verdict.code));
  return code === NF_DROP ? "drop" : code === NF_ACCEPT ? "accept" : undefined;
}

const textAt = (attributes: Attributes, type: number): string =>
  textOf(attributes.get(type) ?? new Uint8Array());
