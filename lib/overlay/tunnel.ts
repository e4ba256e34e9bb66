/**
 * What comes out of the tunnel, and what goes into it.
 *
 * A frame from a tunnel goes to this node's own ports or nowhere: never back into a tunnel, so
 * there is no loop. It is taken only from the node that holds the lease of its source; a node that
 * lost it, or was removed, is cut off by each peer at once.
 */
import type { Ip4 } from "../net/ip4.ts";
import { ip6Of, macOfIp4 } from "../net/mac.ts";
import type { Action, Flow, Match } from "../ovs/flow.ts";
import { peersCookie } from "./cookies.ts";
import { icmp6, neighbourAdvertisement } from "./neighbours.ts";
import {
  flowsOf,
  forwardTable,
  goto,
  inNetwork,
  macsOf,
  type SwitchNetwork,
  type SwitchPeer,
  type SwitchTunnel,
  tables,
} from "./state.ts";

/** The network's own flows for its tunnel; none without one. */
export function tunnelFlows(network: SwitchNetwork, cookie: bigint): readonly Flow[] {
  const { vni, tunnel, gateway, port } = network;
  if (tunnel === undefined) return [];
  const flow = flowsOf(cookie);
  return [
    flow(
      tables.classify,
      120,
      { inPort: tunnel.ofport, tunnelId: vni, vlan: "none" },
      inNetwork(vni, tables.ingress),
    ),
    // The gateway is every node's own. Its address is in a block that some node holds, so the guard
    // alone would let that node be the gateway of all.
    ...[gateway, port.address].flatMap((address) =>
      sentAs(network, address).map((match) =>
        flow(tables.ingress, 200, { reg0: vni, ...match }, []),
      ),
    ),
  ];
}

/** How many flows `tunnelFlows` gives. */
export const countTunnelFlows = ({ tunnel, subnet6 }: Pick<SwitchNetwork, "tunnel" | "subnet6">) =>
  tunnel === undefined ? 0 : 1 + 2 * (subnet6 === undefined ? 3 : 5);

/** Frames whose Ethernet, ARP, IP or ND sender is the address. */
function sentAs({ subnet6 }: SwitchNetwork, address: Ip4): readonly Match[] {
  const ip4: readonly Match[] = [
    { ethSrc: macOfIp4(address) },
    { ethType: "arp", arpSpa: address },
    { ethType: "ip", ipSrc: address },
  ];
  if (subnet6 === undefined) return ip4;
  const address6 = ip6Of(subnet6, address);
  return [
    ...ip4,
    { ethType: "ipv6", ip6Src: address6 },
    { ...icmp6, icmp6Type: neighbourAdvertisement, ndTarget: address6 },
  ];
}

/**
 * The flows of one lease of a peer: what it sends is let in, and what is for it goes to its VTEP.
 * A lease with a MAC of its own has a third: what is asked of the computed one, by ARP or neighbour
 * discovery, is for it too.
 */
export function peerFlows(
  network: Pick<SwitchNetwork, "vni" | "gateway">,
  tunnel: SwitchTunnel,
  { prefix, vtep, mac }: SwitchPeer,
): readonly Flow[] {
  const { vni } = network;
  const table = forwardTable(network, prefix);
  const flow = flowsOf(peersCookie(vni));
  // The longer prefix wins.
  const priority = 100 + prefix.length;
  const macs = mac ?? macsOf(prefix);
  const from: Match =
    vtep.family === 4 ? { tunnelSrc: vtep.address } : { tunnelSrc6: vtep.address };
  const across: readonly Action[] = [
    { do: "set tunnel id", vni },
    vtep.family === 4
      ? { do: "set tunnel dst", address: vtep.address }
      : { do: "set tunnel dst6", address: vtep.address },
    { do: "output", port: tunnel.ofport },
  ];
  const flows = [
    flow(tables.ingress, priority, { reg0: vni, ...from, ethSrc: macs }, [goto(tables.local)]),
    flow(table, priority, { reg0: vni, ethDst: macs }, across),
  ];
  if (mac === undefined) return flows;
  const computed = { reg0: vni, ethDst: macOfIp4(prefix.base) };
  return [...flows, flow(table, priority, computed, [{ do: "set eth_dst", mac }, ...across])];
}
