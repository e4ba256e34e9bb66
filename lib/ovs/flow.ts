/**
 * Flows as typed data, with a text form like ovs-ofctl's.
 *
 * Why data: the pipeline (lib/overlay) is a pure function that can be printed and compared; the
 * codec (openflow) only translates. Names follow OpenFlow 1.5 (ONF TS-025) and ovs-fields(7).
 */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";

/** A value, or a value under a mask. */
export type Masked<T> = T | { readonly value: T; readonly mask: T };

/** An OpenFlow port number (OFPP_*). */
export type Ofport = number;

/** The bridge's own port (OFPP_LOCAL). */
export const localPort: Ofport = 0xffff_fffe;

/** What a frame must be. Prerequisites (eth_type, ip_proto) are the writer's to give. */
export interface Match {
  readonly inPort?: Ofport;
  /** "none": the frame has no VLAN tag (vlan_tci=0x0000/0x1fff). */
  readonly vlan?: "none";
  readonly ethSrc?: Masked<Mac>;
  readonly ethDst?: Masked<Mac>;
  readonly ethType?: "ip" | "arp" | "ipv6";
  readonly ipProto?: number;
  readonly ipSrc?: Masked<Ip4>;
  readonly ipDst?: Masked<Ip4>;
  readonly arpOp?: number;
  readonly arpSpa?: Masked<Ip4>;
  readonly arpTpa?: Masked<Ip4>;
  readonly arpSha?: Masked<Mac>;
  readonly ip6Src?: Masked<Ip6>;
  readonly ip6Dst?: Masked<Ip6>;
  readonly icmp6Type?: number;
  readonly ndTarget?: Masked<Ip6>;
  readonly ndSll?: Mac;
  readonly ndTll?: Mac;
  readonly tunnelId?: number;
  readonly tunnelSrc?: Ip4;
  readonly tunnelSrc6?: Ip6;
  readonly reg0?: number;
  readonly reg1?: number;
}

export type Action =
  | { readonly do: "output"; readonly port: Ofport }
  /** Back out of the port it came in by (OFPP_IN_PORT). */
  | { readonly do: "output in_port" }
  | { readonly do: "set reg0"; readonly value: number }
  | { readonly do: "set reg1"; readonly value: number }
  | { readonly do: "set eth_dst"; readonly mac: Masked<Mac> }
  | { readonly do: "set eth_src"; readonly mac: Masked<Mac> }
  | { readonly do: "set tunnel id"; readonly vni: number }
  | { readonly do: "set tunnel dst"; readonly address: Ip4 }
  | { readonly do: "set tunnel dst6"; readonly address: Ip6 }
  /** Copies bits 0..31 of a field into bits 0..31 of eth_dst (OpenFlow 1.5 copy_field). */
  | { readonly do: "copy to eth_dst"; readonly from: "arp_tpa" | "nd_target" }
  /** Drops what is more than the meter lets pass. */
  | { readonly do: "meter"; readonly id: number }
  | { readonly do: "goto"; readonly table: number };

export interface Flow {
  /** Says which part of the state the flow belongs to. */
  readonly cookie: bigint;
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  /** None: the frame is dropped. */
  readonly actions: readonly Action[];
  /**
   * What a flow read back has beyond these types, as text: somebody else wrote it. Never sent.
   */
  readonly foreign?: readonly string[];
}
