/** The topology as a text that people read: pure. See topology.ts for the folder's note. */
import { printable } from "../text.ts";
import { formatBytes } from "./amount.ts";
import {
  aligned,
  type Branch,
  type Cell,
  type Pen,
  penOf,
  type Style,
  withoutEmpty,
} from "./lines.ts";
import type { Count, Topology, TopologyNetwork, TopologyTunnel, Traffic } from "./topology.ts";
import { few, type Limits, limitsFor, lookOf, nodeBranches } from "./tree-nodes.ts";

interface TreeOptions extends Style {
  /** Also what there is too much of to be read. */
  readonly all: boolean;
  /** Columns that there are; undefined: as many as it takes. */
  readonly width?: number | undefined;
}

/** Lines with their ends. What there is too much of is counted in its place. */
export function treeOf(topology: Topology, options: TreeOptions): string {
  const pen = penOf(options);
  const limits = limitsFor(topology, options);
  const sections = [
    [headline(topology, pen)],
    networksText(topology, pen, limits),
    nodeBranches(topology, pen, limits),
    tunnelsText(topology, pen, limits),
    missingText(topology, pen),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function headline({ nodes, networks, containers, store }: Topology, pen: Pen): string {
  const counts = [
    pen.counted(nodes.length, "node"),
    pen.counted(networks.length, "network"),
    pen.counted(containers.length, "container"),
  ].join(pen.dot);
  const away = store.state === "away";
  const kind = store.kind === "embedded" ? "embedded store" : "etcd";
  const state = away
    ? pen.paint(`${kind} away: as this node remembers it`, "bad")
    : pen.paint(`${kind} ok`, "good");
  return `${pen.paint(counts, "title")}${pen.dot}${state}`;
}

function networksText(topology: Topology, pen: Pen, { networks: most }: Limits) {
  const { networks } = topology;
  const look = lookOf(topology);
  const rows = networks
    .slice(0, most)
    .map((one): readonly Cell[] => [
      [one.name, look(one.name)],
      [one.subnet, one.subnet6].filter(Boolean).join(" "),
      `gateway ${one.gateway}`,
      `VNI ${one.vni}`,
      one.mtu === undefined ? "" : `MTU ${one.mtu}`,
      [pen.counted(one.containerCount, "container"), ...remarks(one, pen)].join(pen.dot),
    ]);
  const branches = aligned(pen, rows).map((text) => ({ text }));
  return section(pen, "Networks", [...branches, ...rest(networks.length - rows.length, "network")]);
}

function remarks({ allowed, masquerade, deleting }: TopologyNetwork, pen: Pen): readonly string[] {
  return [
    ...(allowed.length > 0 ? [`reaches ${printable(allowed.join(", "))}`] : []),
    ...(masquerade ? [] : ["routed, without NAT"]),
    ...(deleting ? [pen.paint("being deleted", "bad")] : []),
  ];
}

/** Of many, those that carry most. */
function tunnelsText(topology: Topology, pen: Pen, { tunnels: most }: Limits): readonly string[] {
  const { tunnels, self, carried } = topology;
  if (tunnels.length === 0) return [];
  const chosen = new Set([...tunnels].sort((a, b) => weight(b) - weight(a)).slice(0, most));
  const look = lookOf(topology);
  const rows = tunnels
    .filter((one) => chosen.has(one))
    .map(({ to, vtep, networks, traffic }): readonly Cell[] => [
      to,
      to === `at ${vtep}` ? "" : vtep,
      networks.length === 1 ? [networks[0] ?? "", look(networks[0] ?? "")] : few(networks),
      ...(traffic ? trafficCells(traffic, pen) : []),
    ]);
  const branches = aligned(pen, withoutEmpty(rows)).map((text) => ({ text }));
  const total =
    carried === undefined
      ? ""
      : `${pen.dot}all: sent ${formatBytes(carried.sent.bytes)}, received ${formatBytes(carried.received.bytes)}`;
  return section(
    pen,
    `Tunnels${self === undefined ? "" : ` of ${printable(self)}`}`,
    [...branches, ...rest(tunnels.length - rows.length, "tunnel")],
    pen.paint(total, "faint"),
  );
}

const weight = ({ traffic }: TopologyTunnel): number =>
  traffic === undefined ? 0 : traffic.sent.bytes + traffic.received.bytes;

function trafficCells({ sent, received }: Traffic, pen: Pen): readonly Cell[] {
  const said = ({ packets, bytes }: Count) =>
    `${formatBytes(bytes)} in ${pen.counted(packets, "packet")}`;
  if (sent.packets + received.packets === 0) return [["nothing yet", "faint"]];
  return [`sent ${said(sent)}`, `received ${said(received)}`];
}

function missingText({ missing }: Topology, pen: Pen): readonly string[] {
  if (missing.length === 0) return [];
  const branches = missing.map(({ what, why, todo }): Branch => {
    const lines = [why, ...(todo?.split("\n") ?? [])].map((text) => ({ text: printable(text) }));
    return { text: pen.paint(printable(what), "title"), below: lines };
  });
  return [pen.paint("Not known", "bad"), ...pen.tree(branches)];
}

function section(pen: Pen, title: string, branches: readonly Branch[], more = "") {
  return branches.length === 0 ? [] : [pen.paint(title, "title") + more, ...pen.tree(branches)];
}

const rest = (left: number, what: string): readonly Branch[] =>
  left <= 0 ? [] : [{ text: `and ${left} more ${what}${left === 1 ? "" : "s"}: --all shows them` }];
