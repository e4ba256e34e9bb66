/** Makes the model of what was surveyed: pure. See topology.ts for the folder's note. */
import type { Network } from "../ipam/network.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { ip6Of } from "../net/mac.ts";
import { formatPrefix4, formatPrefix6 } from "../net/prefix.ts";
import { valueOr } from "../survey/known.ts";
import type { Survey } from "../survey/survey.ts";
import { containersOf } from "./containers.ts";
import { type Holder, holdersOf } from "./holders.ts";
import { missingOf } from "./missing.ts";
import type {
  Topology,
  TopologyContainer,
  TopologyNetwork,
  TopologyNode,
  TopologyStore,
} from "./topology.ts";
import { carriedBy, networksIn, tunnelsOf } from "./tunnels.ts";

/** What is to be shown of it; without either, all. */
export interface Part {
  readonly network?: string | undefined;
  readonly node?: string | undefined;
}

export function topologyOf(survey: Survey, part: Part = {}): Topology {
  const all = networksKnown(survey);
  const holders = holdersOf(survey);
  const containers = containersOf(survey, all, holders).filter(
    (one) => isIn(part.network, one.network) && isIn(part.node, one.node),
  );
  // A node is shown with its networks, and a network with its nodes.
  const shownHolders = holders
    .map((one) => withBlocksOf(one, part.network))
    .filter(
      ({ name, blocks }) =>
        isIn(part.node, name) && (!part.network || part.node || blocks.length > 0),
    );
  const ofNode = part.node === undefined ? undefined : usedBy(shownHolders, containers);
  const networks = all.filter(
    ({ name }) => isIn(part.network, name) && (ofNode === undefined || ofNode.has(name)),
  );
  const tunnels = tunnelsOf(survey, networks, holders).filter(
    ({ from, to }) => part.node === undefined || [from, to].includes(part.node),
  );
  const carried = carriedBy(tunnels);
  const inNetwork = countBy(containers, "network");
  const onNode = countBy(containers, "node");
  return {
    version: 1,
    at: new Date(survey.at).toISOString(),
    ...(survey.self.name.known && { self: survey.self.name.value }),
    store: storeOf(survey),
    networks: networks.map((one) =>
      shownNetwork(one, all.indexOf(one), survey, inNetwork(one.name)),
    ),
    nodes: shownHolders.map((one) => shownNode(one, networks, onNode(one.name))),
    containers,
    tunnels,
    ...(carried !== undefined && { carried }),
    missing: missingOf(survey, shownHolders),
  };
}

const isIn = (wanted: string | undefined, name: string): boolean =>
  wanted === undefined || wanted === name;

const withBlocksOf = (holder: Holder, network: string | undefined): Holder =>
  network === undefined
    ? holder
    : { ...holder, blocks: holder.blocks.filter((block) => block.network === network) };

const usedBy = (
  holders: readonly Holder[],
  containers: readonly TopologyContainer[],
): ReadonlySet<string> =>
  new Set([
    ...holders.flatMap(({ blocks }) => networksIn(blocks)),
    ...containers.map(({ network }) => network),
  ]);

/** How many there are under each name, counted once: there may be a hundred thousand. */
function countBy(
  containers: readonly TopologyContainer[],
  by: "network" | "node",
): (name: string) => number {
  const counts = new Map<string, number>();
  for (const { [by]: name } of containers) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (name) => counts.get(name) ?? 0;
}

/** As the store has them, or else as this node remembers them; by VNI. */
function networksKnown({ cluster, here }: Survey): readonly Network[] {
  const cached = valueOr(here, undefined)?.networks ?? [];
  const found: readonly Network[] = cluster.known
    ? cluster.value.networks
    : cached.flatMap(({ held }) => (held === undefined ? [] : [held.stored.network]));
  return [...found].sort((a, b) => a.vni - b.vni);
}

function storeOf({ config: { store }, cluster }: Survey): TopologyStore {
  const state = cluster.known ? "ok" : "away";
  if (store.type === "file") return { kind: "embedded", state };
  return { kind: "etcd", state, endpoints: store.endpoints };
}

function shownNetwork(
  network: Network,
  color: number,
  survey: Survey,
  containerCount: number,
): TopologyNetwork {
  const { name, subnet, subnet6, gateway, vni, masquerade, allowed = [], deleting } = network;
  const mtu = network.mtu ?? valueOr(survey.self.mtu, undefined);
  return {
    name,
    subnet: formatPrefix4(subnet),
    ...(subnet6 !== undefined && { subnet6: formatPrefix6(subnet6) }),
    gateway: formatIp4(gateway),
    ...(subnet6 !== undefined && { gateway6: formatIp6(ip6Of(subnet6, gateway)) }),
    vni,
    ...(mtu !== undefined && { mtu }),
    masquerade,
    color,
    allowed,
    ...(deleting && { deleting }),
    containerCount,
  };
}

function shownNode(
  { name, isSelf, vtep, version, agent, blocks }: Holder,
  networks: readonly Network[],
  containerCount: number,
): TopologyNode {
  const place = new Map(networks.map((network, at) => [network.name, at]));
  const at = (network: string) => place.get(network) ?? networks.length;
  const sorted = [...blocks].sort(
    (a, b) => at(a.network) - at(b.network) || a.prefix.base - b.prefix.base,
  );
  return {
    name,
    isSelf,
    ...(vtep !== undefined && { vtep }),
    ...(version !== undefined && { version }),
    agent,
    networks: networksIn(sorted),
    blocks: sorted.map(({ network, prefix }) => ({ network, prefix: formatPrefix4(prefix) })),
    containerCount,
  };
}
