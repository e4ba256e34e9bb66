/** What is seen of the other nodes, as plain data. See doctor.ts for the folder's note. */
import type { Refused } from "../sys/reach.ts";

/** "EPERM" and others: why it never left this machine. */
export type Answer = "answered" | "unanswered" | NonNullable<Refused>;

/** Another node, as it was seen from here. */
export interface PeerFacts {
  /** Its name; its VTEP's address, where the store did not say. */
  readonly node: string;
  readonly vtep: string;
  /** This node's own VTEP. */
  readonly from: string;
  /** Whether its agent's session lives; undefined where the store did not say. */
  readonly agent: boolean | undefined;
  /** An echo request to its VTEP, of few bytes; only asked where the tunnel is slow to answer. */
  readonly underlay: Answer | undefined;
  /** The same as long as VXLAN makes the longest frame; only asked where not all is well. */
  readonly underlayFull: Answer | undefined;
  /** The least MTU that a router on the way has told of, bytes. */
  readonly told: number | undefined;
  /** What came back for a datagram to the port of VXLAN; only sent where the tunnel is silent. */
  readonly port: "silent" | "closed" | "prohibited" | undefined;
  /**
   * Whether the switch knows the MAC that its VTEP is reached by; only where the tunnel is silent,
   * with the userspace datapath.
   */
  readonly isResolved?: boolean | undefined;
  /** Undefined where no network is on both nodes. */
  readonly tunnel: TunnelFacts | undefined;
}

/** What was asked in a network, through the tunnel. */
export interface TunnelFacts {
  readonly network: string;
  /** The network's, bytes. */
  readonly mtu: number;
  /** What VXLAN makes of that on the underlay, bytes. */
  readonly outer: number;
  /** Whether there must be somebody there who answers. */
  readonly isSure: boolean;
  /** ARP, of few bytes: answered whatever a firewall says of IP. */
  readonly small: Answer;
  /** The same, as long as the MTU; its answer is short. Only asked where the small one was answered. */
  readonly full: Answer | undefined;
  /** Echo, of few bytes, and as long as the MTU both ways. */
  readonly echo: Answer | undefined;
  readonly echoFull: Answer | undefined;
  /** The longest echo that came back, bytes, where one as long as the MTU did not. */
  readonly largest: number | undefined;
}
