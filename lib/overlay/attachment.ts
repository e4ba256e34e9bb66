/** The flows of one container's port: what it may send, its MAC, and whose computed MAC it answers. */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import { ip6Of, linkLocal, type Mac, macOfIp4 } from "../net/mac.ts";
import type { Flow, Match } from "../ovs/flow.ts";
import { attachmentCookie } from "./cookies.ts";
import { meterIds } from "./meters.ts";
import { arpRequest, icmp6, neighbourAdvertisement, neighbourSolicitation } from "./neighbours.ts";
import { flowsOf, goto, inNetwork, type SwitchAttachment, tables } from "./state.ts";

const noMac = 0 as Mac;

export function attachmentFlows(port: SwitchAttachment): readonly Flow[] {
  const { vni, ofport, mac, address, address6, limits } = port;
  const ids = meterIds(ofport);
  const sent = limits?.send === undefined ? [] : [{ do: "meter", id: ids.send } as const];
  const received = limits?.receive === undefined ? [] : [{ do: "meter", id: ids.receive } as const];
  const flow = flowsOf(attachmentCookie(ofport));
  const from: Match = { inPort: ofport, vlan: "none", ethSrc: mac };
  const arp: Match = { ...from, ethType: "arp", arpSha: mac };
  const toNeighbour = inNetwork(vni, tables.neighbour);
  const toForward = inNetwork(vni, tables.forward);
  return [
    flow(tables.classify, 100, { ...from, ethType: "ip", ipSrc: address }, [...sent, ...toForward]),
    flow(tables.classify, 100, { ...arp, arpSpa: address }, toNeighbour),
    // A probe, of who is not sure yet that the address is its own (RFC 5227).
    flow(tables.classify, 100, { ...arp, arpOp: arpRequest, arpSpa: 0 as Ip4 }, toNeighbour),
    ...(address6 === undefined
      ? []
      : ip6Senders(from, mac, [address6, ip6Of(linkLocal, address)])
    ).map(({ priority, match, table }) =>
      flow(tables.classify, priority, match, [
        ...(isNeighbours(match) ? [] : sent),
        ...inNetwork(vni, table),
      ]),
    ),
    ...(mac === macOfIp4(address)
      ? []
      : givenMac(port).map(({ ethDst, actions }) =>
          flow(tables.single, 140, { reg0: vni, ethDst }, actions),
        )),
    flow(tables.local, 100, { reg0: vni, ethDst: mac }, [
      ...received,
      { do: "output", port: ofport },
    ]),
  ];
}

/** Neighbour discovery, as ARP, is no traffic to be limited: without it there is none. */
const isNeighbours = ({ icmp6Type }: Match): boolean => icmp6Type !== undefined;

/**
 * A MAC that was asked for is in no leased prefix; and what is asked of the computed one, by ARP or
 * neighbour discovery, is for it too.
 */
const givenMac = ({ mac, address }: SwitchAttachment) => [
  { ethDst: mac, actions: [goto(tables.local)] },
  {
    ethDst: macOfIp4(address),
    actions: [{ do: "set eth_dst", mac } as const, goto(tables.local)],
  },
];

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
