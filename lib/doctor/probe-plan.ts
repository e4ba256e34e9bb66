/** Whom to ask, and by which network: pure. See doctor.ts for the folder's note. */
import { overheadOf } from "../attach/underlay.ts";
import { nextFree } from "../ipam/choose.ts";
import { isOf } from "../ipam/leases.ts";
import type { Network } from "../ipam/network.ts";
import { formatVtep, type NodeRecord, sameVtep } from "../ipam/nodes.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Prefix4 } from "../net/prefix.ts";
import { hexOfVtep, type VtepAddress } from "../store/keys.ts";
import type { ClusterFacts } from "../survey/cluster.ts";
import type { CachedNetwork, NodeFacts } from "../survey/here.ts";
import type { Survey } from "../survey/survey.ts";
import type { Link } from "../sys/kernel.ts";

export interface ProbePlan {
  /** This node's VTEP. */
  readonly from: VtepAddress;
  readonly peers: readonly PlannedPeer[];
}

export interface PlannedPeer {
  readonly node: string;
  readonly vtep: VtepAddress;
  readonly agent: boolean | undefined;
  /** The network by which it is asked; undefined where none is on both nodes. */
  readonly way: Way | undefined;
}

export interface Way {
  readonly network: string;
  /** This node's own port in it. */
  readonly link: Link;
  /** This node's own address in it. */
  readonly own: Ip4;
  /** What VXLAN makes of the longest frame, bytes. */
  readonly outer: number;
  /** Who may answer there: the node itself, by the address that it most likely has, and containers. */
  readonly targets: readonly Ip4[];
  /** Whether one of them must be there. */
  readonly isSure: boolean;
}

/** Addresses of one node that are asked for: more than one, as its own is not written anywhere. */
const mostTargets = 4;

/**
 * Every other node, each by one network. Without the store, the nodes are those whose leases this
 * node has cached. Undefined where there are no others, or this node has no VTEP.
 */
export function planProbes(
  { self, cluster, here }: Pick<Survey, "self" | "cluster" | "here">,
  links: readonly Link[],
): ProbePlan | undefined {
  const from = self.vtep.known ? self.vtep.value : undefined;
  if (from === undefined) return undefined;
  const standing = here.known ? standingNetworks(here.value, links) : [];
  const peers = cluster.known
    ? peersInStore(cluster.value, self.name.known ? self.name.value : undefined)
    : peersInCache(here.known ? here.value.networks : []);
  return {
    from,
    peers: peers
      .filter(({ vtep }) => vtep.family === from.family && !sameVtep(vtep, from))
      .map(({ places, ...peer }) => ({ ...peer, way: wayTo(standing, places, from) })),
  };
}

interface StandingNetwork {
  readonly network: Network;
  readonly link: Link;
  readonly own: Ip4;
}

/** The networks that this node has a port and an address of its own in. */
function standingNetworks(
  { networks, assignments }: NodeFacts,
  links: readonly Link[],
): readonly StandingNetwork[] {
  return networks.flatMap(({ name, held }) => {
    const own = assignments.find((one) => one.isOwn && one.isHeld && one.network === name);
    const link = own && links.find((one) => one.name === own.link && one.up);
    if (held === undefined || own === undefined || link === undefined) return [];
    return [{ network: held.stored.network, link, own: own.address }];
  });
}

/** What another node has of a network. */
interface PlaceOf {
  readonly network: string;
  /** Those that it got first before others. */
  readonly leases: readonly Prefix4[];
  readonly containers: readonly Ip4[];
  readonly isSure: boolean;
}

type Known = Omit<PlannedPeer, "way"> & { readonly places: readonly PlaceOf[] };

function peersInStore(cluster: ClusterFacts, self: string | undefined): readonly Known[] {
  return cluster.nodes.flatMap((node) => {
    const { name, vtep, agent } = node;
    if (vtep === undefined || name === self) return [];
    const places = cluster.networks.map((network) => placeOf(cluster, network.name, node, agent));
    return [{ node: name, vtep, agent, places: places.filter((one) => one !== undefined) }];
  });
}

function placeOf(
  { leases, assignments }: ClusterFacts,
  network: string,
  node: NodeRecord,
  agent: boolean,
): PlaceOf | undefined {
  const held = leases
    .filter((lease) => lease.network === network && isOf(lease, node))
    .sort((a, b) => a.revision - b.revision);
  const containers = assignments.filter((one) => one.network === network && one.node === node.name);
  if (held.length === 0) return undefined;
  return {
    network,
    leases: held.map(({ prefix }) => prefix),
    containers: containers.map(({ address }) => address),
    // Its record is written anew after a reboot, which takes the node's own port away until the
    // network is used again there. What an agent says of its containers is so.
    isSure:
      held.some(({ revision }) => revision > node.modRevision) || (agent && containers.length > 0),
  };
}

/** As the switch knows them: without names. */
function peersInCache(networks: readonly CachedNetwork[]): readonly Known[] {
  const vteps = new Map(
    networks.flatMap(({ peers }) => peers.map(({ vtep }) => [hexOfVtep(vtep), vtep])),
  );
  const ordered = [...vteps].sort(([one], [two]) => (one < two ? -1 : 1));
  return ordered.map(([, vtep]) => ({
    node: formatVtep(vtep),
    vtep,
    agent: undefined,
    places: networks.map(({ name, peers }) => ({
      network: name,
      leases: peers.filter((lease) => sameVtep(lease.vtep, vtep)).map(({ prefix }) => prefix),
      containers: [],
      isSure: false,
    })),
  }));
}

/** One where somebody must be rather than another, and the one with the longest frames. */
function wayTo(
  standing: readonly StandingNetwork[],
  places: readonly PlaceOf[],
  from: VtepAddress,
): Way | undefined {
  const ways = standing.flatMap(({ network, link, own }): readonly Way[] => {
    const place = places.find((one) => one.network === network.name);
    const targets = place === undefined ? [] : targetsIn(network, place);
    if (place === undefined || targets.length === 0) return [];
    const outer = link.mtu + overheadOf(from);
    return [{ network: network.name, link, own, outer, targets, isSure: place.isSure }];
  });
  const [best] = ways.sort(
    (a, b) => Number(b.isSure) - Number(a.isSure) || b.link.mtu - a.link.mtu,
  );
  return best;
}

/** A node's own address is the first that it gave: of its first block, or after a reboot, of another. */
function targetsIn(network: Network, { leases, containers }: PlaceOf): readonly Ip4[] {
  const first = (prefix: Prefix4) =>
    prefix.length === 32
      ? prefix.base
      : nextFree(network, [{ prefix, revision: 0 }], () => new Set(), undefined)?.address;
  const own = leases.map(first).filter((address) => address !== undefined);
  return [...new Set([...own.slice(0, mostTargets - 1), ...containers])].slice(0, mostTargets);
}
