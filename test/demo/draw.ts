/** Draws what is there, as text: pure. */

export interface Box {
  readonly title: string;
  readonly lines: readonly string[];
}

export interface DrawnNetwork {
  readonly name: string;
  readonly subnet: string;
  readonly vni: number;
  readonly containers: readonly Box[];
  /** The node's own port in the network. */
  readonly gateway: Box;
}

export interface Drawn {
  readonly node: string;
  readonly bridge: string;
  readonly networks: readonly DrawnNetwork[];
  readonly outside: Box;
}

const gap = 2;

/** The containers of each network above the bridge, its ports in it, the world below. */
export function draw({ node, bridge, networks, outside }: Drawn): string {
  const columns = networks.map((network) => columnOf(network));
  const above = sideBySide(columns.map(({ top }) => top));
  const width = above[0]?.length ?? 0;
  const inside = sideBySide(columns.map(({ port }) => port));
  const world = boxOf(outside, width - 4);
  return [
    ...above,
    frame("╔", `═ node ${node}: Open vSwitch bridge ${bridge} `, "═", "╗", width),
    ...inside.map((row) => row.replace(/^ /, "║").replace(/ $/, "║")),
    frame("╚", "═ routing, masquerade, and no way between networks ", "═", "╝", width),
    ...["│".padStart(8).padEnd(width), ...world.map((row) => `  ${row}`.padEnd(width))],
  ]
    .map((row) => row.trimEnd())
    .join("\n");
}

/** A network's containers with their wires, and its own port as wide as they are. */
function columnOf(network: DrawnNetwork) {
  const boxes = network.containers.map((box) => boxOf(box));
  const row = sideBySide(boxes);
  const heading = `network ${network.name}  ${network.subnet}  VNI ${network.vni}`;
  const port = boxOf(network.gateway);
  const width = Math.max(row[0]?.length ?? 0, heading.length, port[0]?.length ?? 0) + 2;
  const wires = boxes.map((box) => ["│".padStart(5).padEnd(box[0]?.length ?? 0)]);
  return {
    top: [heading, ...row, ...sideBySide(wires)].map((line) => ` ${line}`.padEnd(width)),
    port: port.map((line) => ` ${line}`.padEnd(width)),
  };
}

function boxOf({ title, lines }: Box, least = 0): readonly string[] {
  const width = Math.max(title.length + 1, ...lines.map((line) => line.length), least - 4);
  return [
    frame("┌", `─ ${title} `, "─", "┐", width + 4),
    ...lines.map((line) => `│ ${line.padEnd(width)} │`),
    frame("└", "", "─", "┘", width + 4),
  ];
}

const frame = (left: string, text: string, fill: string, right: string, width: number): string =>
  `${left}${text.padEnd(width - 2, fill)}${right}`;

/** Blocks of lines next to each other, each as wide as its widest line. */
function sideBySide(blocks: readonly (readonly string[])[]): readonly string[] {
  const height = Math.max(...blocks.map((block) => block.length));
  const widths = blocks.map((block) => Math.max(...block.map((line) => line.length)));
  return Array.from({ length: height }, (_, row) =>
    blocks
      .map((block, index) => (block[row] ?? "").padEnd(widths[index] ?? 0))
      .join(" ".repeat(gap)),
  );
}
