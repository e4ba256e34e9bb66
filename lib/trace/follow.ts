/**
 * Follows a packet from switch to switch, and through the host, to its end. See way.ts for the
 * folder's note.
 */
import { formatVtep } from "../ipam/nodes.ts";
import type { Facts } from "./facts.ts";
import { type HostRoute, type HostSees, throughHost } from "./host-way.ts";
import { ip4Of, textOf } from "./packet-text.ts";
import type { Address, Entry, NodeWay, Packet, PartEnd, ThroughNode, Way, WayEnd } from "./way.ts";

export interface Following {
  readonly facts: Facts;
  readonly through: ThroughNode;
  /** Asks this machine's kernel of a packet that comes in by the network's port. */
  readonly hostSees: (packet: Packet) => HostSees;
  /** Asks it of what this machine itself sends. */
  readonly routeOf: (to: Address) => HostRoute;
}

/** More switches and hosts are passed by no packet: our flows have no loop. */
const mostParts = 12;

/** From where it comes in on `node` to its end. */
export async function follow(
  following: Following,
  node: string,
  entry: Entry,
  packet: Packet,
): Promise<Way> {
  const nodes: NodeWay[] = [];
  let at: Place = { node, entry, packet };
  while (nodes.length < mostParts) {
    const part = await following.through(at.node, at.entry, at.packet);
    nodes.push(part);
    let { end } = part;
    if (end.end === "to host") {
      const host = atHost(following, at, end.packet);
      nodes.push(host);
      end = host.end;
    }
    const next = nextOf(following.facts, at, end);
    if ("end" in next) return { packet, nodes, end: next };
    at = next;
  }
  return { packet, nodes, end: { end: "unknown", why: "it goes on and on" } };
}

interface Place {
  readonly node: string;
  readonly entry: Entry;
  readonly packet: Packet;
}

/** Where it comes in next, or how it ends. */
function nextOf({ nodes }: Facts, at: Place, end: PartEnd): Place | WayEnd {
  switch (end.end) {
    case "across": {
      const vtep = nodes.find(({ name }) => name === at.node)?.vtep;
      if (end.node === undefined || vtep === undefined) {
        const why = `it goes to the node at ${formatVtep(end.vtep)}, and which that is, and what it does, the store would say`;
        return { end: "unknown", why };
      }
      return { node: end.node, entry: { by: "tunnel", vtep }, packet: end.packet };
    }
    case "into network":
      return { node: at.node, entry: { by: "host" }, packet: end.packet };
    case "to host":
      return { end: "unknown", why: "what its host does is not known" };
    default:
      return end;
  }
}

function atHost({ facts, hostSees }: Following, { node, entry }: Place, packet: Packet): NodeWay {
  const part = { node, source: "host", entry, packet, own: [] } as const;
  if (node === facts.node) {
    return { ...part, ...throughHost(facts, node, packet, hostSees(packet)) };
  }
  const to = textOf(packet.to);
  const { content, network } = packet;
  const own = facts.holders.find((one) => one.isOwn && one.node === node);
  const isGateway = facts.networks.some(
    (one) => one.name === network && one.gateway === ip4Of(packet.to),
  );
  if (content.kind === "neighbour" || isGateway || own?.address === ip4Of(packet.to)) {
    const says = `${to} is an address of ${node} itself`;
    return {
      ...part,
      steps: [{ at: "host", says }],
      end: { end: "delivered", to: `node ${node}` },
    };
  }
  const why = `${node} routes it to ${to}, and its routes are known there alone: trace it there`;
  return { ...part, steps: [], end: { end: "unknown", why } };
}
