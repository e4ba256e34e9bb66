/** A node's card in the picture. */
import { counted } from "./amount.ts";
import type { DrawnNode, Fact } from "./drawing.ts";
import { type Box, chipOf, inside, type PlacedGroup, type PlacedNode } from "./layout.ts";
import { element, type Markup } from "./markup.ts";
import { chipIn, markIn, text } from "./svg-parts.ts";
import { flowTexts, fonts } from "./svg-text.ts";
import { cut, widthOf } from "./text-width.ts";

export function nodeIn({ node, box, groups, chips, small }: PlacedNode): Markup {
  return element(
    "g",
    {},
    element("title", {}, aboutOf(node.name, node.facts)),
    element("rect", { class: node.isHere ? "card here" : "card", ...box, rx: 12 }),
    small ? smallHead(node, box) : head(node, box),
    groups.map((group) => groupIn(group, box)),
    chips.map((chip, at) => {
      const group = node.groups[at];
      if (group === undefined) return undefined;
      return chipIn(group.network.mark, chipOf(group), { x: chip.x, y: chip.y + 11 });
    }),
    !small && node.groups.every(({ containers }) => containers.length === 0)
      ? emptyIn(node, box)
      : undefined,
  );
}

const signs = { good: "\u25cf", warning: "\u25b2", bad: "\u25b2", unknown: "\u25cb" } as const;

const aboutOf = (name: string, facts: readonly Fact[]): string =>
  [name, ...facts.map((fact) => fact.join(": "))].join("\n");

function head(node: DrawnNode, { x, y, width }: Box): readonly Markup[] {
  const says = `${signs[node.state]} agent ${node.agent}`;
  const room = width - 2 * inside - widthOf(says, fonts.small) - 16 - (node.isHere ? badgeRoom : 0);
  const name = cut(node.name, fonts.name, room);
  const end = x + width - inside;
  return [
    text({ x: x + inside, y: y + 27, font: "name" }, name),
    ...(node.isHere
      ? badgeIn(x + inside + Math.min(room, widthOf(name, fonts.name)) + 8, y + 14)
      : []),
    text({ x: end, y: y + 27, font: "small", colour: node.state, anchor: "end" }, says),
    text({ x: x + inside, y: y + 45, font: "code", colour: "soft" }, node.about),
  ];
}

function smallHead(node: DrawnNode, { x, y, width }: Box): readonly Markup[] {
  const says = `${signs[node.state]} ${node.agent}`;
  const room = width - 22 - widthOf(says, fonts.small) - 8;
  const end = x + width - 11;
  const about = cut(node.about, fonts.code, 92);
  return [
    text({ x: x + 11, y: y + 23, font: "name" }, cut(node.name, fonts.name, room)),
    text({ x: end, y: y + 23, font: "small", colour: node.state, anchor: "end" }, says),
    text({ x: x + 11, y: y + 42, font: "code", colour: "soft" }, about),
    ...(node.isHere ? badgeIn(end - badgeRoom + 8, y + 30) : []),
    ...(node.tunnel === undefined
      ? []
      : [
          text(
            { x: end, y: y + 42, font: "code", colour: "soft", anchor: "end" },
            flowTexts(node.tunnel)
              .join(" ")
              .replaceAll(/(?<=[→←]) /g, ""),
          ),
        ]),
  ];
}

const badgeRoom = 82;

const badgeIn = (x: number, y: number): readonly Markup[] => [
  element("rect", { class: "badge", x, y, width: badgeRoom - 8, height: 17, rx: 8.5 }),
  text(
    {
      x: x + (badgeRoom - 8) / 2,
      y: y + 12.3,
      font: "badge",
      colour: "on-badge",
      anchor: "middle",
    },
    "this node",
  ),
];

function groupIn({ group, y, rows, more }: PlacedGroup, { x, width }: Box) {
  const { name, mark } = group.network;
  const end = x + width - inside;
  const blocks = cut(group.blocks.join(", "), fonts.code, width / 2);
  const nameRoom = width - 2 * inside - 24 - widthOf(blocks, fonts.code) - 8;
  const last = rows.at(-1)?.y ?? y + 26;
  return [
    element("path", { class: "rule", d: `M${x} ${y}H${x + width}` }),
    markIn(mark, x + inside, y + 11),
    text({ x: x + inside + 22, y: y + 22, font: "bold" }, cut(name, fonts.bold, nameRoom)),
    text({ x: end, y: y + 22, font: "code", colour: "soft", anchor: "end" }, blocks),
    ...rows.map(({ container, y: at }) => {
      const room = width - 2 * inside - 22 - widthOf(container.address, fonts.code) - 12;
      return element(
        "g",
        {},
        element("title", {}, aboutOf(container.name, container.facts)),
        text({ x: x + inside + 22, y: at, font: "text" }, cut(container.name, fonts.text, room)),
        text({ x: end, y: at, font: "code", anchor: "end" }, container.address),
        container.trouble === undefined
          ? undefined
          : text(
              { x: x + inside + 22, y: at + 17, font: "small", colour: "warning" },
              container.trouble,
            ),
      );
    }),
    more === 0
      ? undefined
      : text(
          { x: x + inside + 22, y: last + 25, font: "small", colour: "soft" },
          `and ${counted(more, "more container")}`,
        ),
  ];
}

const emptyIn = (node: DrawnNode, { x, y, width, height }: Box): readonly Markup[] => [
  element("path", { class: "rule", d: `M${x} ${y + height - 40}H${x + width}` }),
  text({ x: x + inside, y: y + height - 15, font: "text", colour: "soft" }, node.none),
];
