/**
 * The pipeline: what the switch does, as a pure function of networks, peers' leases and ports.
 *
 *   0 classify   untagged frames of a known port, with the sender they must have -> reg0 = VNI
 *  10 ingress    from a tunnel: a source that its VTEP holds the lease of -> 40; never the gateway
 *  20 neighbour  ARP requests and neighbour solicitations: destination MAC from the target address
 *  30 forward    by MAC prefix: this node's blocks -> 40; a peer's -> its VTEP; the rest, and the
 *                gateway's block -> 35
 *  35 single     by MAC: the gateway, leases of one address; else by prefix as in 30; the rest is
 *                dropped
 *  40 local      exact MAC -> port
 *
 * Invariants: nothing is flooded or learned; a container sends only as itself, a node only for the
 * leases it holds; a frame stays in its network (reg0, and the VNI between nodes); what came from a
 * tunnel never goes into one; what no flow allows is dropped.
 * Why 30, 35 and 40 are apart: *measured*, a single exact MAC in the table of the prefixes made a
 * megaflow for each of 64 remote destinations; apart, they share one.
 * Why asked instead of answered: the MAC is a function of the address, so a request becomes a
 * unicast to the one who holds it; where nobody does, nobody answers.
 */
import { fnv1a64 } from "../hash.ts";
import { computedMacs, macOfIp4 } from "../net/mac.ts";
import { prefix4Of } from "../net/prefix.ts";
import type { Flow } from "../ovs/flow.ts";
import { attachmentFlows } from "./attachment.ts";
import { baseCookie, networkCookie } from "./cookies.ts";
import { guardedNeighbourTypes, icmp6, neighbourTargets } from "./neighbours.ts";
import {
  flowsOf,
  forwardTable,
  goto,
  inNetwork,
  macsOf,
  type SwitchNetwork,
  type SwitchPeer,
  type SwitchState,
  tables,
} from "./state.ts";
import { countTunnelFlows, peerFlows, tunnelFlows } from "./tunnel.ts";

/** All flows of the state: what a full synchronisation leaves in the switch. */
export const allFlows = (state: SwitchState): readonly Flow[] => [
  ...baseFlows(),
  ...state.networks.flatMap((network) => [
    ...networkFlows(network),
    ...allPeerFlows(network, network.peerLeases),
  ]),
  ...state.attachments.flatMap(attachmentFlows),
];

/** The flows of all leases that peers have in the network; none without a tunnel. */
export const allPeerFlows = (
  network: SwitchNetwork,
  leases: readonly SwitchPeer[],
): readonly Flow[] => {
  const { tunnel } = network;
  return tunnel === undefined ? [] : leases.flatMap((lease) => peerFlows(network, tunnel, lease));
};

/** The flows that are there whatever the networks are. Without them the switch has forgotten. */
export function baseFlows(): readonly Flow[] {
  const flow = flowsOf(baseCookie);
  return [
    flow(tables.classify, 0, {}, []),
    ...guardedNeighbourTypes.map((icmp6Type) =>
      flow(tables.classify, 105, { ...icmp6, icmp6Type }, []),
    ),
    flow(tables.ingress, 0, {}, []),
    flow(tables.neighbour, 0, {}, [goto(tables.forward)]),
    flow(tables.forward, 0, {}, [goto(tables.single)]),
    flow(tables.single, 0, {}, []),
    flow(tables.local, 0, {}, []),
  ];
}

/** The flows of one network: its own port, its neighbours, its gateway, its leases, its tunnel. */
export function networkFlows(network: SwitchNetwork): readonly Flow[] {
  const { vni, port, gateway } = network;
  const cookie = cookieOfNetwork(network);
  const gatewayBlock = prefix4Of(gateway, network.blockLength);
  const portMac = macOfIp4(port.address);
  const flow = flowsOf(cookie);
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
    flow(tables.forward, 100 + gatewayBlock.length, { reg0: vni, ethDst: macsOf(gatewayBlock) }, [
      goto(tables.single),
    ]),
    flow(tables.single, 200, { reg0: vni, ethDst: macOfIp4(gateway) }, [
      { do: "set eth_dst", mac: portMac },
      goto(tables.local),
    ]),
    ...network.leases.map((lease) =>
      flow(forwardTable(network, lease), 100 + lease.length, { reg0: vni, ethDst: macsOf(lease) }, [
        goto(tables.local),
      ]),
    ),
    flow(tables.local, 100, { reg0: vni, ethDst: portMac }, [{ do: "output", port: port.ofport }]),
    ...tunnelFlows(network, cookie),
  ];
}

/**
 * The cookie of a network's own flows: another one if anything that they are made from is another,
 * or its peers' leases are. So counting those few tells of all.
 */
export function cookieOfNetwork(network: SwitchNetwork): bigint {
  const { vni, subnet, subnet6, gateway, blockLength, port, leases, tunnel, peers } = network;
  let text = `${subnet.base}/${subnet.length} ${subnet6?.base}/${subnet6?.length} ${gateway}/${blockLength}`;
  text += ` ${port.ofport} ${port.address}`;
  for (const { base, length } of leases) text += ` ${base}/${length}`;
  for (const name of network.allowed ?? []) text += ` >${name}`;
  if (tunnel !== undefined) {
    text += ` ${tunnel.ofport} ${tunnel.local.address} ${peers.count} ${peers.digest}`;
  }
  const { low } = fnv1a64(text);
  return networkCookie(vni, low ^ (low >>> 16));
}

/** How many flows `networkFlows` gives: what every ADD compares with, without making them. */
export const countNetworkFlows = (
  network: Pick<SwitchNetwork, "subnet6" | "leases" | "tunnel">,
): number =>
  4 + (network.subnet6 === undefined ? 1 : 3) + network.leases.length + countTunnelFlows(network);
