/**
 * nftables, as the rest of the code sees it: a table of ours (inet, and one for arp), networks as
 * elements of its sets. What the rules are is in nft-ruleset.ts.
 *
 * Invariants: only our tables are ever touched; they are made whole, in one batch, or not at all;
 * of any number of processes at once, none undoes what another did.
 * Why elements: *measured*, a new table takes 1.8 ms, an element 0.9, deleting or replacing a
 * table 16, so a table is made once and never rewritten on the path of ADD.
 * Sources: linux/netfilter/nf_tables.h, nft(8).
 */
import type { Prefix4, Prefix6 } from "../net/prefix.ts";

/** What the firewall must know of one network. */
export interface FilterNetwork {
  /** The network's gateway link: "sp-web". */
  readonly link: string;
  readonly subnet: Prefix4;
  readonly subnet6: Prefix6 | undefined;
  /** The parts of `subnet` whose containers are on this node. */
  readonly local: readonly Prefix4[];
  /** Masquerade what leaves the network's subnets. */
  readonly masquerade: boolean;
  /** The gateway links of other networks that it may send to; whether they answer is theirs to say. */
  readonly allowed: readonly string[];
}

export interface Filter {
  /**
   * True if the tables are there, whole and of this version, with this network in them. What every
   * ADD asks is less, and faster: nft-has.ts.
   */
  readonly has: (network: FilterNetwork) => boolean;
  /**
   * Puts the network in; makes the tables, with all networks that were in them, when they are not
   * whole or of another version. Nothing if all is as it should be.
   */
  readonly add: (network: FilterNetwork) => void;
  /** Takes the network out; nothing if it is not in. */
  readonly remove: (network: FilterNetwork) => void;
  /** Takes the tables away; nothing if there are none. */
  readonly removeAll: () => void;
  /**
   * Names a chain of somebody else (Docker's, firewalld's) that drops what is forwarded unless a
   * rule of its own accepts it: nothing in our tables can overrule it. Undefined if there is none.
   */
  readonly foreignDrop: () => string | undefined;
  /**
   * Chains of others that packets pass beside ours, whatever their rules say: what is forwarded, what
   * is for this host, and what it sends.
   */
  readonly foreignChains: () => ForeignChainNames;
  /** As foreignDrop, of this host's own traffic to or from a UDP port, as far as rules tell it. */
  readonly foreignPortDrop: (port: number, family: 4 | 6) => ForeignPortDrop | undefined;
  readonly close: () => void;
}

/** As nft(8) names them: "ip filter FORWARD". */
export type ForeignChainNames = Readonly<Record<"forward" | "input" | "output", readonly string[]>>;

export interface ForeignPortDrop {
  /** As nft(8) names it: "inet filter input". */
  readonly chain: string;
  /** By a rule that names the port, or as all that no rule accepts. */
  readonly how: "named" | "by default";
}
