/**
 * One question, "how does a packet get from A to B?", answered whole: first whether its neighbour is
 * found, then the packet's own way, then the answer's. See way.ts for the folder's note.
 */
import { Failure } from "../errors.ts";
import type { Network } from "../ipam/network.ts";
import { ip6Of, type Mac, macOfIp4 } from "../net/mac.ts";
import { type Facts, type Holder, holderOf, networkNamed } from "./facts.ts";
import { type Following, follow } from "./follow.ts";
import { askedMac, ip4Of, textOf } from "./packet-text.ts";
import { addressIn, isOnLink, type Party, partyWords } from "./parties.ts";
import type { Address, Content, Entry, Packet, Way, WayEnd } from "./way.ts";

export interface TraceQuestion {
  readonly from: Party;
  readonly to: Party;
  readonly network: string | undefined;
  readonly content: Exclude<Content, { readonly kind: "neighbour" }>;
  /** A sender that is not its own. */
  readonly spoofed: { readonly address?: Address | undefined; readonly mac?: Mac | undefined };
}

export interface Stage {
  readonly stage: "neighbour" | "packet" | "answer";
  readonly way: Way;
}

export interface Traced {
  /** "container one (10.2.0.3)". */
  readonly from: string;
  readonly to: string;
  readonly network: string;
  readonly stages: readonly Stage[];
  /** The packet's, or its neighbour's where that is not found. */
  readonly end: WayEnd;
  /** How the answer ends; undefined where none is to be had. */
  readonly answer: WayEnd | undefined;
}

export async function trace(following: Following, question: TraceQuestion): Promise<Traced> {
  const { facts } = following;
  const start = startOf(facts, question);
  const { network, sender, to } = start;
  const words = {
    from: `${partyWords(question.from)} (${textOf(start.packet.from)})`,
    to: isNamed(question.to) ? `${partyWords(question.to)} (${textOf(to)})` : textOf(to),
    network: network.name,
  };
  const asked = await follow(following, sender.node, start.entry, start.request);
  const stages: Stage[] = [{ stage: "neighbour", way: asked }];
  if (asked.end.end === "dropped") {
    const hop = textOf(start.request.to);
    const end: WayEnd = { ...asked.end, why: `nobody answers for ${hop}: ${asked.end.why}` };
    return { ...words, stages, end, answer: undefined };
  }
  const way = await follow(following, sender.node, start.entry, start.packet);
  stages.push({ stage: "packet", way });
  if (way.end.end !== "delivered") return { ...words, stages, end: way.end, answer: undefined };
  const back = await answerOf(following, question, start);
  if (back?.way !== undefined) stages.push({ stage: "answer", way: back.way });
  return { ...words, stages, end: way.end, answer: back?.end };
}

const isNamed = (party: Party): boolean => party.is !== "address";

interface Start {
  readonly network: Network;
  readonly sender: Holder;
  readonly to: Address;
  readonly receiver: Holder | undefined;
  readonly entry: Entry;
  /** Asks for the MAC that the packet goes to. */
  readonly request: Packet;
  readonly packet: Packet;
}

/** Throws Failure "unsupported"-like refusals for what can't begin here. */
function startOf(facts: Facts, question: TraceQuestion): Start {
  const { sender, receiver } = interfacesOf(facts, question);
  const network = networkNamed(facts, sender.network);
  if (network === undefined) throw cannot(question, `network ${sender.network} is not known`);
  const family = familyOf(question);
  const own = addressIn(facts, sender, family);
  const to = destinationOf(facts, question.to, receiver, family);
  if (own === undefined) throw cannot(question, `network ${network.name} has no IPv6`);
  if (to === undefined)
    throw cannot(question, `the address of ${partyWords(question.to)} is not known`);
  const onLink = isOnLink(network, to);
  const hop = onLink ? to : gatewayOf(network, family);
  const hop4 = ip4Of(hop);
  const { vni } = network;
  const base = { network: network.name, vni, ethSrc: sender.mac };
  const entry: Entry = sender.isOwn
    ? { by: "host" }
    : { by: "container", name: sender.name, address: sender.address, port: sender.ofport };
  const request: Packet = {
    ...base,
    ethDst: askedMac(hop),
    from: own,
    to: hop,
    content: { kind: "neighbour" },
  };
  const packet: Packet = {
    ...base,
    ethSrc: question.spoofed.mac ?? sender.mac,
    ethDst: holderOf(facts, network.name, hop4)?.mac ?? macOfIp4(hop4),
    from: question.spoofed.address ?? own,
    to,
    content: question.content,
  };
  return { network, sender, to, receiver, entry, request, packet };
}

/** IPv6 where that is what was typed. */
function familyOf({ from, to, spoofed }: TraceQuestion): Address["family"] {
  const typed = [from, to].map((one) => (one.is === "address" ? one.address.family : one.family));
  return [...typed, spoofed.address?.family].includes(6) ? 6 : 4;
}

const gatewayOf = ({ gateway, subnet6 }: Network, family: Address["family"]): Address =>
  family === 6 && subnet6 !== undefined
    ? { family, address: ip6Of(subnet6, gateway) }
    : { family: 4, address: gateway };

/** In one network of both, where there is one. */
function interfacesOf(facts: Facts, question: TraceQuestion) {
  const { from, to } = question;
  const chosen = ({ network }: Holder) =>
    question.network === undefined || network === question.network;
  const senders = ownersOf(facts, from).filter(chosen);
  const receivers = ownersOf(facts, to);
  const address = to.is === "address" ? to.address : undefined;
  const sender =
    senders.find(({ network: name }) => {
      const network = networkNamed(facts, name);
      if (address !== undefined) return network !== undefined && isOnLink(network, address);
      return receivers.some((one) => one.network === name);
    }) ?? senders[0];
  if (sender === undefined) throw noSender(question);
  const inSame = receivers.find(({ network }) => network === sender.network);
  return { sender, receiver: inSame ?? receivers[0] };
}

const ownersOf = (facts: Facts, party: Party): readonly Holder[] => {
  if (party.is === "container") return party.holders;
  if (party.is === "address") return [];
  return facts.holders.filter(({ isOwn, node }) => isOwn && node === party.node);
};

function destinationOf(
  facts: Facts,
  to: Party,
  receiver: Holder | undefined,
  family: Address["family"],
): Address | undefined {
  if (to.is === "address") return to.address;
  if (receiver !== undefined) return addressIn(facts, receiver, family);
  const node = to.is === "host" ? facts.nodes.find(({ name }) => name === to.node) : undefined;
  return node?.vtep?.family === family ? node.vtep : undefined;
}

/** The answer's way; without one of its own, how it ends. */
async function answerOf(
  following: Following,
  { content }: TraceQuestion,
  { receiver, packet, sender }: Start,
): Promise<{ readonly way?: Way; readonly end: WayEnd } | undefined> {
  const { facts } = following;
  if (receiver === undefined) return undefined;
  const network = networkNamed(facts, receiver.network);
  if (network === undefined) return undefined;
  const onLink = isOnLink(network, packet.from);
  const hop = onLink ? packet.from : gatewayOf(network, packet.from.family);
  const hop4 = ip4Of(hop);
  const back: Packet = {
    network: network.name,
    vni: network.vni,
    ethSrc: receiver.mac,
    ethDst: onLink && sender.network === network.name ? sender.mac : macOfIp4(hop4),
    from: packet.to,
    to: packet.from,
    content: { ...content, answer: true },
  };
  const entry: Entry = receiver.isOwn
    ? { by: "host" }
    : { by: "container", name: receiver.name, address: receiver.address, port: receiver.ofport };
  const way = await follow(following, receiver.node, entry, back);
  return { way, end: way.end };
}

const cannot = ({ from, to }: TraceQuestion, state: string): Failure =>
  new Failure(
    "unknown-container",
    `Cannot trace ${partyWords(from)} to ${partyWords(to)}: ${state}`,
  );

function noSender(question: TraceQuestion): Failure {
  const { from, network } = question;
  if (from.is === "address")
    return cannot(question, `nobody is known to have ${textOf(from.address)}`);
  const where = network === undefined ? "any network" : `network ${network}`;
  return cannot(question, `${partyWords(from)} has no address in ${where}, as far as it is known`);
}
