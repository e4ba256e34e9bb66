/**
 * Our two tables, as data: pure. nft-tables.ts makes them.
 *
 * The rules never change while they are there: networks are elements of the sets.
 */
import { vxlanPort } from "../net/vxlan.ts";
import type { Attribute } from "./netlink.ts";
import {
  accept,
  addressIn,
  drop,
  fromHost,
  hasNoWayBack,
  isForwarded,
  isNew,
  isProtocol,
  masquerade,
  named,
  notOfThatLink,
  notToHost,
  pairNotIn,
  toLoopback,
  toUdpPort,
  untracked,
  wasDnated,
} from "./nft-expressions.ts";
import { family } from "./nft-message.ts";
import { allowedSet, versionComment } from "./nft-version.ts";

/** For addresses one of each family. */
export type SetName = `${"subnets" | "plain" | "local"}${4 | 6}` | "allowed";

export interface SetSpec {
  readonly name: SetName;
  /** Bytes of an element. */
  readonly keyLength: number;
  readonly interval: boolean;
  /** How nft(8) shows the elements. */
  readonly shownAs: number;
  /** For nft(8): what it keeps with the set. */
  readonly userdata: Uint8Array;
}

export interface ChainSpec {
  readonly name: string;
  readonly type: "filter" | "nat";
  /** NF_INET_*, NF_ARP_*. */
  readonly hook: number;
  readonly priority: number;
  readonly rules: readonly (readonly Attribute[])[];
}

export interface TableSpec {
  readonly family: number;
  readonly sets: readonly SetSpec[];
  readonly chains: readonly ChainSpec[];
}

// nft(8)'s own numbers of types, and its records (type, length, value) of what it keeps with a set.
const shown = { ipv4: 7, ipv6: 8, ifnamePair: (41 << 6) | 41 };
const bigEndian = Uint8Array.of(0, 4, 2, 0, 0, 0);

const addresses4 = (name: SetName): SetSpec => {
  return { name, keyLength: 4, interval: true, shownAs: shown.ipv4, userdata: bigEndian };
};
const addresses6 = (name: SetName): SetSpec => {
  return { name, keyLength: 16, interval: true, shownAs: shown.ipv6, userdata: bigEndian };
};

export const sets = {
  /** The networks' subnets. */
  subnets4: addresses4("subnets4"),
  subnets6: addresses6("subnets6"),
  /** Those whose traffic to elsewhere is not masqueraded. */
  plain4: addresses4("plain4"),
  plain6: addresses6("plain6"),
  /** The addresses of containers on this node. */
  local4: addresses4("local4"),
  local6: addresses6("local6"),
  /**
   * Gateway links, from which to which is forwarded: a network to itself, and to others that it may
   * reach. It tells the version.
   */
  allowed: {
    name: allowedSet,
    keyLength: 32,
    interval: false,
    shownAs: shown.ifnamePair,
    userdata: versionComment(),
  },
} as const satisfies Record<SetName, SetSpec>;

const containers = "spv";
const gateways = "sp-";

/** Out of the networks, and not to another's subnet. */
const leaving = (
  protocol: "ip" | "ip6",
  subnets: SetSpec,
  plain: SetSpec,
): readonly Attribute[] => [
  ...named("oifname", "!=", gateways),
  ...isProtocol(protocol),
  ...addressIn(protocol, "saddr", "in", subnets.name),
  ...addressIn(protocol, "saddr", "not in", plain.name),
  ...addressIn(protocol, "daddr", "not in", subnets.name),
  ...masquerade,
];

/**
 * From another network than that of its link: a node routes between the containers of networks that
 * reach each other, and what it sends comes here only where it is for this host's own address.
 */
const byDetour = (protocol: "ip" | "ip6", subnets: SetSpec): readonly Attribute[] => [
  ...named("iifname", "==", gateways),
  ...isProtocol(protocol),
  ...addressIn(protocol, "saddr", "in", subnets.name),
  ...hasNoWayBack,
  ...drop,
];

/** From a network to a container, of whichever network. */
const between = (protocol: "ip" | "ip6", subnets: SetSpec): readonly Attribute[] => [
  ...named("iifname", "==", gateways),
  ...isProtocol(protocol),
  ...addressIn(protocol, "daddr", "in", subnets.name),
  ...notToHost,
  ...untracked,
];

/** From a network to the host's addresses in another one. */
const elsewhere = (protocol: "ip" | "ip6", subnets: SetSpec): readonly Attribute[] => [
  ...named("iifname", "==", gateways),
  ...isProtocol(protocol),
  ...addressIn(protocol, "daddr", "in", subnets.name),
  ...notOfThatLink,
  ...isNew,
  ...drop,
];

/** From the world to a container of this node, under another address. */
const fromOutside = (protocol: "ip" | "ip6", local: SetSpec): readonly Attribute[] => [
  ...wasDnated,
  ...isForwarded,
  ...named("iifname", "!=", gateways),
  ...named("oifname", "==", gateways),
  ...isProtocol(protocol),
  ...addressIn(protocol, "daddr", "in", local.name),
  ...accept,
];

/** From the host to another node's container, by whatever address. */
const fromHostToFar = (
  protocol: "ip" | "ip6",
  subnets: SetSpec,
  local: SetSpec,
): readonly Attribute[] => [
  ...named("oifname", "==", gateways),
  ...isProtocol(protocol),
  ...addressIn(protocol, "daddr", "in", subnets.name),
  ...addressIn(protocol, "daddr", "not in", local.name),
  ...fromHost,
  ...masquerade,
];

export const inetChains: readonly ChainSpec[] = [
  {
    // On the userspace datapath the switch reads copies: the host's kernel gets every frame of a
    // container as well, past the switch and its spoof guard.
    name: "raw",
    type: "filter",
    hook: 0,
    priority: -300,
    rules: [
      [...named("iifname", "==", containers), ...drop],
      // Where others made the host route its loopback addresses: kube-proxy, portmap.
      [...named("iifname", "==", gateways), ...isProtocol("ip"), ...toLoopback, ...drop],
      byDetour("ip", sets.subnets4),
      byDetour("ip6", sets.subnets6),
      // The answer goes by the other container's own node, so each of the two sees one half of a
      // connection: others' rules (kube-proxy's) drop what is such by its state, and NAT breaks it.
      between("ip", sets.subnets4),
      between("ip6", sets.subnets6),
    ],
  },
  {
    // The host answers for all its addresses on every link; what it has in a network is for that
    // network alone, but for answers to what it asked itself.
    name: "input",
    type: "filter",
    hook: 1,
    priority: 0,
    rules: [elsewhere("ip", sets.subnets4), elsewhere("ip6", sets.subnets6)],
  },
  {
    name: "forward",
    type: "filter",
    hook: 2,
    priority: 0,
    rules: [
      [
        ...named("iifname", "==", gateways),
        ...named("oifname", "==", gateways),
        ...pairNotIn(sets.allowed.name),
        ...drop,
      ],
      // Masqueraded, it would come from the node's VTEP address, and peers would take the frames in
      // it for the node's own, of any network.
      [...named("iifname", "==", gateways), ...toUdpPort(vxlanPort), ...drop],
    ],
  },
  {
    name: "postrouting",
    type: "nat",
    hook: 4,
    priority: 100,
    rules: [
      // Such a container answers the world by way of its gateway, which is here: the sender can be
      // kept, as `externalTrafficPolicy: Local` and ports of the host promise. Another node's
      // would answer by its own gateway.
      fromOutside("ip", sets.local4),
      fromOutside("ip6", sets.local6),
      // Containers are on-link to each other: without it, the answer of one that the host has
      // rewritten a destination to would not come back through the host.
      [...wasDnated, ...named("oifname", "==", gateways), ...masquerade],
      // The answer would go to that node's own gateway, or out of that node: the gateway's address is
      // on every node, and the host's others are on no network.
      fromHostToFar("ip", sets.subnets4, sets.local4),
      fromHostToFar("ip6", sets.subnets6, sets.local6),
      leaving("ip", sets.subnets4, sets.plain4),
      leaving("ip6", sets.subnets6, sets.plain6),
    ],
  },
];

export const arpChain: ChainSpec = {
  // As the chain "raw": the host answered ARP for all its addresses.
  name: "input",
  type: "filter",
  hook: 0,
  priority: 0,
  rules: [[...named("iifname", "==", containers), ...drop]],
};

export const tables: readonly TableSpec[] = [
  { family: family.inet, sets: Object.values(sets), chains: inetChains },
  { family: family.arp, sets: [], chains: [arpChain] },
];
