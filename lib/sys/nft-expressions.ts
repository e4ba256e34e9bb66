/**
 * The expressions that our rules are made of, each as nft(8) prints it, as attributes: pure.
 *
 * A rule is a row of steps: load something into a register, compare it, do something. The first
 * comparison that fails ends it.
 * Source: linux/netfilter/nf_tables.h; the same bytes as `nft --debug=mnl` shows.
 */
import { type Attribute, bytes, nest, text } from "./netlink.ts";
import { nfta } from "./nft-attributes.ts";
import { be32 } from "./nft-message.ts";

const NFT_META = { iif: 4, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
const NFT_CMP_EQ = 0;
const NFT_CMP_NEQ = 1;
const NFT_CT_STATE = 0;
const NFT_CT_STATUS = 2;
/** Bits of a connection's state (NF_CT_STATE_BIT). */
const ESTABLISHED = 2;
const RELATED = 4;
/** The bit of a connection whose destination was rewritten (linux/netfilter/nf_conntrack_common.h). */
const IPS_DST_NAT = 0x20;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_FIB_RESULT_OIF = 1;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_SADDR = 1;
const NFTA_FIB_F_DADDR = 2;
const NFTA_FIB_F_IIF = 8;
const NFTA_FIB_F_PRESENT = 32;
const RTN_LOCAL = 2;
const IPPROTO_UDP = 17;
const NFT_LOOKUP_F_INV = 1;
const NF_DROP = 0;
const NF_ACCEPT = 1;

type Expression = readonly Attribute[];

/** Registers: NFT_REG_VERDICT, NFT_REG_1 and the one after it, of 16 bytes. */
const verdict = 0;
const first = 1;
const second = 2;

const expression = (name: string, data: readonly Attribute[]): Attribute =>
  nest(nfta.list.element, [text(nfta.expression.name, name), nest(nfta.expression.data, data)]);

const load = (key: keyof typeof NFT_META, register: number): Attribute =>
  expression("meta", [be32(nfta.meta.key, NFT_META[key]), be32(nfta.meta.register, register)]);

const compare = (operator: "==" | "!=", value: Uint8Array): Attribute =>
  expression("cmp", [
    be32(nfta.compare.register, first),
    be32(nfta.compare.operator, operator === "==" ? NFT_CMP_EQ : NFT_CMP_NEQ),
    data(nfta.compare.data, value),
  ]);

const data = (type: number, value: Uint8Array): Attribute =>
  nest(type, [bytes(nfta.data.value, value)]);

/** A number as the machine has it in its registers. */
const native = (number: number): Uint8Array => new Uint8Array(Uint32Array.of(number).buffer);

/** `iifname "spv*"`, `oifname != "sp-*"`: only what is before the star is compared. */
export const named = (
  side: "iifname" | "oifname",
  operator: "==" | "!=",
  prefix: string,
): Expression => [load(side, first), compare(operator, Buffer.from(prefix))];

/**
 * `iif != 0`: forwarded, and not of the host's own making. What came in where is known in
 * postrouting since Linux 5.7; before, this is true of nothing there.
 */
export const isForwarded: Expression = [load("iif", first), compare("!=", native(0))];

const lookup = (set: string, belongs: "in" | "not in"): Attribute =>
  expression("lookup", [
    be32(nfta.lookup.register, first),
    text(nfta.lookup.set, set),
    be32(nfta.lookup.flags, belongs === "in" ? 0 : NFT_LOOKUP_F_INV),
  ]);

/** `iifname . oifname != @set` */
export const pairNotIn = (set: string): Expression => [
  load("iifname", first),
  load("oifname", second),
  lookup(set, "not in"),
];

const addresses = {
  ip: { protocol: 2, length: 4, saddr: 12, daddr: 16 },
  ip6: { protocol: 10, length: 16, saddr: 8, daddr: 24 },
} as const;

function payload(base: number, offset: number, length: number): Attribute {
  return expression("payload", [
    be32(nfta.payload.register, first),
    be32(nfta.payload.base, base),
    be32(nfta.payload.offset, offset),
    be32(nfta.payload.length, length),
  ]);
}

/** `ip saddr @set`, `ip6 daddr != @set`: of a packet of that protocol. */
export const addressIn = (
  protocol: "ip" | "ip6",
  side: "saddr" | "daddr",
  belongs: "in" | "not in",
  set: string,
): Expression => {
  const { length, [side]: offset } = addresses[protocol];
  return [payload(NFT_PAYLOAD_NETWORK_HEADER, offset, length), lookup(set, belongs)];
};

/** `ip daddr 127.0.0.0/8`: of a packet of IPv4. */
export const toLoopback: Expression = [
  payload(NFT_PAYLOAD_NETWORK_HEADER, addresses.ip.daddr, 1),
  compare("==", Uint8Array.of(127)),
];

/** `udp dport <port>` */
export const toUdpPort = (port: number): Expression => [
  load("l4proto", first),
  compare("==", Uint8Array.of(IPPROTO_UDP)),
  payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
  compare("==", Uint8Array.of(port >> 8, port & 0xff)),
];

const route = (result: number, flags: number): Attribute =>
  expression("fib", [
    be32(nfta.fib.register, first),
    be32(nfta.fib.result, result),
    be32(nfta.fib.flags, flags),
  ]);

const routed = (flags: number, operator: "==" | "!="): Expression => [
  route(NFT_FIB_RESULT_ADDRTYPE, flags),
  compare(operator, native(RTN_LOCAL)),
];

/** `fib daddr . iif type != local`: the destination is no address of the link that it came by. */
export const notOfThatLink = routed(NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF, "!=");

/** `fib daddr type != local`: the destination is not the host itself. */
export const notToHost = routed(NFTA_FIB_F_DADDR, "!=");

/** `fib saddr . iif oif missing`: the sender is not reached by the link that it came by. */
export const hasNoWayBack: Expression = [
  route(NFT_FIB_RESULT_OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT),
  compare("==", native(0)),
];

/** `fib saddr type local`: the sender is the host itself. */
export const fromHost = routed(NFTA_FIB_F_SADDR, "==");

/** In an inet table, before any look at addresses: the packet is of that protocol. */
export const isProtocol = (protocol: "ip" | "ip6"): Expression => [
  load("nfproto", first),
  compare("==", Uint8Array.of(addresses[protocol].protocol)),
];

const connectionHas = (key: number, bits: number, operator: "any" | "none"): Expression => [
  expression("ct", [be32(nfta.ct.key, key), be32(nfta.ct.register, first)]),
  expression("bitwise", [
    be32(nfta.bitwise.from, first),
    be32(nfta.bitwise.to, first),
    be32(nfta.bitwise.length, 4),
    data(nfta.bitwise.mask, native(bits)),
    data(nfta.bitwise.xor, native(0)),
  ]),
  compare(operator === "any" ? "!=" : "==", native(0)),
];

/** `ct status dnat` */
export const wasDnated = connectionHas(NFT_CT_STATUS, IPS_DST_NAT, "any");

/** `ct state ! established,related` */
export const isNew = connectionHas(NFT_CT_STATE, ESTABLISHED | RELATED, "none");

const decide = (code: number): Expression => [
  expression("immediate", [
    be32(nfta.immediate.register, verdict),
    nest(nfta.immediate.data, [nest(nfta.data.verdict, [be32(nfta.verdict.code, code)])]),
  ]),
];

export const drop = decide(NF_DROP);

/** Ends this chain; others of the same hook go on. */
export const accept = decide(NF_ACCEPT);

export const masquerade: Expression = [expression("masq", [])];

/** `notrack`: no connection is made of it, so that it has no state, and no NAT. */
export const untracked: Expression = [expression("notrack", [])];
