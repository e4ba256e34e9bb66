/** The nodes of the tree, with what is on them: pure. See topology.ts for the folder's note. */
import { printable } from "../text.ts";
import { formatBytes } from "./amount.ts";
import {
  aligned,
  type Branch,
  type Cell,
  type Look,
  type Pen,
  penOf,
  withoutEmpty,
} from "./lines.ts";
import type { Topology, TopologyContainer, TopologyNode } from "./topology.ts";

/** How much of each is shown; the rest is counted. */
export interface Limits {
  readonly networks: number;
  readonly tunnels: number;
  readonly nodes: number;
  /** Of a node's containers in one network. */
  readonly containers: number;
  /** Whether other nodes than this are shown by a line each. */
  readonly isBrief: boolean;
  /** Columns. */
  readonly width: number;
}

const most = Number.MAX_SAFE_INTEGER;

/** Nodes that are shown with all that is on them. */
const whole = { nodes: 12, containers: 60 } as const;

export function limitsFor(
  { nodes, containers }: Topology,
  { all, width = most }: { readonly all: boolean; readonly width?: number | undefined },
): Limits {
  if (all) {
    return { networks: most, tunnels: most, nodes: most, containers: most, isBrief: false, width };
  }
  const isBrief = nodes.length > whole.nodes || containers.length > whole.containers;
  return { networks: 16, tunnels: 12, nodes: 24, containers: isBrief ? 12 : most, isBrief, width };
}

/** A colour for each, by which its name is painted wherever it stands. */
export const lookOf = (topology: Pick<Topology, "networks">): ((name: string) => Look) => {
  const colors = new Map(topology.networks.map(({ name, color }) => [name, color]));
  return (name) => ({ network: colors.get(name) ?? 0 });
};

/** A tree for each node; where there are many, this one's, and a list of the others. */
export function nodeBranches(topology: Topology, pen: Pen, limits: Limits): readonly string[] {
  const { nodes } = topology;
  const byNode = Map.groupBy(topology.containers, ({ node }) => node);
  const of = (node: TopologyNode) => byNode.get(node.name) ?? [];
  const isWhole = (node: TopologyNode) => !limits.isBrief || node.isSelf || nodes.length === 1;
  const wholes = nodes.filter(isWhole);
  const others = nodes.filter((node) => !isWhole(node));
  const trees = wholes.map((node) =>
    [head(node, pen), ...pen.tree(below(topology, node, of(node), pen, limits))].join("\n"),
  );
  return [[...trees, ...briefly(topology, others, pen, limits)].join("\n\n")];
}

/** "host-a  192.0.2.1 · agent up · this node" */
function head(node: TopologyNode, pen: Pen): string {
  // One whose VTEP is all that is known is called by it.
  const isNamed = node.vtep !== undefined && node.name !== `at ${node.vtep}`;
  const said = [...(isNamed ? [node.vtep] : []), ...words(node, pen)];
  const name = pen.paint(printable(node.name), "title");
  return [name, said.join(pen.dot)].filter((part) => part !== "").join("  ");
}

const agentSays = { alive: "agent up", away: "agent away", unknown: "" } as const;

const words = ({ agent, isSelf }: TopologyNode, pen: Pen): readonly string[] => [
  ...(agent === "unknown" ? [] : [pen.paint(agentSays[agent], agent === "alive" ? "good" : "bad")]),
  ...(isSelf ? ["this node"] : []),
];

/** Its networks, each with its blocks and containers. */
function below(
  topology: Topology,
  node: TopologyNode,
  containers: readonly TopologyContainer[],
  pen: Pen,
  limits: Limits,
): readonly Branch[] {
  const look = lookOf(topology);
  const inNetwork = Map.groupBy(containers, ({ network }) => network);
  const names = [...new Set([...node.networks, ...inNetwork.keys()])];
  if (names.length === 0) return [{ text: pen.paint("holds nothing", "faint") }];
  const lines = containerLines(containers, pen, limits);
  return names.map((name) => {
    const mine = inNetwork.get(name) ?? [];
    const shown = mine.slice(0, limits.containers);
    const left = mine.length - shown.length;
    const more = left === 0 ? [] : [{ text: `and ${pen.counted(left, "more container")}: --all` }];
    const blocks = node.blocks.filter(({ network }) => network === name);
    const prefixes = blocks.map(({ prefix }) => prefix);
    return {
      text: `${pen.paint(printable(name), look(name))}  ${pen.paint(few(prefixes), "faint")}`.trimEnd(),
      below: [...shown.map((one) => ({ text: lines.get(one) ?? "" })), ...more],
    };
  });
}

/** "10.2.0.0/26, 10.2.1.0/26, and 3 more" */
export function few(texts: readonly string[]): string {
  const most = 4;
  if (texts.length <= most + 1) return texts.join(", ");
  return `${texts.slice(0, most).join(", ")}, and ${texts.length - most} more`;
}

/** What is left out, one after the other, where a line would not fit: a MAC follows from the address. */
const dispensable = ["mac", "address6", "port"] as const;

/** All of a node in the same columns. */
function containerLines(
  containers: readonly TopologyContainer[],
  pen: Pen,
  { width }: Limits,
): ReadonlyMap<TopologyContainer, string> {
  const plain = penOf({ colors: false, unicode: false });
  const rows = (left: readonly string[]) =>
    withoutEmpty(containers.map((one) => cellsOf(one, left)));
  const fits = (left: readonly string[]) =>
    aligned(plain, rows(left)).every((line) => line.length + branchWidth <= width);
  const ways = [0, 1, 2, 3].map((count) => dispensable.slice(0, count));
  const left = ways.find(fits) ?? dispensable;
  const lines = aligned(pen, rows(left));
  return new Map(containers.map((one, at) => [one, lines[at] ?? ""]));
}

/** Of two levels. */
const branchWidth = 6;

function cellsOf(one: TopologyContainer, left: readonly string[]): readonly Cell[] {
  const { name, address, address6, mac, port, state, traffic } = one;
  const isShown = (what: (typeof dispensable)[number]) => !left.includes(what);
  return [
    name,
    address,
    isShown("address6") ? (address6 ?? "") : "",
    isShown("mac") ? [mac, "faint"] : "",
    isShown("port") && port ? [`port ${port.number}`, "faint"] : "",
    state === "gone" ? ["gone", "bad"] : "",
    traffic
      ? [
          `sent ${formatBytes(traffic.sent.bytes)}, received ${formatBytes(traffic.received.bytes)}`,
          "faint",
        ]
      : "",
  ];
}

/** Those with something wrong first: of many, they are what is looked for. */
function briefly(
  topology: Topology,
  nodes: readonly TopologyNode[],
  pen: Pen,
  limits: Limits,
): readonly string[] {
  if (nodes.length === 0) return [];
  const byNode = Map.groupBy(topology.containers, ({ node }) => node);
  const ordered = [
    ...nodes.filter(({ agent }) => agent === "away"),
    ...nodes.filter(({ agent }) => agent !== "away"),
  ];
  const shown = ordered.slice(0, limits.nodes);
  const rows = shown.map((node): readonly Cell[] => [
    node.name,
    node.vtep ?? "",
    [agentSays[node.agent], node.agent === "alive" ? "good" : "bad"],
    inEach(node, byNode.get(node.name) ?? []),
  ]);
  const left = ordered.slice(shown.length);
  const containers = left.reduce((sum, { containerCount }) => sum + containerCount, 0);
  const more =
    left.length === 0
      ? []
      : [
          {
            text: `and ${pen.counted(left.length, "more node")} with ${pen.counted(containers, "container")}: --all shows them`,
          },
        ];
  const lines = aligned(pen, rows).map((text) => ({ text }));
  return [[pen.paint("Other nodes", "title"), ...pen.tree([...lines, ...more])].join("\n")];
}

/** "12 in web, 3 in db" */
function inEach(node: TopologyNode, containers: readonly TopologyContainer[]): string {
  const inNetwork = Map.groupBy(containers, ({ network }) => network);
  const names = [...new Set([...node.networks, ...inNetwork.keys()])];
  return names.map((name) => `${inNetwork.get(name)?.length ?? 0} in ${name}`).join(", ");
}
