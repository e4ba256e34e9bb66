/**
 * The pipeline: what the switch does, as a pure function of networks and ports.
 *
 *   0 classify   untagged frames of a known port, with the sender they must have -> reg0 = VNI
 *  20 neighbour  ARP requests and neighbour solicitations: destination MAC from the target address
 *  30 forward    by MAC prefix: this node's leases and the gateway -> 40; the rest is dropped
 *  40 local      exact MAC -> port
 *
 * Invariants: nothing is flooded or learned; a container sends only as itself; a frame stays in
 * its network (reg0); what no flow allows is dropped.
 * Why 30 and 40 are apart: *measured*, exact MACs and prefixes in one table made a megaflow for
 * each of 64 remote destinations, and 1 when split.
 * Why asked instead of answered: the MAC is a function of the address, so a request becomes a
 * unicast to the one who holds it; where nobody does, nobody answers.
 */
import { fnv1a64 } from "../hash.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import { computedMacs, ip6Of, linkLocal, type Mac, macOfIp4, macsOfPrefix4 } from "../net/mac.ts";
import { mask4, type Prefix4, type Prefix6 } from "../net/prefix.ts";
import type { Action, Flow, Match, Ofport } from "../ovs/flow.ts";
import { attachmentCookie, baseCookie, networkCookie } from "./cookies.ts";

export const tables = { classify: 0, neighbour: 20, forward: 30, local: 40 } as const;

/** A network as this node's switch sees it. */
export interface SwitchNetwork {
  readonly vni: number;
  readonly subnet: Prefix4;
  readonly subnet6: Prefix6 | undefined;
  readonly gateway: Ip4;
  /** The node's own port in the network, where the gateway lives too. */
  readonly port: { readonly ofport: Ofport; readonly address: Ip4 };
  /** The prefixes that this node holds. */
  readonly leases: readonly Prefix4[];
}

/** A container's port. */
export interface SwitchAttachment {
  readonly vni: number;
  readonly ofport: Ofport;
  readonly address: Ip4;
  readonly address6: Ip6 | undefined;
  readonly mac: Mac;
}

/** Everything that is to be in the switch. */
export interface SwitchState {
  readonly networks: readonly SwitchNetwork[];
  readonly attachments: readonly SwitchAttachment[];
}

/** All flows of the state: what a full synchronisation leaves in the switch. */
export const allFlows = (state: SwitchState): readonly Flow[] => [
  ...baseFlows(),
  ...state.networks.flatMap(networkFlows),
  ...state.attachments.flatMap(attachmentFlows),
];

const arpRequest = 1;
const routerSolicitation = 133;
const routerAdvertisement = 134;
const neighbourSolicitation = 135;
const neighbourAdvertisement = 136;
const redirect = 137;
const icmp6 = { ethType: "ipv6", ipProto: 58 } as const;
const noMac = 0 as Mac;
/** Neighbour discovery (RFC 4861, section 4): allowed by name, with what it claims, or not at all. */
const guardedNeighbourTypes = [
  routerSolicitation,
  routerAdvertisement,
  neighbourSolicitation,
  neighbourAdvertisement,
  redirect,
];

const goto = (table: number): Action => ({ do: "goto", table });
const inNetwork = (vni: number, table: number): readonly Action[] => [
  { do: "set reg0", value: vni },
  goto(table),
];

/** The flows that are there whatever the networks are. Without them the switch has forgotten. */
export function baseFlows(): readonly Flow[] {
  const flow = (table: number, priority: number, match: Match, actions: readonly Action[]) => ({
    cookie: baseCookie,
    table,
    priority,
    match,
    actions,
  });
  return [
    flow(tables.classify, 0, {}, []),
    ...guardedNeighbourTypes.map((icmp6Type) =>
      flow(tables.classify, 105, { ...icmp6, icmp6Type }, []),
    ),
    flow(tables.neighbour, 0, {}, [goto(tables.forward)]),
    flow(tables.forward, 0, {}, []),
    flow(tables.local, 0, {}, []),
  ];
}

/** The flows of one network: its own port, its neighbours, its gateway and its leases. */
export function networkFlows(network: SwitchNetwork): readonly Flow[] {
  const { vni, port } = network;
  const cookie = cookieOfNetwork(network);
  const portMac = macOfIp4(port.address);
  const flow = (table: number, priority: number, match: Match, actions: readonly Action[]) => ({
    cookie,
    table,
    priority,
    match,
    actions,
  });
  return [
    // The host speaks for itself and for whatever it routes, so only its MAC is checked.
    flow(
      tables.classify,
      120,
      { inPort: port.ofport, vlan: "none", ethSrc: portMac },
      inNetwork(vni, tables.neighbour),
    ),
    ...neighbourTargets(network).map(({ match, from }) =>
      flow(tables.neighbour, 100, { reg0: vni, ...match }, [
        { do: "copy to eth_dst", from },
        { do: "set eth_dst", mac: { value: computedMacs.mac, mask: computedMacs.mask } },
        goto(tables.forward),
      ]),
    ),
    // The gateway is on every node: its computed MAC is delivered to this node's own port.
    flow(tables.forward, 200, { reg0: vni, ethDst: macOfIp4(network.gateway) }, [
      { do: "set eth_dst", mac: portMac },
      goto(tables.local),
    ]),
    ...network.leases.map((lease) => {
      const { mac, mask } = macsOfPrefix4(lease);
      return flow(tables.forward, 100 + lease.length, { reg0: vni, ethDst: { value: mac, mask } }, [
        goto(tables.local),
      ]);
    }),
    flow(tables.local, 100, { reg0: vni, ethDst: portMac }, [{ do: "output", port: port.ofport }]),
  ];
}

/** The cookie of a network's flows: another one if anything that they are made from is another. */
export function cookieOfNetwork({ vni, subnet, subnet6, gateway, port, leases }: SwitchNetwork) {
  let text = `${subnet.base}/${subnet.length} ${subnet6?.base}/${subnet6?.length} ${gateway}`;
  text += ` ${port.ofport} ${port.address}`;
  for (const { base, length } of leases) text += ` ${base}/${length}`;
  return networkCookie(vni, fnv1a64(text).low);
}

/** How many flows `networkFlows` gives: what every ADD compares with, without making them. */
export const countNetworkFlows = (network: Pick<SwitchNetwork, "subnet6" | "leases">): number =>
  3 + (network.subnet6 === undefined ? 1 : 3) + network.leases.length;

/** The requests whose destination is computed from the target, in all address families in use. */
function neighbourTargets(network: SwitchNetwork): readonly {
  readonly match: Match;
  readonly from: "arp_tpa" | "nd_target";
}[] {
  const { subnet, subnet6 } = network;
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

/** The flows of one container's port: what it may send, and its MAC. */
export function attachmentFlows(port: SwitchAttachment): readonly Flow[] {
  const { vni, ofport, mac, address, address6 } = port;
  const flow = (table: number, priority: number, match: Match, actions: readonly Action[]) => ({
    cookie: attachmentCookie(ofport),
    table,
    priority,
    match,
    actions,
  });
  const from: Match = { inPort: ofport, vlan: "none", ethSrc: mac };
  const arp: Match = { ...from, ethType: "arp", arpSha: mac };
  const toNeighbour = inNetwork(vni, tables.neighbour);
  const toForward = inNetwork(vni, tables.forward);
  return [
    flow(tables.classify, 100, { ...from, ethType: "ip", ipSrc: address }, toForward),
    flow(tables.classify, 100, { ...arp, arpSpa: address }, toNeighbour),
    // A probe, of who is not sure yet that the address is its own (RFC 5227).
    flow(tables.classify, 100, { ...arp, arpOp: arpRequest, arpSpa: 0 as Ip4 }, toNeighbour),
    ...(address6 === undefined
      ? []
      : ip6Senders(from, mac, [address6, ip6Of(linkLocal, address)])
    ).map(({ priority, match, table }) =>
      flow(tables.classify, priority, match, inNetwork(vni, table)),
    ),
    flow(tables.local, 100, { reg0: vni, ethDst: mac }, [{ do: "output", port: ofport }]),
  ];
}

/** What a container may send as its IPv6 addresses; ND's own claims are checked as ARP's are. */
function ip6Senders(from: Match, mac: Mac, addresses: readonly Ip6[]) {
  const nd = (type: number): Match => ({ ...from, ...icmp6, icmp6Type: type });
  // The link-layer option may be left out; the switch then reads it as zero.
  const options = [mac, noMac];
  return [
    // Duplicate address detection asks from :: (RFC 4862, section 5.4.2).
    {
      priority: 110,
      match: { ...nd(neighbourSolicitation), ip6Src: 0n as Ip6 },
      table: tables.neighbour,
    },
    ...addresses.flatMap((ip6Src) => [
      {
        priority: 100,
        match: { ...from, ethType: "ipv6", ip6Src } as Match,
        table: tables.forward,
      },
      ...options.flatMap((option) => [
        {
          priority: 110,
          match: { ...nd(neighbourSolicitation), ip6Src, ndSll: option },
          table: tables.neighbour,
        },
        {
          priority: 110,
          match: { ...nd(neighbourAdvertisement), ip6Src, ndTarget: ip6Src, ndTll: option },
          table: tables.forward,
        },
      ]),
    ]),
  ];
}
