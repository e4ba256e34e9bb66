/**
 * What another node's host does with a packet, as far as it follows from what all nodes have alike:
 * pure. Its routes to the outside are known there alone. See way.ts for the folder's note.
 */
import type { Ip4 } from "../net/ip4.ts";
import { macOfIp4 } from "../net/mac.ts";
import { type Facts, networkNamed } from "./facts.ts";
import { apart, apartStep, fromHost, networkOf } from "./host-way.ts";
import { ip4Of, textOf } from "./packet-text.ts";
import type { Told } from "./tell.ts";
import type { Packet } from "./way.ts";

/** `ownIn` gives the node's own address in a network that it has a part in. */
export function throughHostElsewhere(
  facts: Facts,
  node: string,
  packet: Packet,
  ownIn: (network: string) => Ip4 | undefined,
): Told {
  const { to, content, network: name } = packet;
  const address = ip4Of(to);
  const from = networkNamed(facts, name);
  const into = networkOf(facts, to);
  const isOwn = into?.name === name && (address === from?.gateway || address === ownIn(name));
  if (content.kind === "neighbour" || isOwn) {
    const says = `${textOf(to)} is an address of ${node} itself`;
    return { steps: [{ at: "host", says }], end: { end: "delivered", to: `node ${node}` } };
  }
  const own = into && ownIn(into.name);
  if (into === undefined || own === undefined) {
    const why = `${node} routes it to ${textOf(to)}, and its routes are known there alone: trace it there`;
    return { steps: [], end: { end: "unknown", why } };
  }
  if (into.name !== name && from?.allowed?.includes(into.name) !== true) {
    return { steps: [apartStep(name, into.name)], end: apart(name, into.name) };
  }
  const says = `${node} has a part in network ${into.name}, and forwards to it`;
  const sent = fromHost(facts, into, macOfIp4(own), packet);
  return { steps: [{ at: "host routing", says }], end: { end: "into network", packet: sent } };
}
