/**
 * The way of a packet through switches and hosts, and what it says to people.
 *
 * Invariants: nothing is sent, and nothing changed; a way is made of parts, one for each switch or
 * host that the frame passes, and each says where its knowledge is from; a part that can't be known
 * ends the way as unknown, with the reason; what drops a packet is named with what to do about it.
 * Why the switch's own trace: it is asked what it would do with just this frame, so what is told is
 * what it does. Where it can't be asked, our own flows are worked through by what is on record.
 * Sources: ovs-vswitchd(8) "ofproto/trace", ovs-appctl(8).
 */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";
import type { Ofport } from "../ovs/flow.ts";
import type { VtepAddress } from "../store/keys.ts";

export type Address =
  | { readonly family: 4; readonly address: Ip4 }
  | { readonly family: 6; readonly address: Ip6 };

/** What a frame is. A request to a neighbour asks for the MAC of `to`. */
export type Content =
  /** ARP (IPv4) or a neighbour solicitation (IPv6). */
  | { readonly kind: "neighbour" }
  /** An echo request, or with `answer` its reply. */
  | { readonly kind: "icmp"; readonly answer: boolean }
  /** To the port, or with `answer` from it: the first packet of a connection, or what answers it. */
  | { readonly kind: "tcp" | "udp"; readonly port: number; readonly answer: boolean };

/** A frame at one place of its way. */
export interface Packet {
  readonly network: string;
  readonly vni: number;
  readonly ethSrc: Mac;
  /** Of a request to a neighbour: broadcast, or the group of the address asked for. */
  readonly ethDst: Mac;
  readonly from: Address;
  readonly to: Address;
  readonly content: Content;
}

/** How it comes into a node's switch. */
export type Entry =
  /** `address` is its own in the network, by which its node finds the port. */
  | {
      readonly by: "container";
      readonly name: string;
      readonly address: Ip4;
      readonly port: Ofport | undefined;
    }
  /** The host's own port in the network: from the host itself, or routed by it. */
  | { readonly by: "host" }
  /** From the node of this VTEP. */
  | { readonly by: "tunnel"; readonly vtep: VtepAddress };

/** One thing that is done with it. */
export interface Step {
  /** A table by its name, as "0 classify" or "30 forward"; or of a host, as "host routing". */
  readonly at: string;
  /** The flow, rule or route that it met, as it stands there; absent where there is none. */
  readonly met?: string;
  /** What that is, and does, in our words. */
  readonly says: string;
}

/** Where one part of the way ends. */
export type PartEnd =
  | Delivered
  | Dropped
  /** Into the tunnel, to the node of this VTEP; `node` is undefined where none is known by it. */
  | {
      readonly end: "across";
      readonly node: string | undefined;
      readonly vtep: VtepAddress;
      readonly packet: Packet;
    }
  /** To the host's own port in the network: the host takes it, or routes it. */
  | { readonly end: "to host"; readonly packet: Packet }
  /** The host routes it back into a network, by its own port there. */
  | { readonly end: "into network"; readonly packet: Packet }
  | Unknown;

export interface Delivered {
  readonly end: "delivered";
  /** "container web-1", "node host-b", "the outside, by link eth0". */
  readonly to: string;
  /** The sender that it has there, where that is another one by then. */
  readonly as?: Address;
  /** It is given to a link, and whoever is there: whether it arrives is not known. */
  readonly isHanded?: true;
  /** What is wrong, or was not looked at, on its way: clauses. */
  readonly but?: readonly string[];
}

export interface Dropped {
  readonly end: "dropped";
  /** A clause, as "nobody holds 10.2.0.9". */
  readonly why: string;
  /** What to do about it; absent where nothing is to be done. */
  readonly todo?: string;
}

export interface Unknown {
  readonly end: "unknown";
  readonly why: string;
}

/**
 * Where a part's knowledge is from: a switch's own trace; our records, worked through by the rules
 * that flows are made by; or the kernel of the host, asked for its route, and our firewall's rules.
 */
export type Source = "switch" | "records" | "host";

/** What one node's switch, or its host, does with the packet. */
export interface NodeWay {
  readonly node: string;
  readonly source: Source;
  /** Why not from the switch, where it is not. */
  readonly because?: string;
  /** What is wrong there, or was not looked at, though it passes: clauses. */
  readonly but?: readonly string[];
  /** Why it may be otherwise there than it is on record, or carry nothing, as a clause. */
  readonly doubt?: string;
  readonly entry: Entry;
  /** As it came in. */
  readonly packet: Packet;
  readonly steps: readonly Step[];
  readonly end: PartEnd;
  /** The switch's own words, line by line; empty where it was not asked. */
  readonly own: readonly string[];
}

/** A packet's whole way. */
export interface Way {
  readonly packet: Packet;
  /** In the order that it passes them; one node may be there twice. */
  readonly nodes: readonly NodeWay[];
  readonly end: WayEnd;
}

export type WayEnd = Delivered | Dropped | Unknown;

/**
 * What a node does with a packet that enters it: from its switch where that can be asked, else from
 * what is on record of it.
 */
export type ThroughNode = (node: string, entry: Entry, packet: Packet) => Promise<NodeWay>;
