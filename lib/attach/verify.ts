/** CHECK: compares what is there with what ADD made; names everything that differs. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { parseBlockName } from "../ipam/assignment.ts";
import { find, isHeld } from "../ipam/assignments.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import type { Network } from "../ipam/network.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac, macOfIp4 } from "../net/mac.ts";
import { attachmentFlows } from "../overlay/attachment.ts";
import { attachmentCookie, baseCookie, ofNetwork, only, peersCookie } from "../overlay/cookies.ts";
import { isSame, metersOf } from "../overlay/meters.ts";
import { allPeerFlows, baseFlows, networkFlows } from "../overlay/pipeline.ts";
import type { Flow } from "../ovs/flow.ts";
import { formatFlow } from "../ovs/flow-text.ts";
import type { CookieFilter } from "../ovs/switch.ts";
import type { Link, LinkAddress, Links, Netns } from "../sys/kernel.ts";
import { gatewayAddresses } from "./gateway-make.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment, gatewayLinkName } from "./names.ts";
import { hasFlows } from "./network-flows.ts";
import { type AttachmentPlan, portOf, type WantedRoute } from "./plan.ts";
import { readPort } from "./ports.ts";
import { standingNetwork, withPeers } from "./switch-network.ts";
import { tunnelFault } from "./tunnel.ts";

/**
 * Throws Failure "attachment-broken" naming all that is gone or changed. What chained plugins add
 * (routes, addresses, rules) is not looked at. `routes` are those that ADD's result had.
 */
export function verify(
  host: Host,
  plan: AttachmentPlan,
  place: { readonly netns: Netns; readonly routes: readonly WantedRoute[] },
  deadline: Deadline,
): void {
  const inside = host.kernel.links(place.netns);
  const gateway = host.links().get(gatewayLinkName(plan.network.name));
  let faults: readonly string[];
  try {
    faults = [
      ...innerFaults(inside, plan, place.routes, gateway?.mtu),
      ...hostFaults(host, plan),
      ...gatewayFaults(host, plan.network, gateway),
      ...switchFaults(host, plan, deadline),
    ];
  } finally {
    inside.close();
  }
  if (faults.length === 0) return;
  throw new Failure(
    "attachment-broken",
    `Cannot confirm "${plan.inner}" of container ${plan.assignment.id.containerId}: ${faults.join("; ")}`,
    { details: faults.length > 1 ? faults.join("\n") : undefined },
  );
}

/** What is wrong with the container's own end, and with these routes by it. */
export function innerFaults(
  inside: Links,
  plan: AttachmentPlan,
  wanted: readonly WantedRoute[],
  mtu: number | undefined,
): readonly string[] {
  const link = inside.get(plan.inner);
  if (link === undefined) return [`interface "${plan.inner}" is gone`];
  const { mac } = plan.assignment;
  const have = new Set(inside.addresses(link.index).map(textOf));
  const missing = plan.addresses.map(textOf).filter((address) => !have.has(address));
  // Whichever table they are in: a plugin after us may have moved them, as sbr does.
  const routes = inside.routes("all").filter(({ index }) => index === link.index);
  const lost = wanted.filter(
    ({ family, to, via }) =>
      !routes.some(
        (route) =>
          route.family === family &&
          route.to?.base === to?.base &&
          (route.to?.length ?? 0) === (to?.length ?? 0) &&
          (via === undefined || route.via === via),
      ),
  );
  return [
    ...(link.up ? [] : [`interface "${plan.inner}" is down`]),
    ...(link.mac === mac
      ? []
      : [
          `the MAC is ${link.mac === undefined ? "none" : formatMac(link.mac)}, not ${formatMac(mac)}`,
        ]),
    ...(mtu === undefined || link.mtu === mtu ? [] : [`the MTU is ${link.mtu}, not ${mtu}`]),
    ...missing.map((address) => `address ${address} is gone`),
    ...lost.map((route) => `the route to ${routeText(route)} is gone`),
  ];
}

/** Whether there is no way out of the container at all by IPv4, whichever link it would be by. */
export const lacksDefault = (inside: Links): boolean =>
  !inside.routes("all").some(({ family, to }) => family === 4 && to === undefined);

function hostFaults(host: Host, plan: AttachmentPlan): readonly string[] {
  const outer = host.links().get(plan.outer);
  return [
    ...(outer === undefined
      ? [`link "${plan.outer}" is gone`]
      : outer.up
        ? []
        : [`link "${plan.outer}" is down`]),
    ...(isHeld(host.ipam.dirs, plan.assignment)
      ? []
      : [`address ${formatIp4(plan.assignment.address)} is no longer assigned to it`]),
  ];
}

/** What is wrong with the network on this node, by which its containers reach anything. */
export function gatewayFaults(
  host: Host,
  network: Network,
  gateway: Link | undefined,
): readonly string[] {
  const name = `network "${network.name}"`;
  if (gateway === undefined) return [`the gateway of ${name} is gone`];
  if (!gateway.up) return [`the gateway of ${name} is down`];
  const own = find(host.ipam.dirs, gatewayAttachment(network.name));
  if (own === undefined) return [`this node has no address in ${name}`];
  const have = new Set(host.links().addresses(gateway.index).map(textOf));
  const missing = gatewayAddresses(network, own.address)
    .map(({ address }) => textOf(address))
    .filter((address) => !have.has(address));
  return [
    ...missing.map((address) => `address ${address} of the gateway of ${name} is gone`),
    ...(host.isFiltered(gateway.name)
      ? []
      : [`the firewall does not know ${name}: ${unfiltered(network)}`]),
  ];
}

const unfiltered = ({ masquerade }: Network): string =>
  `nothing keeps it apart from other networks${masquerade ? ", nor masquerades what leaves it" : ""}`;

function switchFaults(host: Host, plan: AttachmentPlan, deadline: Deadline): readonly string[] {
  const { bridge } = host.config.ovs;
  const { ofport: asked = 0 } = plan.assignment;
  const port = readPort(host, plan.outer, deadline);
  if (!port.bridge) return [`bridge "${bridge}" is gone`];
  if (port.uuid === undefined) return [`port "${plan.outer}" is gone from the switch`];
  if (!port.onBridge) return [`port "${plan.outer}" is on another bridge than "${bridge}"`];
  if (port.ofport !== asked) {
    const state = port.error ?? `its number is ${port.ofport ?? "none"}, not ${asked}`;
    return [`port "${plan.outer}" does not work: ${state}`];
  }
  const limited = metersOf(portOf(plan, asked));
  const meters = limited.length === 0 ? [] : host.flows(deadline).meters(deadline);
  const expected = attachmentFlows(portOf(plan, asked)).length;
  const { name, vni } = plan.network;
  const switched = host.flows(deadline);
  const { flows } = switched.aggregate(only(attachmentCookie(asked)), deadline);
  const lacking = (wanted: readonly Flow[], cookies: CookieFilter, whose: string) => {
    const have = new Set(switched.dump(cookies, deadline).map(textOfFlow));
    const { length } = wanted.filter((flow) => !have.has(textOfFlow(flow)));
    if (length === 0) return [];
    if (length === wanted.length) return [`the switch has no flows of ${whose}`];
    return [`the switch lacks ${length} of the flows of ${whose}`];
  };
  const held = heldNow(host.ipam.dirs, name);
  const tunnel = held?.tunnel && tunnelFault(host, held.tunnel, deadline);
  return [
    ...(flows === expected ? [] : [`the switch has ${flows} of its ${expected} flows`]),
    ...(limited.every((meter) => meters.some((one) => isSame(one, meter)))
      ? []
      : ["the switch does not limit its bandwidth as it was asked to"]),
    ...(tunnel === undefined ? [] : [tunnel]),
    ...lacking(flowsAround(host, plan, held), ofNetwork(vni), `network "${name}"`),
    ...lacking(baseFlows(), only(baseCookie), "all networks"),
    ...lacking(
      flowsToPeers(host, held, deadline),
      only(peersCookie(vni)),
      `other nodes in network "${name}"`,
    ),
  ];
}

/**
 * The network's flows by which this attachment lives. Those of other leases are not among them:
 * another ADD may be about to put more in.
 */
function flowsAround(
  host: Host,
  { assignment }: AttachmentPlan,
  held: HeldNetwork | undefined,
): readonly Flow[] {
  const standing = held && standingNetwork(host, held);
  const block = parseBlockName(assignment.block);
  if (standing === undefined || block === undefined) return [];
  const isComputed = assignment.mac === macOfIp4(assignment.address);
  return networkFlows({ ...standing, leases: isComputed ? [block.prefix] : [] });
}

/**
 * The flows of the peers' leases that the switch has taken in. Where those are others than are
 * known now, nothing is broken: the next ADD brings the switch up to date.
 */
function flowsToPeers(
  host: Host,
  held: HeldNetwork | undefined,
  deadline: Deadline,
): readonly Flow[] {
  const standing = held && standingNetwork(host, held);
  if (held === undefined || standing === undefined) return [];
  const wanted = withPeers(host, held.stored.network.name, standing);
  return hasFlows(host, wanted, deadline) ? allPeerFlows(wanted, wanted.peerLeases) : [];
}

/** The cookie aside, which says what else there was when the flow was made. */
const textOfFlow = (flow: Flow): string => formatFlow({ ...flow, cookie: 0n });

const textOf = (one: LinkAddress): string =>
  `${one.family === 4 ? formatIp4(one.address) : formatIp6(one.address)}/${one.length}`;

function routeText({ family, to }: WantedRoute): string {
  if (to === undefined) return family === 4 ? "0.0.0.0/0" : "::/0";
  return textOf({ family, address: to.base, length: to.length } as LinkAddress);
}
