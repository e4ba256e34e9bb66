/** What is drawn of a topology. Pure. */
import { counted, formatBytes, formatCount } from "./amount.ts";
import type {
  Drawing,
  DrawnContainer,
  DrawnGroup,
  DrawnNetwork,
  DrawnState,
  DrawnTunnel,
  Fact,
  Notice,
} from "./drawing.ts";
import type {
  Count,
  Topology,
  TopologyContainer,
  TopologyNetwork,
  TopologyNode,
  TopologyTunnel,
  Traffic,
} from "./topology.ts";

/** Of which version of SocketPlane it says that it made it. */
export interface Maker {
  readonly version: string;
}

/** Pure: the same topology is always drawn the same. */
export function draw(topology: Topology, { version }: Maker): Drawing {
  const { self, at, nodes, containers, tunnels, store, missing } = topology;
  const networks = networksOf(topology);
  const byNode = Map.groupBy(containers, ({ node }) => node);
  const most = Math.max(0, ...tunnels.map(bytesOf));
  const about = tunnels.length > 0 ? [counted(tunnels.length, "tunnel")] : [];
  return {
    title: self === undefined ? "Containers and their networks" : `The network, seen from ${self}`,
    made: [
      timeOf(at),
      store.kind === "embedded" ? "embedded store" : `etcd ${store.state}`,
      `SocketPlane ${version}`,
    ],
    counts: [
      counted(nodes.length, "node"),
      counted(topology.networks.length, "network"),
      counted(containers.length, "container"),
      ...about,
    ],
    notices: missing.map(noticeOf),
    networks,
    nodes: nodes.map((node) => {
      const tunnel = tunnels.find(({ to }) => to === node.name);
      return {
        name: node.name,
        isHere: node.isSelf,
        about: node.vtep ?? "",
        ...agentSays[node.agent],
        facts: nodeFacts(node, topology.carried),
        groups: groupsOf(node, networks, byNode.get(node.name) ?? []),
        none: node.isSelf || missing.length === 0 ? "No containers" : "No containers known",
        tunnel: tunnel && drawnTunnel(tunnel, most),
      };
    }),
  };
}

const agentSays: Readonly<Record<TopologyNode["agent"], { state: DrawnState; agent: string }>> = {
  alive: { state: "good", agent: "up" },
  away: { state: "warning", agent: "away" },
  unknown: { state: "unknown", agent: "not known" },
};

const noticeOf = ({ what, why, todo }: Topology["missing"][number]): Notice => ({
  what: `Not known: ${what}`,
  why,
  todo,
});

/** The list's, in its order, and then those that only a container or a block tells of. */
function networksOf({ networks, containers, nodes }: Topology): readonly DrawnNetwork[] {
  const held = nodes.flatMap((node) => node.networks);
  const used = containers.map(({ network }) => network);
  const known = new Map(networks.map((one) => [one.name, one]));
  const unused = Math.max(-1, ...networks.map(({ color }) => color)) + 1;
  const names = new Set([...known.keys(), ...held, ...used]);
  return [...names].map((name, at) => {
    const network = known.get(name);
    return {
      name,
      mark: network?.color ?? unused + at - known.size,
      about: network?.subnet ?? "not known",
      count: used.filter((one) => one === name).length,
      facts: network === undefined ? [] : networkFacts(network),
    };
  });
}

const networkFacts = (network: TopologyNetwork): readonly Fact[] => [
  ["Subnet", network.subnet],
  ...fact("IPv6", network.subnet6),
  ["Gateway", [network.gateway, network.gateway6].filter(Boolean).join(", ")],
  ["VNI", String(network.vni)],
  ...fact("MTU", network.mtu),
  ["To the outside", network.masquerade ? "by the node's address" : "as it is"],
  ["Open to", network.allowed.join(", ") || "no other network"],
  ...(network.deleting ? [["State", "being deleted"] as const] : []),
];

function groupsOf(
  node: TopologyNode,
  networks: readonly DrawnNetwork[],
  containers: readonly TopologyContainer[],
): readonly DrawnGroup[] {
  const inside = Map.groupBy(containers, ({ network }) => network);
  return networks.flatMap((network) => {
    const { name } = network;
    const here = inside.get(name) ?? [];
    const blocks = node.blocks.filter((one) => one.network === name).map(({ prefix }) => prefix);
    if (here.length === 0 && blocks.length === 0 && !node.networks.includes(name)) return [];
    return [{ network, blocks, containers: here.map(drawnContainer) }];
  });
}

const drawnContainer = (one: TopologyContainer): DrawnContainer => ({
  name: one.name,
  address: one.address,
  trouble: one.state === "gone" ? "its namespace is gone" : undefined,
  facts: [
    ["Network", one.network],
    ["Address", one.address],
    ...fact("IPv6", one.address6),
    ["MAC", one.mac],
    ["Node", one.node],
    ["Interface", one.ifname],
    ...(one.port === undefined ? [] : [["Port", `${one.port.name} (${one.port.number})`] as const]),
    ...trafficFacts(one.traffic),
    ["State", one.state === "unknown" ? "not known" : one.state],
    ["Configuration", one.cniName],
    ["Id", one.id],
  ],
});

const nodeFacts = (node: TopologyNode, carried: Traffic | undefined): readonly Fact[] => [
  ...fact("VTEP", node.vtep),
  ...fact("SocketPlane", node.version),
  ["Agent", agentSays[node.agent].agent],
  ["Containers", formatCount(node.containerCount)],
  ["Networks", node.networks.join(", ") || "none"],
  ...(node.isSelf && carried !== undefined
    ? trafficFacts(carried).map(([word, value]): Fact => [`${word} by tunnels`, value])
    : []),
];

const drawnTunnel = (tunnel: TopologyTunnel, most: number): DrawnTunnel => ({
  state: tunnel.traffic === undefined ? "unknown" : "good",
  sent: tunnel.traffic && formatBytes(tunnel.traffic.sent.bytes),
  received: tunnel.traffic && formatBytes(tunnel.traffic.received.bytes),
  weight: most === 0 ? 0 : Math.log1p(bytesOf(tunnel)) / Math.log1p(most),
  facts: [
    ["In common", tunnel.networks.join(", ") || "no network"],
    ...(tunnel.traffic === undefined
      ? [["Traffic", "not known"] as const]
      : [
          ["Sent there", countWords(tunnel.traffic.sent)] as const,
          ["From there", countWords(tunnel.traffic.received)] as const,
        ]),
  ],
});

const bytesOf = ({ traffic }: TopologyTunnel): number =>
  traffic === undefined ? 0 : traffic.sent.bytes + traffic.received.bytes;

const trafficFacts = (traffic: Traffic | undefined): readonly Fact[] =>
  traffic === undefined
    ? []
    : [
        ["Sent", countWords(traffic.sent)],
        ["Received", countWords(traffic.received)],
      ];

const countWords = ({ bytes, packets }: Count): string =>
  `${formatBytes(bytes)}, ${counted(packets, "packet")}`;

const fact = (word: string, value: string | number | undefined): readonly Fact[] =>
  value === undefined ? [] : [[word, String(value)]];

/** "2026-03-01 12:00:00 UTC" */
const timeOf = (at: string): string =>
  at.replace(/^(\S+)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/, "$1 $2 UTC");
