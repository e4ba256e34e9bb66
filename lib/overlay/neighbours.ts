/** ARP and neighbour discovery: who is asked, and by which messages (RFC 826; RFC 4861, 4). */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import { ip6Of, linkLocal } from "../net/mac.ts";
import { mask4, type Prefix6 } from "../net/prefix.ts";
import type { Match } from "../ovs/flow.ts";
import type { SwitchNetwork } from "./state.ts";

export const arpRequest = 1;
const routerSolicitation = 133;
const routerAdvertisement = 134;
export const neighbourSolicitation = 135;
export const neighbourAdvertisement = 136;
const redirect = 137;
export const icmp6 = { ethType: "ipv6", ipProto: 58 } as const;

/** A container sends them by name, with what it claims, or not at all. */
export const guardedNeighbourTypes = [
  routerSolicitation,
  routerAdvertisement,
  neighbourSolicitation,
  neighbourAdvertisement,
  redirect,
];

/** The requests whose destination is computed from the target, in all address families in use. */
export function neighbourTargets({
  subnet,
  subnet6,
}: Pick<SwitchNetwork, "subnet" | "subnet6">): readonly {
  readonly match: Match;
  readonly from: "arp_tpa" | "nd_target";
}[] {
  const arp: Match = {
    ethType: "arp",
    arpOp: arpRequest,
    arpTpa: { value: subnet.base, mask: mask4(subnet.length) as Ip4 },
  };
  if (subnet6 === undefined) return [{ match: arp, from: "arp_tpa" }];
  const hostBits = (1n << BigInt(32 - subnet.length)) - 1n;
  const mask = (((1n << 128n) - 1n) ^ hostBits) as Ip6;
  const solicitation = (prefix: Prefix6): Match => ({
    ...icmp6,
    icmp6Type: neighbourSolicitation,
    ndTarget: { value: ip6Of(prefix, subnet.base), mask },
  });
  return [
    { match: arp, from: "arp_tpa" },
    { match: solicitation(subnet6), from: "nd_target" },
    { match: solicitation(linkLocal), from: "nd_target" },
  ];
}
