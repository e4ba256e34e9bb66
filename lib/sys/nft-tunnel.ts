/**
 * Chains of others by which a UDP port of this host is dropped, as far as rules tell that by
 * themselves: pure. A rule names the port by its number, natively or in iptables' own match; one
 * that looks it up in a set is not understood, and then nothing is said of the chain.
 *
 * Sources: nft(8), linux/netfilter/nf_tables.h, linux/netfilter/xt_tcpudp.h (struct xt_udp).
 */
import { decodeAttributes, type Message, NLM_F, text, textOf } from "./netlink.ts";
import { nfta } from "./nft-attributes.ts";
import { decodeList, family, messageOf, numberOf, type Reply } from "./nft-message.ts";
import { tableName } from "./nft-version.ts";

/** NF_INET_LOCAL_IN, NF_INET_LOCAL_OUT: the kernel's VXLAN is the host's own traffic. */
const ownHooks = new Map<number | undefined, "input" | "output">([
  [1, "input"],
  [3, "output"],
]);
const NF_DROP = 0;

const named = new Map<number, string>([
  [family.ip, "ip"],
  [family.ip6, "ip6"],
  [family.inet, "inet"],
]);

/** A chain of somebody else that this host's own packets pass. */
interface OwnTrafficChain {
  /** As nft(8) names it: "inet filter input". */
  readonly name: string;
  readonly chain: string;
  readonly hook: "input" | "output";
  readonly policy: "drop" | "accept";
  /** Asks for all rules of its table: one may be in a chain that it jumps to. */
  readonly askRules: Message;
}

/** Of what `askBaseChains` answers (nft-foreign.ts), those that this host's own packets pass: all, or of one family. */
export function ownTrafficChains(
  chains: readonly Reply[],
  vtepFamily?: 4 | 6,
): readonly OwnTrafficChain[] {
  return chains.flatMap(({ family, attributes }): readonly OwnTrafficChain[] => {
    const kind = named.get(family);
    if (vtepFamily !== undefined && kind === (vtepFamily === 4 ? "ip6" : "ip")) return [];
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

/**
 * "named": a rule of its own drops the port; "by default": what no rule accepts. Undefined where it
 * is not dropped, or a rule that may let it pass is not understood: where from, a set, another chain.
 */
export function dropsPort(
  { chain, policy }: Pick<OwnTrafficChain, "chain" | "policy">,
  rules: readonly Reply[],
  port: number,
): "named" | "by default" | undefined {
  for (const rule of rules) {
    if (textAt(rule.attributes, nfta.rule.chain) !== chain) continue;
    const { meets, names, verdict } = readRule(rule, port);
    if (meets === "never" || verdict === undefined) continue;
    if (verdict === "passes") return undefined;
    if (meets === "always") return names ? "named" : "by default";
  }
  return policy === "drop" ? "by default" : undefined;
}

/** What a condition says of VXLAN of other machines. */
type Meets = "always" | "never" | "perhaps";

function readRule({ attributes }: Reply, port: number) {
  const list = attributes.get(nfta.rule.expressions) ?? new Uint8Array();
  let loaded: Loaded;
  let names = false;
  let verdict: "drop" | "passes" | undefined;
  const met: Meets[] = [];
  for (const one of decodeList(list).map((expression) => decodeAttributes(expression))) {
    const kind = textAt(one, nfta.expression.name);
    const data = decodeAttributes(one.get(nfta.expression.data) ?? new Uint8Array());
    switch (kind) {
      case "counter":
      case "log":
        break;
      case "meta":
      case "payload":
        loaded = loadedBy(kind, data);
        break;
      case "cmp":
        met.push(comparison(loaded, data, port));
        names ||= loaded === "port";
        break;
      case "match":
        names = isPortMatch(data, port);
        met.push(names ? "always" : "perhaps");
        break;
      case "immediate":
      case "reject":
      case "target":
        verdict = verdictOf(kind, data);
        break;
      default:
        // A lookup may have the verdict, too.
        met.push("perhaps");
        if (kind === "lookup") verdict ??= "passes";
    }
  }
  const meets = met.includes("never") ? "never" : met.includes("perhaps") ? "perhaps" : "always";
  return { meets, names, verdict } as const;
}

type Attributes = ReadonlyMap<number, Uint8Array>;

/** What is in the register, if it is known to us. */
type Loaded = "protocol" | "port" | "link" | undefined;

/** NFT_META_IIFNAME, NFT_META_L4PROTO; NFT_PAYLOAD_NETWORK_HEADER, NFT_PAYLOAD_TRANSPORT_HEADER. */
function loadedBy(kind: "meta" | "payload", data: Attributes): Loaded {
  if (kind === "meta") {
    const key = numberOf(data.get(nfta.meta.key));
    return key === 16 ? "protocol" : key === 6 ? "link" : undefined;
  }
  const { base, offset, length } = nfta.payload;
  const place = [base, offset, length].map((part) => numberOf(data.get(part))).join();
  // The destination's port; IPv4's protocol, as iptables asks for it.
  return place === "2,2,2" ? "port" : place === "1,9,1" ? "protocol" : undefined;
}

const udp = 17;
const NFT_CMP_EQ = 0;

function comparison(loaded: Loaded, data: Attributes, port: number): Meets {
  const compared = decodeAttributes(data.get(nfta.compare.data) ?? new Uint8Array());
  const value = compared.get(nfta.data.value) ?? new Uint8Array();
  if (loaded === undefined || numberOf(data.get(nfta.compare.operator)) !== NFT_CMP_EQ) {
    return "perhaps";
  }
  // What comes of other machines does not come by the loopback.
  if (loaded === "link") return textOf(value) === "lo" ? "never" : "perhaps";
  const wanted = loaded === "port" ? [port >> 8, port & 0xff] : [udp];
  return value.join() === wanted.join() ? "always" : "never";
}

/** struct xt_udp: source ports, then destination ports, from and to, in the machine's byte order. */
function isPortMatch(data: Attributes, port: number): boolean {
  const info = data.get(nfta.match.info) ?? new Uint8Array();
  if (textAt(data, nfta.match.name) !== "udp" || info.length < 9) return false;
  const view = new DataView(info.buffer, info.byteOffset);
  const [first, last, from, to] = [0, 2, 4, 6].map((at) => view.getUint16(at, true));
  const isInverted = view.getUint8(8) !== 0;
  return first === 0 && last === 0xffff && from === port && to === port && !isInverted;
}

function verdictOf(kind: string, data: Attributes): "drop" | "passes" {
  if (kind === "reject") return "drop";
  if (kind === "target") return textAt(data, nfta.target.name) === "REJECT" ? "drop" : "passes";
  const inner = decodeAttributes(data.get(nfta.immediate.data) ?? new Uint8Array());
  const verdict = decodeAttributes(inner.get(nfta.data.verdict) ?? new Uint8Array());
  // Another chain may accept it, as to return to the policy may.
  return numberOf(verdict.get(nfta.verdict.code)) === NF_DROP ? "drop" : "passes";
}

const textAt = (attributes: Attributes, type: number): string =>
  textOf(attributes.get(type) ?? new Uint8Array());
