/** Where a packet begins, and as what: pure. See way.ts for the folder's note. */
import { Failure } from "../errors.ts";
import type { Network } from "../ipam/network.ts";
import { ip6Of, type Mac } from "../net/mac.ts";
import { type Facts, type Holder, macAt, networkNamed } from "./facts.ts";
import { askedMac, ip4Of, textOf } from "./packet-text.ts";
import { addressIn, isOnLink, type Party, partyWords } from "./parties.ts";
import type { Address, Content, Entry, Packet } from "./way.ts";

export interface TraceQuestion {
  readonly from: Party;
  readonly to: Party;
  readonly network: string | undefined;
  readonly content: Exclude<Content, { readonly kind: "neighbour" }>;
  /** A sender that is not its own. */
  readonly spoofed: { readonly address?: Address | undefined; readonly mac?: Mac | undefined };
}

export interface Start {
  readonly network: Network;
  readonly sender: Holder;
  readonly to: Address;
  readonly receiver: Holder | undefined;
  readonly entry: Entry;
  /** Asks for the MAC that the packet goes to. */
  readonly request: Packet;
  readonly packet: Packet;
}

/** Throws Failure "unknown-container" for what can't be begun, or has no end. */
export function startOf(facts: Facts, question: TraceQuestion): Start {
  const { sender, receiver } = interfacesOf(facts, question);
  const network = networkNamed(facts, sender.network);
  if (network === undefined) throw cannot(question, `network ${sender.network} is not known here`);
  const family = familyOf(facts, question);
  const own = addressIn(facts, sender, family);
  const to = destinationOf(facts, question.to, receiver, family);
  if (own === undefined) throw cannot(question, `network ${network.name} has no IPv6`);
  if (to === undefined) {
    throw cannot(question, `the address of ${partyWords(question.to)} is not known here`);
  }
  if (sender.fault === "gone") throw cannot(question, "its network namespace was deleted");
  if (sender.fault === "down") {
    throw cannot(question, `its link ${sender.id.ifname} is down, and sends nothing`);
  }
  const { vni, name } = network;
  const hop = isOnLink(network, to) ? to : gatewayOf(network, family);
  const base = { network: name, vni };
  const request: Packet = {
    ...base,
    ethSrc: sender.mac,
    ethDst: askedMac(hop),
    from: own,
    to: hop,
    content: { kind: "neighbour" },
  };
  const packet: Packet = {
    ...base,
    ethSrc: question.spoofed.mac ?? sender.mac,
    ethDst: macAt(facts, network.name, ip4Of(hop)),
    from: question.spoofed.address ?? own,
    to,
    content: question.content,
  };
  return { network, sender, to, receiver, entry: entryOf(sender), request, packet };
}

/** One interface's address, or another's: the container's own kernel takes what it sends there. */
export const isToItself = ({ sender, receiver }: Start): boolean =>
  !sender.isOwn &&
  receiver?.isOwn === false &&
  receiver.node === sender.node &&
  receiver.id.containerId === sender.id.containerId;

/** What B answers to the packet, and from where; undefined where B is of no network. */
export function answerTo(
  facts: Facts,
  { receiver, packet }: Pick<Start, "receiver" | "packet">,
): { readonly node: string; readonly entry: Entry; readonly packet: Packet } | undefined {
  const { content, from, to } = packet;
  if (receiver === undefined || content.kind === "neighbour") return undefined;
  const network = networkNamed(facts, receiver.network);
  if (network === undefined) return undefined;
  const hop = isOnLink(network, from) ? from : gatewayOf(network, from.family);
  const answer: Packet = {
    network: network.name,
    vni: network.vni,
    ethSrc: receiver.mac,
    ethDst: macAt(facts, network.name, ip4Of(hop)),
    from: to,
    to: from,
    content: { ...content, answer: true },
  };
  return { node: receiver.node, entry: entryOf(receiver), packet: answer };
}

/** Where what this node sends enters the network, or a container's frames do. */
const entryOf = ({ isOwn, name, address, ofport }: Holder): Entry =>
  isOwn ? { by: "host" } : { by: "container", name, address, port: ofport };

/** IPv6 where that is what was typed, and where a node has nothing else that is known. */
function familyOf(facts: Facts, { from, to, spoofed }: TraceQuestion): Address["family"] {
  if (to.is === "host" && ownersOf(facts, to).length === 0) {
    const node = facts.nodes.find(({ name }) => name === to.node);
    if (node?.vtep !== undefined) return node.vtep.family;
  }
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
  const isChosen = ({ network }: Holder) =>
    question.network === undefined || network === question.network;
  const senders = ownersOf(facts, from).filter(isChosen);
  const receivers = ownersOf(facts, to);
  const address = to.is === "address" ? to.address : undefined;
  const sender =
    senders.find(({ network: name }) => {
      const network = networkNamed(facts, name);
      if (address !== undefined) return network !== undefined && isOnLink(network, address);
      return receivers.some((one) => one.network === name);
    }) ?? senders[0];
  if (sender === undefined) throw noSender(question);
  const { network, node } = sender;
  const inSame = receivers.find((one) => one.network === network);
  // The gateway is each node's own.
  const gateway = networkNamed(facts, network)?.gateway;
  const isGateway = address !== undefined && ip4Of(address) === gateway;
  const own = facts.holders.find(
    (one) => one.isOwn && one.node === node && one.network === network,
  );
  return { sender, receiver: isGateway ? own : (inSame ?? receivers[0]) };
}

function ownersOf(facts: Facts, party: Party): readonly Holder[] {
  if (party.is === "container") return party.holders;
  if (party.is === "address") return [];
  return facts.holders.filter(({ isOwn, node }) => isOwn && node === party.node);
}

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

export const cannot = ({ from, to }: TraceQuestion, state: string, details?: string): Failure =>
  new Failure(
    "unknown-container",
    `Cannot trace ${partyWords(from)} to ${partyWords(to)}: ${state}`,
    { details },
  );

function noSender(question: TraceQuestion): Failure {
  const { from, network } = question;
  if (from.is === "address") {
    return cannot(question, `nobody is known to have ${textOf(from.address)}`, whatSends);
  }
  const where = network === undefined ? "any network" : `network ${network}`;
  return cannot(question, `${partyWords(from)} has no address in ${where} that is known here`);
}

const whatSends =
  "What sends (A) is a container, by its name, id or address, or this host, by its node's name.";

/** What a host sends by its own route: into the network of the link, or out of all. */
export function fromThisHost(facts: Facts, question: TraceQuestion): Address | undefined {
  const { from, to, network } = question;
  if (from.is !== "host" || network !== undefined) return undefined;
  if (from.node !== facts.node) {
    throw cannot(question, `it is another machine: trace it there, or from a container of it`);
  }
  const receiver = ownersOf(facts, to)[0];
  return destinationOf(facts, to, receiver, familyOf(facts, question));
}
