/** Draws a cluster as text: pure. */

export interface Box {
  readonly title: string;
  readonly lines: readonly string[];
}

export interface DrawnNode {
  readonly name: string;
  /** Its containers, each with its network. */
  readonly containers: readonly Box[];
  /** "web 10.2.0.0/26": what it holds. */
  readonly leases: readonly string[];
  readonly vtep: string;
}

export interface Drawn {
  readonly nodes: readonly DrawnNode[];
  /** What runs between them. */
  readonly underlay: string;
  readonly store: string;
}

const gap = 2;

/** The nodes next to each other, each with its containers in it, and all on one wire. */
export function draw({ nodes, underlay, store }: Drawn): string {
  const columns = nodes.map(columnOf);
  const height = Math.max(...columns.map((rows) => rows.length));
  const level = columns.map((rows) => stretched(rows, height));
  const above = sideBySide(level);
  const width = above[0]?.length ?? 0;
  const wires = sideBySide(level.map((rows) => ["│".padStart(6).padEnd(rows[0]?.length ?? 0)]));
  return [
    ...above,
    ...wires,
    frame("═", `══ ${underlay} `, "═", "═", width),
    "│".padStart(6),
    ...boxOf({ title: "etcd", lines: [store] }).map((row) => `  ${row}`),
  ]
    .map((row) => row.trimEnd())
    .join("\n");
}

function columnOf({ name, containers, leases, vtep }: DrawnNode): readonly string[] {
  const boxes = containers.map((box) => boxOf(box));
  const inside = [
    ...boxes.flat(),
    ...leases.map((lease) => `holds ${lease}`),
    `VXLAN from ${vtep}`,
  ];
  return boxOf({ title: name, lines: inside });
}

/** With empty lines before its last two, so that all stand on the same ground. */
function stretched(rows: readonly string[], height: number): readonly string[] {
  const width = rows[0]?.length ?? 0;
  const empty = Array<string>(height - rows.length).fill(`│${" ".repeat(width - 2)}│`);
  return [...rows.slice(0, -2), ...empty, ...rows.slice(-2)];
}

function boxOf({ title, lines }: Box): readonly string[] {
  const width = Math.max(title.length + 1, ...lines.map((line) => line.length));
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
