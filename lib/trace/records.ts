/**
 * A node's switch as it should be, by what is on record: pure. See way.ts for the folder's note.
 *
 * Of another node the store tells networks, leases and containers, and neither its ports' numbers,
 * which are made up here, nor its own address in a network, which is the first of its first block
 * unless that was taken. Of this node the run directory tells all of it.
 */
import { gatewayLinkName, outerName } from "../attach/names.ts";
import { switchNetwork, tunnelPort } from "../attach/switch-network.ts";
import { stateOf } from "../attach/sync.ts";
import { nextFree } from "../ipam/choose.ts";
import { isOf, type Lease } from "../ipam/leases.ts";
import type { Network } from "../ipam/network.ts";
import { peerLeases, peersOf } from "../ipam/peers.ts";
import type { Limits } from "../limits.ts";
import type { Ip4 } from "../net/ip4.ts";
import { ip6Of, type Mac, macOfIp4, parseMac } from "../net/mac.ts";
import type { SwitchState } from "../overlay/state.ts";
import type { ClusterFacts } from "../survey/cluster.ts";
import type { NodeFacts } from "../survey/here.ts";
import type { NodePort } from "./answer-here.ts";

export interface Recorded {
  readonly state: SwitchState;
  readonly ports: readonly RecordedPort[];
  readonly numbers: "real" | "made up";
}

export interface RecordedPort extends NodePort {
  readonly link: string;
  readonly mac: Mac;
  readonly limits?: Limits | undefined;
}

/** This node, by its run directory. */
export function recordedHere({ networks, assignments }: NodeFacts): Recorded {
  const ports = assignments.flatMap((one): readonly RecordedPort[] => {
    const { ofport, isHeld, isOwn } = one;
    if (ofport === undefined || !isHeld) return [];
    return [{ ...one, ofport, role: isOwn ? "gateway" : "attachment" }];
  });
  const known = networks.flatMap(({ name, held, peers }) => {
    const port = ports.find(({ role, network }) => role === "gateway" && network === name);
    if (held === undefined || port === undefined) return [];
    return [{ name, ...switchNetwork(held, port), peerLeases: peers }];
  });
  return recorded(known, ports, "real");
}

/** A node of the cluster, by the store; undefined where it is not registered. */
export function recordedOf(cluster: ClusterFacts, name: string): Recorded | undefined {
  const node = cluster.nodes.find((one) => one.name === name);
  if (node === undefined) return undefined;
  const nodes = new Map(cluster.nodes.map((one) => [one.name, one]));
  const known = cluster.networks.flatMap((network, at) => {
    const leases = cluster.leases.filter((lease) => lease.network === network.name);
    const blocks = leases.filter((lease) => isOf(lease, node));
    const address = ownAddress(network, blocks);
    if (address === undefined) return [];
    const stored = { network, revision: network.revision };
    const peers = node.vtep === undefined ? [] : peerLeases(leases, name, nodes);
    const held = { stored, blocks, tunnel: node.vtep, peers: peersOf(peers) };
    const port = { ofport: firstGateway + at, address };
    return [{ name: network.name, ...switchNetwork(held, port), peerLeases: peers }];
  });
  const gateways = known.map(({ name: network, port }): RecordedPort => {
    const link = gatewayLinkName(network);
    return { ...port, link, role: "gateway", network, mac: macOfIp4(port.address) };
  });
  const containers = cluster.assignments
    .filter((one) => one.node === name)
    .map(({ id, network, address, mac }, at): RecordedPort => {
      const port = { ofport: firstAttachment + at, link: outerName(id), network, address };
      return { ...port, role: "attachment", mac: parseMac(mac) ?? macOfIp4(address) };
    });
  return recorded(known, [...gateways, ...containers], "made up");
}

/** Made up, and none is another's. */
const firstGateway = tunnelPort + 1;
const firstAttachment = 0x1_0000;

/** A node takes the first address that it can give; undefined where it has no block. */
function ownAddress(network: Network, leases: readonly Lease[]): Ip4 | undefined {
  const blocks = leases.filter(({ prefix }) => prefix.length < 32);
  const [first] = blocks.sort((a, b) => a.revision - b.revision);
  return first && nextFree(network, [first], () => new Set(), undefined)?.address;
}

function recorded(
  networks: Parameters<typeof stateOf>[0],
  ports: readonly RecordedPort[],
  numbers: Recorded["numbers"],
): Recorded {
  const subnets = new Map(networks.map(({ name, subnet6 }) => [name, subnet6]));
  const rows = ports
    .filter(({ role }) => role === "attachment")
    .map((port) => {
      const subnet6 = subnets.get(port.network);
      return { ...port, address6: subnet6 && ip6Of(subnet6, port.address) };
    });
  return { state: stateOf(networks, rows), ports, numbers };
}
