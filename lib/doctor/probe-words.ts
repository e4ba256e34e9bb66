/** What is said of the other nodes, and what to do: pure. See doctor.ts for the folder's note. */
import type { PeerFacts, TunnelFacts } from "./probe-facts.ts";

/** How many are named: of the others, their number is given. */
const mostNamed = 5;

/** `node "host-b"`, `nodes "host-b", "host-c"`, or with the number of those that are not named. */
export function subjectOf(peers: readonly Pick<PeerFacts, "node">[]): string {
  const named = peers.slice(0, mostNamed).map(({ node }) => `"${node}"`);
  const more = peers.length - named.length;
  return `node${peers.length === 1 ? "" : "s"} ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const vtepsOf = (peers: readonly Pick<PeerFacts, "vtep">[]): string =>
  peers.length > mostNamed ? "theirs" : peers.map(({ vtep }) => vtep).join(", ");

const namesOf = (peers: readonly Pick<PeerFacts, "node">[]): string =>
  peers.length > mostNamed ? "each of them" : peers.map(({ node }) => node).join(", ");

export const letPass = (peers: readonly PeerFacts[]): string =>
  [
    `Let UDP port 4789 pass between ${peers[0]?.from} and ${vtepsOf(peers)}, both ways: in the firewalls of both machines, between them, and in a cloud's security groups`,
    "nft insert rule inet filter input udp dport 4789 accept; or iptables -I INPUT -p udp --dport 4789 -j ACCEPT; firewall-cmd --permanent --add-port=4789/udp; ufw allow 4789/udp",
    `Where it passes already: socketplane doctor, on ${namesOf(peers)}`,
  ].join("\n");

/** *Measured*: after that, the next frame has the switch ask, and those after it arrive. */
export const resolveAgain = (peers: readonly PeerFacts[]): string =>
  [
    "ovs-appctl revalidator/purge",
    `An agent that runs has it asked for each minute: socketplane agent start. Where it stays so, nobody answers ARP (IPv6: neighbour discovery) for ${vtepsOf(peers)} in the network between: ovs-appctl tnl/neigh/show has those that do`,
  ].join("\n");

export const lookThere = (peers: readonly PeerFacts[]): string =>
  `socketplane doctor, on ${namesOf(peers)}`;

export const startThere = (peers: readonly PeerFacts[]): string =>
  `socketplane agent start, and socketplane doctor, on ${namesOf(peers)}`;

export const bringBack = (peers: readonly PeerFacts[]): string =>
  [
    `ping ${peers[0]?.vtep}; start ${namesOf(peers)}, and the network in between`,
    `Where one is gone for good: socketplane node remove ${peers[0]?.node}`,
  ].join("\n");

export const findTheWay = (peers: readonly PeerFacts[]): string =>
  [
    `ping ${peers[0]?.vtep}; look at cables, routes and firewalls between ${peers[0]?.from} and ${vtepsOf(peers)}`,
    "Where echo requests are not let through: let UDP port 4789 pass, both ways",
  ].join("\n");

export const shareNetwork = (peers: readonly PeerFacts[]): string =>
  `Attach a container of one network here and on ${namesOf(peers)}: socketplane run -d -n default sleep infinity`;

export const makeRoom = (
  peers: readonly PeerFacts[],
  { network, outer, largest }: TunnelFacts,
): string =>
  [
    `Raise the MTU to ${outer} or more on the whole way between ${peers[0]?.from} and ${vtepsOf(peers)}: ip link set dev LINK mtu ${outer}, and the switches and routers`,
    `Or have shorter frames: socketplane network delete ${network}, then socketplane network create ${network} --mtu ${largest ?? "BYTES"}, and containers made again`,
  ].join("\n");
