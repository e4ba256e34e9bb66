import { describe, expect, test } from "vitest";
import { draw } from "../../../lib/topology/draw.ts";
import { type Box, layout } from "../../../lib/topology/layout.ts";
import { svgOf } from "../../../lib/topology/svg.ts";
import { cut, widthOf, wrap } from "../../../lib/topology/text-width.ts";
import { hostile, sampleOf } from "./sample.ts";

const maker = { version: "0.1.0" };
const networks = ["web", "db", "batch", "edge", "mail", "logs", "dev"];
const sizes = [
  { nodes: 1, containers: 0, networks: ["web"] },
  { nodes: 3, containers: 4, networks: ["web", "db"] },
  { nodes: 6, containers: 40, networks },
  { nodes: 7, containers: 3, networks },
  { nodes: 200, containers: 12, networks },
];

describe.each(sizes)("$nodes nodes of $containers containers", (size) => {
  const topology = sampleOf(size);
  const drawing = draw(topology, maker);

  test.each([
    ["as they are", topology],
    ["with hostile names", hostile(topology)],
    ["without this node", { ...topology, nodes: topology.nodes.slice(1) }],
  ])("nothing is on another, or outside: %s", (_, shown) => {
    const placed = layout(draw(shown, maker));
    const boxes = [
      ...placed.legend,
      ...placed.nodes.map(({ box }) => box),
      ...placed.pills.values(),
    ];
    expect(overlapping(boxes)).toEqual([]);
    const page = { x: 0, y: 0, width: placed.width, height: placed.height };
    expect(boxes.filter((box) => !isInside(box, page))).toEqual([]);
    for (const { box, chips, groups } of placed.nodes) {
      expect(overlapping(chips)).toEqual([]);
      expect(chips.filter((chip) => !isInside(chip, box))).toEqual([]);
      const rows = groups.flatMap(({ y, rows }) => [y, ...rows.map((row) => row.y)]);
      expect(rows.toSorted((a, b) => a - b)).toEqual(rows);
      expect(Math.max(box.y, ...rows)).toBeLessThan(box.y + box.height);
    }
  });

  test("every node and network is named, and what has no room is counted", () => {
    const svg = svgOf(topology, { ...maker, theme: "auto" });
    for (const { name } of [...topology.nodes, ...topology.networks]) {
      expect(svg).toContain(`>${name}<`);
    }
    const placed = layout(drawing).nodes;
    for (const { node, groups, chips } of placed) {
      const shown = groups.map(({ rows, more }) => rows.length + more);
      const counts = node.groups.map(({ containers }) => containers.length);
      expect(chips.length > 0 ? counts : shown).toEqual(counts);
    }
  });
});

test("three nodes' twelve containers are all there, with their addresses", () => {
  const topology = sampleOf({ nodes: 3, containers: 4, networks: ["web", "db"] });
  const svg = svgOf(topology, { ...maker, theme: "light" });
  expect(topology.containers).toHaveLength(12);
  for (const { name, address } of topology.containers) {
    expect(svg).toContain(`>${name}</text>`);
    expect(svg).toContain(`>${address}</text>`);
  }
  expect(svg).not.toContain("prefers-color-scheme");
  expect(svg).toBe(svgOf(topology, { ...maker, theme: "light" }));
});

describe("text", () => {
  const font = { size: 10, face: "text" } as const;

  test("is cut to its room, and not inside a character", () => {
    expect(cut("short", font, 100)).toBe("short");
    const shown = cut("\u{1f600}".repeat(20), font, 60);
    expect(shown).toMatch(/^\u{1f600}+…$/u);
    expect(widthOf(shown, font)).toBeLessThanOrEqual(60);
  });

  test("is wrapped by words", () => {
    expect(wrap("one two\nthree", font, 22)).toEqual(["one", "two", "thr…"]);
    expect(wrap("one two\nthree", font, 100)).toEqual(["one two", "three"]);
  });
});

/** Every pair that shares more than an edge. */
function overlapping(boxes: readonly Box[]): readonly (readonly [Box, Box])[] {
  return boxes.flatMap((one, at) =>
    boxes
      .slice(at + 1)
      .filter(
        (other) =>
          one.x < other.x + other.width &&
          other.x < one.x + one.width &&
          one.y < other.y + other.height &&
          other.y < one.y + one.height,
      )
      .map((other) => [one, other] as const),
  );
}

const isInside = (box: Box, outer: Box): boolean =>
  box.x >= outer.x &&
  box.y >= outer.y &&
  box.x + box.width <= outer.x + outer.width &&
  box.y + box.height <= outer.y + outer.height;
