/**
 * A network on this node, looked at: whether the bridge, the network's own port, the firewall and
 * the flows are there; what is not is made (gateway-make.ts).
 */
import type { Deadline } from "../deadline.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import type { Network } from "../ipam/network.ts";
import { find } from "../ipam/pool.ts";
import type { Ip4 } from "../net/ip4.ts";
import { ofNetwork, only, peersCookie } from "../overlay/cookies.ts";
import {
  allPeerFlows,
  baseFlows,
  cookieOfNetwork,
  countNetworkFlows,
  networkFlows,
} from "../overlay/pipeline.ts";
import { filterNetwork, makeGateway, prefixesHeld } from "./gateway-make.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment, gatewayLinkName } from "./names.ts";
import { standingNetwork, withPeers } from "./switch-network.ts";

/**
 * Makes sure that the network is up on this node, and gives its MTU in bytes. Where it is, this
 * costs three questions (link, firewall, flows); where not, it is made under the switch's lock,
 * with `own` as the node's address, or the next that is free.
 */
export async function ensureGateway(
  host: Host,
  held: HeldNetwork,
  own: Ip4 | undefined,
  deadline: Deadline,
): Promise<{ readonly mtu: number }> {
  const before = lookAt(host, held, deadline);
  if (before.state === "complete") return before;
  const unlock = host.run.lock("switch.lock", "exclusive", deadline);
  try {
    // Who had the lock before us may have made it, or claimed more.
    const heldHere = heldNow(host.ipam.dirs, held.stored.network.name) ?? held;
    const found = lookAt(host, heldHere, deadline);
    if (found.state === "forgotten") return await makeGateway(host, held, own, deadline);
    if (found.state === "behind") {
      const { network } = heldHere.stored;
      (await host.filter()).add(filterNetwork(network, prefixesHeld(host, heldHere)));
      replaceFlows(host, heldHere, deadline);
    }
    return found;
  } finally {
    unlock();
  }
}

/**
 * The MTU of a network that stands on this node, as far as its link and its own address tell, which
 * is what must be known before an address is given; the rest is for `isComplete`.
 */
export function standingMtu(host: Host, network: Network): number | undefined {
  const link = host.links().get(gatewayLinkName(network.name));
  const own = find(host.ipam.dirs, gatewayAttachment(network.name));
  return link?.up && own !== undefined ? link.mtu : undefined;
}

/** Whether firewall and switch have all of a network that stands. */
export const isComplete = (host: Host, held: HeldNetwork, deadline: Deadline): boolean =>
  stateOfFlows(host, held, deadline) === "complete";

type Found =
  | { readonly state: "complete" | "behind"; readonly mtu: number }
  | { readonly state: "forgotten" };

/** What there is of the network on this node; "forgotten" where it has to be made from the ground. */
function lookAt(host: Host, held: HeldNetwork, deadline: Deadline): Found {
  const mtu = standingMtu(host, held.stored.network);
  const state = mtu === undefined ? "forgotten" : stateOfFlows(host, held, deadline);
  return mtu === undefined || state === "forgotten" ? { state: "forgotten" } : { state, mtu };
}

/**
 * Whether the switch has the network's flows. They are put in with all others and at once, so a
 * switch that has none of them forgot everything, and one with another number lacks a new lease.
 */
function stateOfFlows(
  host: Host,
  held: HeldNetwork,
  deadline: Deadline,
): "complete" | "behind" | "forgotten" {
  const { network } = held.stored;
  if (!host.isFiltered(gatewayLinkName(network.name))) return "forgotten";
  const wanted = standingNetwork(host, held);
  if (wanted === undefined) return "forgotten";
  const flows = host.flows(deadline);
  const exact = flows.aggregate(only(cookieOfNetwork(wanted)), deadline);
  if (exact.flows === countNetworkFlows(wanted)) return "complete";
  return flows.aggregate(ofNetwork(network.vni), deadline).flows > 0 ? "behind" : "forgotten";
}

function replaceFlows(host: Host, held: HeldNetwork, deadline: Deadline): void {
  const { name, vni } = held.stored.network;
  const standing = standingNetwork(host, held);
  if (standing === undefined) return;
  const wanted = withPeers(host, name, standing);
  const flows = [...networkFlows(wanted), ...allPeerFlows(wanted, wanted.peerLeases)];
  host
    .flows(deadline)
    .stage(
      [
        { do: "delete", cookies: ofNetwork(vni) },
        { do: "delete", cookies: only(peersCookie(vni)) },
        // Whoever took some of the network's may have taken some of these.
        ...[...baseFlows(), ...flows].map((flow) => ({ do: "add", flow }) as const),
      ],
      deadline,
    )
    .commit(deadline);
}
