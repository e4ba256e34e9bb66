/**
 * What this machine's kernel does with a packet that the switch has given to the host: pure. Its
 * route is the kernel's own answer; what our firewall's rules do follows from what they are made of
 * (lib/sys/nft-ruleset.ts). See way.ts for the folder's note.
 */
import { gatewayLinkName, isGatewayLink } from "../attach/names.ts";
import type { Network } from "../ipam/network.ts";
import type { Mac } from "../net/mac.ts";
import { contains4 } from "../net/prefix.ts";
import { vxlanPort } from "../net/vxlan.ts";
import type { ForeignChainNames } from "../sys/nft.ts";
import type { RouteAnswer } from "../sys/route-lookup.ts";
import { type Facts, macAt, networkNamed } from "./facts.ts";
import { notLookedAt, reachedBy } from "./host-sends.ts";
import { ip4Of, textOf } from "./packet-text.ts";
import type { Told } from "./tell.ts";
import type { Address, Dropped, Packet, PartEnd, Step } from "./way.ts";

/** What the kernel has said. */
export interface HostSees {
  /** Of the packet, as it comes in by the network's port. */
  readonly route: RouteAnswer;
  /** Of what this host itself would send there: what masquerading makes its sender. */
  readonly own: RouteAnswer;
  readonly linkName: (index: number) => string;
  /** Whether packets of the family are forwarded at all. */
  readonly forwards: boolean;
  /** Whether our firewall's table has the network. */
  readonly isFiltered: boolean;
  /** A chain of somebody else's that drops what none of its own rules accepts. */
  readonly foreignDrop: string | undefined;
  /** Chains of others that it passes, whose rules are not looked at. */
  readonly foreign: ForeignChainNames;
}

export function throughHost(facts: Facts, node: string, packet: Packet, sees: HostSees): Told {
  const told = atHost(facts, node, packet, sees);
  const but = packet.content.kind === "neighbour" ? [] : unseen(node, told.end, packet, sees);
  return but.length === 0 ? told : { ...told, but };
}

/** What a firewall that is not there, and those of others, leave open. */
function unseen(node: string, end: PartEnd, { network, to }: Packet, sees: HostSees): string[] {
  const isForwarded = end.end === "into network" || (end.end === "delivered" && end.isHanded);
  if (!isForwarded && end.end !== "delivered") return [];
  const chains = sees.foreign[isForwarded ? "forward" : "input"];
  return [
    ...(sees.isFiltered
      ? []
      : [
          `nothing keeps network ${network} apart on ${node}: our nftables table is not there (the agent makes it: socketplane agent status)`,
        ]),
    ...notLookedAt(node, to, chains),
  ];
}

function atHost(facts: Facts, node: string, packet: Packet, sees: HostSees): Told {
  const { route } = sees;
  const to = textOf(packet.to);
  if (packet.content.kind === "neighbour") {
    const says = `${to} is an address of ${node}, which answers`;
    return { steps: [{ at: "host", says }], end: { end: "delivered", to: `node ${node}` } };
  }
  if (route.route === "none") return { steps: [], end: noWay(node, packet, route.why, sees) };
  const link = sees.linkName(route.index);
  if (route.route === "local") return toHost(facts, node, packet, sees);
  const met = `${to}${route.via === undefined ? "" : ` via ${textOf(route.via)}`} dev ${link}`;
  const routed: Step = { at: "host routing", met, says: `${node} routes it by link ${link}` };
  const forward = { facts, node, packet, sees, routed };
  if (isGatewayLink(link)) return intoNetwork(forward, link);
  return outside(forward, link, route.via);
}

interface Forward {
  readonly facts: Facts;
  readonly node: string;
  readonly packet: Packet;
  readonly sees: HostSees;
  readonly routed: Step;
}

const dropped = (why: string, todo?: string): PartEnd =>
  todo === undefined ? { end: "dropped", why } : { end: "dropped", why, todo };

function noWay(node: string, { to }: Packet, why: string, { forwards }: HostSees): PartEnd {
  if (!forwards) return notForwarding(node, to);
  return dropped(
    `${node} has no way to ${textOf(to)}: ${why}`,
    `See there: ip route get ${textOf(to)}`,
  );
}

function notForwarding(node: string, { family }: Address): PartEnd {
  const name = family === 4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
  return dropped(`${node} does not forward: ${name} is 0`, `On ${node}: sysctl -w ${name}=1`);
}

/** For one of the host's own addresses. */
function toHost(facts: Facts, node: string, packet: Packet, { isFiltered }: HostSees): Told {
  const to = textOf(packet.to);
  const other = networkOf(facts, packet.to);
  const isAnswer = packet.content.kind !== "neighbour" && packet.content.answer;
  if (isFiltered && other !== undefined && other.name !== packet.network && !isAnswer) {
    const says = `what ${node} has in network ${other.name} is for that network alone: dropped`;
    const why = `${to} is ${node}'s in network ${other.name}, and not for network ${packet.network}`;
    return { steps: [{ at: "host firewall", met: "chain input", says }], end: dropped(why) };
  }
  const says = `${to} is an address of ${node} itself`;
  return { steps: [{ at: "host", says }], end: { end: "delivered", to: `node ${node}` } };
}

/** Back into a network, that it came from or another one. */
function intoNetwork({ facts, node, packet, sees, routed }: Forward, link: string): Told {
  const { network: name, to } = packet;
  const from = networkNamed(facts, name);
  const into = facts.networks.find((one) => gatewayLinkName(one.name) === link);
  if (into === undefined) {
    const why = `link ${link} is of no network that is known`;
    return { steps: [routed], end: { end: "unknown", why } };
  }
  if (!sees.forwards) return { steps: [routed], end: notForwarding(node, to) };
  const isAllowed = into.name === name || from?.allowed?.includes(into.name) === true;
  if (sees.isFiltered && !isAllowed) {
    return { steps: [routed, apartStep(name, into.name)], end: apart(name, into.name) };
  }
  const says = sees.isFiltered
    ? `from network ${name} to network ${into.name} is allowed, each under its own address`
    : "our firewall is not there: nothing keeps networks apart";
  const steps = [routed, { at: "host firewall", met: "chain forward", says }];
  const stopped = foreign(sees);
  if (stopped !== undefined) return { steps: [...steps, stopped.step], end: stopped.end };
  const own = facts.holders.find(
    (one) => one.isOwn && one.node === node && one.network === into.name,
  );
  if (own === undefined) {
    const why = `the address of ${node} in network ${into.name} is not known`;
    return { steps, end: { end: "unknown", why } };
  }
  return { steps, end: { end: "into network", packet: fromHost(facts, into, own.mac, packet) } };
}

/** The packet as a host sends it into the network, by its own address and port there. */
export function fromHost(facts: Facts, { name, vni }: Network, own: Mac, packet: Packet): Packet {
  const ethDst = macAt(facts, name, ip4Of(packet.to));
  return { ...packet, network: name, vni, ethSrc: own, ethDst };
}

export const apartStep = (from: string, into: string): Step => ({
  at: "host firewall",
  met: "chain forward",
  says: `from network ${from} nothing is forwarded to network ${into}: dropped`,
});

export const apart = (from: string, into: string): Dropped => ({
  end: "dropped",
  why: `networks ${from} and ${into} are apart`,
  todo: `To have them reach each other: socketplane network allow ${from} ${into}`,
});

/** Out of the networks. */
function outside(
  { facts, node, packet, sees, routed }: Forward,
  link: string,
  via?: Address,
): Told {
  const { network: name, to, from, content } = packet;
  const steps = [routed];
  if (!sees.forwards) return { steps, end: notForwarding(node, to) };
  const other = networkOf(facts, to);
  if (other !== undefined) {
    const why = `${textOf(to)} is of network ${other.name}, in which ${node} has no part: it leaves by link ${link}, where nobody has it`;
    const allowed = networkNamed(facts, name)?.allowed?.includes(other.name) === true;
    const todo = allowed
      ? `On ${node}, the agent makes it: socketplane agent status`
      : `To have them reach each other: socketplane network allow ${name} ${other.name}`;
    return { steps, end: dropped(why, todo) };
  }
  if (sees.isFiltered && content.kind === "udp" && !content.answer && content.port === vxlanPort) {
    const says = "VXLAN from a container is not forwarded: dropped";
    const step = { at: "host firewall", met: "chain forward", says };
    return { steps: [...steps, step], end: dropped("a container may not send VXLAN, UDP 4789") };
  }
  const stopped = foreign(sees);
  if (stopped !== undefined) return { steps: [...steps, stopped.step], end: stopped.end };
  const masquerades = networkNamed(facts, name)?.masquerade !== false;
  const source = sees.own.route === "none" ? undefined : sees.own.source;
  const isMasked = sees.isFiltered && masquerades;
  const says = !sees.isFiltered
    ? `our firewall is not there: it keeps its sender, ${textOf(from)}`
    : masquerades
      ? `masqueraded: from ${source === undefined ? `the address of link ${link}` : textOf(source)} on`
      : `network ${name} is not masqueraded: it keeps its sender, ${textOf(from)}`;
  const met = "chain postrouting";
  const reached = reachedBy(facts, to, link, via);
  return {
    steps: [...steps, { at: "host firewall", met, says }],
    end: {
      end: "delivered",
      to: reached,
      isHanded: true,
      ...(isMasked && source !== undefined && { as: source }),
    },
  };
}

function foreign({
  foreignDrop,
}: HostSees): { readonly step: Step; readonly end: PartEnd } | undefined {
  if (foreignDrop === undefined) return undefined;
  const says = "another firewall drops what none of its own rules accepts";
  const why = `chain "${foreignDrop}" of another firewall drops what none of its own rules accepts: whether one does is for that to say`;
  return {
    step: { at: "host firewall", met: `chain ${foreignDrop}`, says },
    end: { end: "unknown", why },
  };
}

export const networkOf = ({ networks }: Facts, to: Address): Network | undefined =>
  networks.find(({ subnet, subnet6 }) =>
    to.family === 4
      ? contains4(subnet, to.address)
      : subnet6 !== undefined &&
        to.address >> BigInt(128 - subnet6.length) === subnet6.base >> BigInt(128 - subnet6.length),
  );
