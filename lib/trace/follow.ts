/**
 * Follows a packet from switch to switch, and through the host, to its end. See way.ts for the
 * folder's note.
 */
import { formatVtep } from "../ipam/nodes.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Facts } from "./facts.ts";
import { throughHostElsewhere } from "./host-elsewhere.ts";
import type { HostRoute } from "./host-sends.ts";
import { type HostSees, throughHost } from "./host-way.ts";
import type { Address, Entry, NodeWay, Packet, PartEnd, ThroughNode, Way, WayEnd } from "./way.ts";

export interface Following {
  readonly facts: Facts;
  readonly through: ThroughNode;
  /** Asks this machine's kernel of a packet that comes in by the network's port. */
  readonly hostSees: (packet: Packet) => HostSees;
  /** Asks it of what this machine itself sends. */
  readonly routeOf: (to: Address) => HostRoute;
  /** The address that another node has in a network, by what is on record of it. */
  readonly ownElsewhere: (node: string, network: string) => Ip4 | undefined;
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
function nextOf({ nodes, node, vtep: own }: Facts, at: Place, end: PartEnd): Place | WayEnd {
  switch (end.end) {
    case "across": {
      const vtep = at.node === node ? own : nodes.find(({ name }) => name === at.node)?.vtep;
      if (end.node === undefined || vtep === undefined) {
        const why = `it goes to the node at ${formatVtep(end.vtep)}; which that is, and what it does, is not known without the store`;
        return { end: "unknown", why };
      }
      return { node: end.node, entry: { by: "tunnel", vtep }, packet: end.packet };
    }
    case "into network":
      return { node: at.node, entry: { by: "host" }, packet: end.packet };
    case "to host":
      // Never: the host's own part came after it.
      return { end: "unknown", why: "what its host does is not known" };
    default:
      return end;
  }
}

function atHost(following: Following, { node, entry }: Place, packet: Packet): NodeWay {
  const { facts, hostSees } = following;
  const part = { node, entry, packet, own: [] } as const;
  if (node === facts.node) {
    return { ...part, source: "host", ...throughHost(facts, node, packet, hostSees(packet)) };
  }
  const because = "its routes are known there alone";
  const told = throughHostElsewhere(facts, node, packet, (name) =>
    following.ownElsewhere(node, name),
  );
  // Its own switch has said that its port is up; what it forwards, its kernel and firewall say alone.
  const doubt = told.end.end === "into network" && { doubt: `of ${node}, ${because}` };
  return { ...part, source: "records", because, ...told, ...doubt };
}
