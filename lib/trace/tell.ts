/** What a switch does with a packet, told: pure. See way.ts for the folder's note. */
import { gatewayLinkName } from "../attach/names.ts";
import { formatVtep } from "../ipam/nodes.ts";
import { formatIp4 } from "../net/ip4.ts";
import { macOfIp4, parseMac } from "../net/mac.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import { partOf } from "../overlay/cookies.ts";
import { tables } from "../overlay/state.ts";
import type { VtepAddress } from "../store/keys.ts";
import { whyDropped } from "./drops.ts";
import { type Facts, networkNamed, nodeAt } from "./facts.ts";
import { isDrop, isOutput, macsIn, tunnelDstOf } from "./flow-words.ts";
import { ip4Of, textOf } from "./packet-text.ts";
import { holderAt, nodeWords, recipientOf, type Scene } from "./scene.ts";
import { type Lookup, type SwitchTrace, sendsNothing } from "./switch-trace.ts";
import type { Packet, PartEnd, Step } from "./way.ts";

export interface Told {
  readonly steps: readonly Step[];
  readonly end: PartEnd;
  /** See NodeWay. */
  readonly but?: readonly string[];
}

/** `datapath` is what the switch tells its datapath, where it said so. */
export function tell(
  lookups: readonly Lookup[],
  scene: Scene,
  { datapath, ownPort }: Partial<Pick<SwitchTrace, "datapath" | "ownPort">> = {},
): Told {
  const [first] = lookups;
  if (first === undefined) {
    return { steps: [], end: { end: "unknown", why: "the switch's answer can't be read" } };
  }
  const steps: Step[] = [];
  let { packet } = scene;
  let last = first;
  for (const lookup of lookups) {
    if (lookup.bridge !== first.bridge) {
      steps.push({ at: `bridge ${lookup.bridge}`, ...metBy(lookup), says: noteOf(lookup) });
      continue;
    }
    steps.push({
      at: `${lookup.table} ${nameOf(lookup.table)}`,
      ...metBy(lookup),
      says: says(lookup, { ...scene, packet }) + limited(lookup),
    });
    packet = after(lookup, packet);
    last = lookup;
  }
  const end = endOf(last, { ...scene, packet }, datapath);
  return { steps, end: end.end === "to host" && ownPort === "down" ? ownPortDown(scene) : end };
}

const nameOf = (table: number): string =>
  Object.entries(tables).find(([, number]) => number === table)?.[0] ?? "";

/** The flow as a line; nothing where none matched. */
function metBy({ match, priority, actions }: Lookup): { readonly met?: string } {
  if (priority === undefined) return {};
  const head = match === "" ? `priority=${priority}` : `priority=${priority},${match}`;
  return { met: `${head} actions=${actions.join(",")}` };
}

const noteOf = ({ actions, notes }: Lookup): string =>
  notes.length === 0 ? actions.join(", ") : notes.join("; ");

function says(lookup: Lookup, scene: Scene): string {
  if (lookup.priority === undefined) return "no flow matches, not even one that drops";
  const part = partOf(lookup.cookie);
  if (part === undefined) return `a flow that is not ours: ${lookup.actions.join(", ")}`;
  switch (lookup.table) {
    case tables.classify:
      return classified(part.part, scene);
    case tables.ingress:
      return letIn(lookup, part.part, scene);
    case tables.neighbour:
      return asked(part.part, scene);
    case tables.local:
      return local(part.part, scene);
    default:
      return forwarded(lookup, part.part, scene);
  }
}

/** A meter passes one packet as any other, and drops what comes too fast. */
const limited = ({ actions }: Lookup): string =>
  actions.some((action) => action.startsWith("meter:")) ? ", up to its bandwidth limit" : "";

type Part = NonNullable<ReturnType<typeof partOf>>["part"];

function classified(part: Part, { entry, packet }: Scene): string {
  const into = `network ${packet.network} (VNI ${packet.vni})`;
  if (part === "base") return "no sender that may send so by this port: dropped";
  if (entry.by === "tunnel") return `from the tunnel, for ${into}`;
  if (entry.by === "host") return `from this host, by its port in ${into}`;
  return `MAC and address are those of container ${entry.name}: it may send, in ${into}`;
}

function letIn(lookup: Lookup, part: Part, { entry, packet, facts }: Scene): string {
  if (entry.by !== "tunnel" || part === "base") return "its sender is not known there: dropped";
  if (part === "network") return "from a tunnel, nobody is the gateway or this node: dropped";
  const from = nodeWords(facts, entry.vtep);
  return `${from} holds the sender's ${blockIn(lookup, "dl_src") ?? textOf(packet.from)}: let in`;
}

function asked(part: Part, { packet }: Scene): string {
  if (part === "base") return "no request to a neighbour";
  const to = textOf(packet.to);
  return `who has ${to}? Asked of the one whose MAC follows from that, nobody else`;
}

function forwarded(lookup: Lookup, part: Part, scene: Scene): string {
  const { facts, node, packet } = scene;
  const block = blockIn(lookup, "dl_dst");
  const network = networkNamed(facts, packet.network);
  if (part === "base") {
    return lookup.table === tables.forward
      ? "in no whole block: by single addresses next"
      : "nobody has it: dropped";
  }
  if (part === "peers") {
    const to = tunnelDstOf(lookup);
    const where = to === undefined ? "a peer" : nodeWords(facts, to);
    return `${block ?? "the address"} is leased to ${where}: into the tunnel`;
  }
  if (part === "attachment") return "a MAC that was asked for, of a container here";
  if (lookup.actions.includes(`goto_table:${tables.single}`)) {
    return "in the gateway's block: by single addresses next";
  }
  const gateway = network && macOfIp4(network.gateway) === packet.ethDst && network.gateway;
  if (gateway && lookup.table === tables.single && lookup.priority === 200) {
    return `${formatIp4(gateway)} is the gateway, which is on every node: to this host's own port`;
  }
  return `${block ?? "the address"} is held by ${node}, here`;
}

function local(part: Part, { facts, packet }: Scene): string {
  if (part === "base") return "no port here has that MAC: dropped";
  if (part === "network") return `to this host, by its port ${gatewayLinkName(packet.network)}`;
  return `to the port of ${recipientOf(facts, packet)}`;
}

/** The addresses that a flow's MACs are of: 10.2.0.64/26, or one address. */
function blockIn(lookup: Lookup, field: "dl_src" | "dl_dst"): string | undefined {
  const found = macsIn(lookup.match, field);
  if (found === undefined) return undefined;
  return found.length === 32 ? formatIp4(found.base) : formatPrefix4(found);
}

/** The packet as the flow leaves it. */
function after({ table, cookie, actions }: Lookup, packet: Packet): Packet {
  if (table === tables.neighbour && partOf(cookie)?.part === "network") {
    return { ...packet, ethDst: macOfIp4(ip4Of(packet.to)) };
  }
  const set = actions.map((action) => /^set_field:([0-9a-f:]{17})->eth_dst$/.exec(action)?.[1]);
  const ethDst = parseMac(set.findLast((mac) => mac !== undefined) ?? "");
  return ethDst === undefined ? packet : { ...packet, ethDst };
}

function endOf(last: Lookup, scene: Scene, datapath: string | undefined): PartEnd {
  const { facts, packet } = scene;
  if (last.priority === undefined) return noFlow;
  const part = partOf(last.cookie)?.part;
  const vtep = tunnelDstOf(last);
  if (part === undefined && !isDrop(last) && !sendsNothing(datapath)) {
    return { end: "unknown", why: "a flow that is not ours sends it on" };
  }
  if (!isOutput(last)) return whyDropped(last, scene);
  if (last.notes.some((note) => note.startsWith("skipping output to input port"))) {
    const why = "it would go back out of the port that it came by, which no switch does";
    return { end: "dropped", why };
  }
  if (vtep !== undefined) {
    if (sendsNothing(datapath)) return notAcross(last, vtep, facts);
    return { end: "across", node: nodeAt(facts, vtep), vtep, packet };
  }
  if (sendsNothing(datapath)) {
    return { end: "dropped", why: `the switch sends nothing to that port: ${noteOf(last)}` };
  }
  if (part === "network") return { end: "to host", packet };
  if (part === "attachment") return atContainer(scene);
  return { end: "unknown", why: "a flow that is not ours sends it on" };
}

/** At a container's port; what the switch does not say is whether anybody is at its other end. */
function atContainer({ facts, node, packet }: Scene): PartEnd {
  const holder = holderAt(facts, packet);
  const to = recipientOf(facts, packet);
  if (holder?.node !== node || holder.fault === undefined) return { end: "delivered", to };
  if (holder.fault === "down") {
    const why = `the link of ${to} is down at its end`;
    return { end: "dropped", why, todo: `In it: ip link set ${holder.id.ifname} up` };
  }
  const todo = `Take away what it has left: socketplane rm --force ${holder.id.containerId}`;
  return { end: "dropped", why: `${to} is gone: its network namespace was deleted`, todo };
}

/** The switch gives it to the port all the same, and the kernel takes nothing by a link that is down. */
function ownPortDown({ node, packet }: Scene): PartEnd {
  const link = gatewayLinkName(packet.network);
  const why = `link ${link} of ${node}, its own port in network ${packet.network}, is down`;
  return { end: "dropped", why, todo: `On ${node}: ip link set ${link} up` };
}

const noFlow: PartEnd = {
  end: "dropped",
  why: "the switch has lost flows of ours: they were deleted, or Open vSwitch was restarted",
  todo: "The agent puts them back within a minute, and at its start: socketplane agent restart",
};

function notAcross(last: Lookup, vtep: VtepAddress, facts: Facts): PartEnd {
  const to = nodeWords(facts, vtep);
  const miss = last.notes.find((note) => note.startsWith("neighbor cache miss"));
  if (miss !== undefined) {
    const bridge = / on bridge (\S+?),/.exec(miss)?.[1] ?? "the underlay";
    return {
      end: "dropped",
      why: `${to} does not answer on ${bridge}: its MAC is not known`,
      todo: `See whether that machine is up, and reached: ping ${formatVtep(vtep)}`,
    };
  }
  if (last.notes.some((note) => note.startsWith("native tunnel routing failed"))) {
    return {
      end: "dropped",
      why: `the userspace datapath has no way to ${to}: the VTEP's address is on no bridge of it`,
      todo: "See in the README: With Open vSwitch's userspace datapath",
    };
  }
  return { end: "dropped", why: `the tunnel to ${to} takes nothing: ${noteOf(last)}` };
}
