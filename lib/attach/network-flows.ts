/** A network's flows in the switch: whether they are there, and put there. */
import type { Deadline } from "../deadline.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import { digestOf, type PeerLease } from "../ipam/peers.ts";
import { ofNetwork, only, peersCookie } from "../overlay/cookies.ts";
import {
  allPeerFlows,
  baseFlows,
  cookieOfNetwork,
  countNetworkFlows,
  networkFlows,
} from "../overlay/pipeline.ts";
import type { SwitchNetwork } from "../overlay/state.ts";
import type { Flow } from "../ovs/flow.ts";
import type { FlowChange } from "../ovs/switch.ts";
import type { Host } from "./host.ts";
import { standingNetwork, withPeers } from "./switch-network.ts";

/**
 * Whether the switch has the network's flows, its peers' included. They are put in together and at
 * once, so that the network's own few tell of all.
 */
export const hasFlows = (host: Host, network: SwitchNetwork, deadline: Deadline): boolean =>
  askForFlows(host, network, deadline)(deadline);

/** Asks that and does not wait: who takes the answer does. */
export function askForFlows(
  host: Host,
  network: SwitchNetwork,
  deadline: Deadline,
): (until: Deadline) => boolean {
  const cookies = only(cookieOfNetwork(network));
  const counted = host.flows(deadline).askAggregate(cookies, deadline);
  return (until) => counted(until).flows === countNetworkFlows(network);
}

/** Puts all of a standing network's flows in place of those that there are. */
export function replaceFlows(host: Host, held: HeldNetwork, deadline: Deadline): void {
  const { name, vni } = held.stored.network;
  const standing = standingNetwork(host, held);
  if (standing === undefined) return;
  const wanted = withPeers(host, name, standing);
  const flows = host.flows(deadline);
  flows
    .stage(
      [
        { do: "delete", cookies: ofNetwork(vni) },
        { do: "delete", cookies: only(peersCookie(vni)) },
        // Whoever took some of the network's may have taken some of these.
        ...adding(baseFlows()),
        ...adding(networkFlows(wanted)),
        ...adding(allPeerFlows(wanted, wanted.peerLeases)),
      ],
      deadline,
    )
    .commit(deadline);
}

/** The leases that peers have got and lost since the network's flows were put in. */
export interface PeerChanges {
  readonly added: readonly PeerLease[];
  readonly removed: readonly PeerLease[];
}

/**
 * Gives the switch what has changed of the peers' leases: a few messages for each, and the
 * network's own flows, which say by their cookie what there is. What is held of the network, and
 * its peers' leases, are written down already. If the switch has not what was there before these
 * changes, it gets all of the network. The caller holds the switch's lock exclusively.
 */
export function applyPeerChanges(
  host: Host,
  network: string,
  changes: PeerChanges,
  deadline: Deadline,
): "unchanged" | "changed" | "replaced" {
  const held = heldNow(host.ipam.dirs, network);
  const wanted = held && standingNetwork(host, held);
  if (held === undefined || wanted?.tunnel === undefined) return "unchanged";
  if (hasFlows(host, wanted, deadline)) return "unchanged";
  if (!hasFlows(host, { ...wanted, peers: before(wanted, changes) }, deadline)) {
    replaceFlows(host, held, deadline);
    return "replaced";
  }
  host
    .flows(deadline)
    .stage(
      [
        ...allPeerFlows(wanted, changes.removed).map(
          (flow): FlowChange => ({ do: "delete flow", flow }),
        ),
        { do: "delete", cookies: ofNetwork(wanted.vni) },
        ...adding(networkFlows(wanted)),
        ...adding(allPeerFlows(wanted, changes.added)),
      ],
      deadline,
    )
    .commit(deadline);
  return "changed";
}

/** What the peers' leases were: digests are joined by exclusive or, which takes itself back. */
function before({ peers }: SwitchNetwork, { added, removed }: PeerChanges): SwitchNetwork["peers"] {
  const changed = [...added, ...removed].reduce((digest, lease) => digest ^ digestOf(lease), 0);
  return {
    count: peers.count - added.length + removed.length,
    digest: (peers.digest ^ changed) >>> 0,
  };
}

const adding = (flows: readonly Flow[]): readonly FlowChange[] =>
  flows.map((flow) => ({ do: "add", flow }));
