/**
 * A network on this node, looked at: whether the bridge, the network's own port, the firewall and
 * the flows are there; what is not is made (gateway-make.ts).
 */
import type { Deadline } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import { find } from "../ipam/assignments.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import type { Network } from "../ipam/network.ts";
import type { Ip4 } from "../net/ip4.ts";
import { ofNetwork } from "../overlay/cookies.ts";
import { isGone, isUserspace } from "./bridge.ts";
import { addToFilter } from "./firewall.ts";
import { makeGateway } from "./gateway-make.ts";
import type { Host } from "./host.ts";
import { joinAllowed } from "./join-allowed.ts";
import { gatewayAttachment, gatewayLinkName } from "./names.ts";
import { askForFlows, replaceFlows } from "./network-flows.ts";
import { restorePorts } from "./restore.ts";
import { standingNetwork } from "./switch-network.ts";
import { synchronise } from "./sync.ts";
import { ensureTunnel } from "./tunnel.ts";

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
  const made = await makeComplete(host, held, own, deadline);
  await findPeers(host, deadline);
  return made;
}

async function makeComplete(
  host: Host,
  held: HeldNetwork,
  own: Ip4 | undefined,
  deadline: Deadline,
): Promise<{ readonly mtu: number }> {
  const unlock = host.run.lock("switch.lock", "exclusive", deadline);
  try {
    // Who had the lock before us may have made it, or claimed more.
    const heldHere = heldNow(host.ipam.dirs, held.stored.network.name) ?? held;
    const found = lookAt(host, heldHere, deadline);
    if (found.state === "forgotten") {
      const made = await makeGateway(host, held, own, deadline);
      // What has taken this network along may have taken others, and containers' ports.
      if ((await restorePorts(host, deadline)).length > 0) synchronise(host, deadline);
      await joinAllowed(host, held, deadline);
      return made;
    }
    if (found.state === "behind") {
      await catchUp(host, heldHere, deadline);
      await joinAllowed(host, heldHere, deadline);
    }
    return found;
  } finally {
    unlock();
  }
}

/**
 * So that the first frame to a peer arrives: of whichever network, for a switch that forgot has got
 * the flows of all. Loaded here: few ADDs have anything to be made.
 */
async function findPeers(host: Host, deadline: Deadline): Promise<void> {
  if (host.ipam.node().vtep === undefined) return;
  const { mostAsked, resolveVteps, vtepsHere } = await import("./neighbours.ts");
  try {
    const vteps = vtepsHere(host);
    if (vteps.length === 0 || !isUserspace(host, deadline)) return;
    resolveVteps(host, vteps, { which: "unknown", most: mostAsked(host) }, deadline);
  } catch (fault) {
    const reason = reasonOf(fault);
    host.log.debug("the switch may not know the MACs of all peers", { reason });
  }
}

/** Gives firewall and switch what is held of a network by now, if it stands on this node. */
export async function tellOfLeases(host: Host, network: string, deadline: Deadline): Promise<void> {
  const found = await tellOfThose(host, network, deadline);
  if (found === "behind") await findPeers(host, deadline);
}

/** Gives what it has found there; undefined where nothing is held of it. */
async function tellOfThose(
  host: Host,
  network: string,
  deadline: Deadline,
): Promise<State | undefined> {
  const unlock = host.run.lock("switch.lock", "exclusive", deadline);
  try {
    const held = heldNow(host.ipam.dirs, network);
    const state = held && lookAt(host, held, deadline).state;
    if (held === undefined || state === "forgotten") return state;
    // The flows don't tell of a lease with a MAC of its own.
    if (state === "complete") addToFilter(host, await host.filter(), held);
    else await catchUp(host, held, deadline);
    return state;
  } finally {
    unlock();
  }
}

/** Gives firewall and switch what the node has claimed since, what its peers have, and its policies. */
async function catchUp(host: Host, held: HeldNetwork, deadline: Deadline): Promise<void> {
  addToFilter(host, await host.filter(), held);
  if (held.tunnel !== undefined) ensureTunnel(host, held.tunnel, deadline);
  replaceFlows(host, held, deadline);
}

/**
 * The MTU of a network that stands on this node, as far as its link and its own address tell, which
 * is what must be known before an address is given; the rest is for `askForState`.
 */
export function standingMtu(host: Host, network: Network): number | undefined {
  const link = host.links().get(gatewayLinkName(network.name));
  const own = find(host.ipam.dirs, gatewayAttachment(network.name));
  return link?.up && own !== undefined ? link.mtu : undefined;
}

type State = "complete" | "behind" | "forgotten";

type Found =
  | { readonly state: Exclude<State, "forgotten">; readonly mtu: number }
  | { readonly state: "forgotten" };

/** What there is of the network on this node; "forgotten" where it has to be made from the ground. */
function lookAt(host: Host, held: HeldNetwork, deadline: Deadline): Found {
  const mtu = standingMtu(host, held.stored.network);
  const state = mtu === undefined ? "forgotten" : askForState(host, held, deadline)(deadline);
  return mtu === undefined || state === "forgotten" ? { state: "forgotten" } : { state, mtu };
}

/**
 * Asks whether firewall and switch have all of a network that stands, and does not wait for the
 * switch: who takes the answer does. Its flows are put in with all others and at once, so a switch
 * that has none of them forgot everything, and one with others lacks a new lease, of this node or
 * of a peer.
 */
export function askForState(
  host: Host,
  held: HeldNetwork,
  deadline: Deadline,
): (until: Deadline) => State {
  const { network } = held.stored;
  const hasAll = askSwitch(host, held, deadline);
  if (hasAll === undefined || !host.isFiltered(gatewayLinkName(network.name))) {
    return () => "forgotten";
  }
  return (until) => {
    if (hasAll(until)) return "complete";
    const { flows } = host.flows(until).aggregate(ofNetwork(network.vni), until);
    return flows > 0 ? "behind" : "forgotten";
  };
}

/** Undefined where there is nothing to ask for, or nobody to be asked. */
function askSwitch(host: Host, held: HeldNetwork, deadline: Deadline) {
  const wanted = standingNetwork(host, held);
  try {
    return wanted && askForFlows(host, wanted, deadline);
  } catch (fault) {
    // The switch was down when its database lost the bridge: the links have outlived both.
    if (isGone(host, fault, deadline)) return undefined;
    throw fault;
  }
}
