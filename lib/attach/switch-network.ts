/** A network as this node's switch is to see it, from what is held of it. */

import { find } from "../ipam/assignments.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import { peersOf, readPeers } from "../ipam/peers.ts";
import type { Prefix4 } from "../net/prefix.ts";
import type { SwitchNetwork, SwitchState } from "../overlay/state.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment } from "./names.ts";

/** The tunnel's port number: the flows can be made before it is there. */
export const tunnelPort = 1;

/** Without the peers' leases: all that an ADD needs to know whether the switch has those. */
export function switchNetwork(
  held: Pick<HeldNetwork, "stored" | "blocks" | "tunnel" | "peers">,
  port: SwitchNetwork["port"],
): SwitchNetwork {
  const { vni, subnet, subnet6, gateway, blockLength, allowed } = held.stored.network;
  const leases: Prefix4[] = [];
  // One with a MAC of its own has its flows with the container's port.
  for (const { mac, prefix } of held.blocks) if (mac === undefined) leases.push(prefix);
  return {
    vni,
    subnet,
    subnet6,
    gateway,
    blockLength,
    allowed,
    port,
    leases,
    tunnel: held.tunnel && { ofport: tunnelPort, local: held.tunnel },
    peers: held.peers,
  };
}

/** The same of a network that stands; undefined while the node has no address in it. */
export function standingNetwork(host: Host, held: HeldNetwork): SwitchNetwork | undefined {
  const own = find(host.ipam.dirs, gatewayAttachment(held.stored.network.name));
  if (own?.ofport === undefined) return undefined;
  return switchNetwork(held, { ofport: own.ofport, address: own.address });
}

/** With the peers' leases, and known by them: the file may be newer than what is held says. */
export function withPeers(
  host: Host,
  name: string,
  network: SwitchNetwork,
): SwitchState["networks"][number] {
  if (network.tunnel === undefined) return { ...network, peerLeases: [] };
  const peerLeases = readPeers(host.ipam.dirs, name);
  return { ...network, peers: peersOf(peerLeases), peerLeases };
}

/** The network with its peers' leases as they are written now; undefined if it is not known. */
export function networkNow(
  host: Host,
  name: string,
  port: SwitchNetwork["port"],
): SwitchState["networks"][number] | undefined {
  const held = heldNow(host.ipam.dirs, name);
  return held && withPeers(host, name, switchNetwork(held, port));
}
