/**
 * Where everything of a drawing is, in pixels: few nodes stand right of this one, with their
 * tunnels between; many are a grid of small cards. Pure; svg.ts draws what is placed here.
 */
import type { Drawing, DrawnContainer, DrawnGroup, DrawnNode } from "./drawing.ts";
import { type Chip, chipWidth, flowWidth, fonts } from "./svg-text.ts";
import { widthOf, wrap } from "./text-width.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Each line of what is not known, at its baseline. */
  readonly notices: { readonly box: Box; readonly lines: readonly (readonly string[])[] };
  /** By network. */
  readonly legend: readonly Box[];
  /** The baseline of the counts. */
  readonly counts: { readonly x: number; readonly y: number };
  readonly nodes: readonly PlacedNode[];
  /** By node, of those that have one with few nodes. */
  readonly pills: ReadonlyMap<DrawnNode, Box>;
}

export interface PlacedNode {
  readonly node: DrawnNode;
  readonly box: Box;
  /** Its containers; none on a small card, which has `chips`. */
  readonly groups: readonly PlacedGroup[];
  readonly chips: readonly Box[];
  readonly small: boolean;
}

export interface PlacedGroup {
  readonly group: DrawnGroup;
  /** The line above it. */
  readonly y: number;
  readonly rows: readonly { readonly container: DrawnContainer; readonly y: number }[];
  /** How many containers are not shown. */
  readonly more: number;
}

export const margin = 32;
export const width = 1200;
export const inside = 14;
const inner = width - 2 * margin;
const gutter = 176;
const fewNodes = 6;
/** Of one network on one node. */
const mostRows = 16;
const headHeight = 58;
const rowHeight = 25;
const lineHeight = 19;

export function layout(drawing: Drawing): Layout {
  const lines = drawing.notices.map(({ what, why, todo }) =>
    wrap([what, why, todo ?? ""].join("\n").trim(), fonts.text, inner - 2 * inside),
  );
  const noticeHeight = lines.flat().length * lineHeight;
  const notices = {
    lines,
    box: { x: margin, y: 84, width: inner, height: lines.length > 0 ? noticeHeight + 18 : 0 },
  };
  const top = notices.box.y + notices.box.height + (lines.length > 0 ? 18 : 8);
  const countsWidth = widthOf(drawing.counts.join(" · "), fonts.text);
  const flow = flowed(
    [...drawing.networks.map((one) => chipWidth(one) + 24), countsWidth],
    { x: margin, y: top, width: inner, height: 32 },
    8,
  );
  const counts = flow.at(-1) ?? { x: margin, y: top };
  const cards = { x: margin, y: counts.y + 32 + 20, width: inner, height: 0 };
  const placed =
    drawing.nodes.length <= fewNodes
      ? placeFew(drawing.nodes, cards)
      : placeMany(drawing.nodes, cards);
  const end = Math.max(cards.y, ...placed.nodes.map(({ box }) => box.y + box.height));
  return {
    width,
    height: end + 58,
    notices,
    legend: flow.slice(0, -1),
    counts: { x: counts.x + 6, y: counts.y + 21 },
    ...placed,
  };
}

/** Boxes beside each other, in lines as long as the room is. */
function flowed(widths: readonly number[], room: Box, gap: number): readonly Box[] {
  let { x, y } = room;
  return widths.map((wanted) => {
    const width = Math.min(wanted, room.width);
    if (x > room.x && x + width > room.x + room.width) {
      x = room.x;
      y += room.height + 8;
    }
    const box = { x, y, width, height: room.height };
    x += width + gap;
    return box;
  });
}

type Placed = Pick<Layout, "nodes" | "pills">;

function placeFew(nodes: readonly DrawnNode[], at: Box): Placed {
  const here = nodes.filter(({ isHere }) => isHere);
  const peers = nodes.filter(({ isHere }) => !isHere);
  const cardWidth = (at.width - gutter) / 2;
  const beside = here.length > 0 ? at.x + cardWidth + gutter : at.x;
  let { y } = at;
  const right = peers.map((node) => {
    const placed = placeNode(node, { x: beside, y, width: cardWidth });
    y += placed.box.height + 22;
    return placed;
  });
  const height = y - 22 - at.y;
  const left = here.map((node) => {
    const { box } = placeNode(node, { x: at.x, y: at.y, width: cardWidth });
    const down = Math.max(0, (height - box.height) / 2);
    return placeNode(node, { x: at.x, y: at.y + down, width: cardWidth });
  });
  const pills = right.flatMap(({ node, box }): [DrawnNode, Box][] => {
    if (node.tunnel === undefined || here.length === 0) return [];
    const size = { width: flowWidth(node.tunnel) + 24, height: 46 };
    const x = box.x - (gutter + size.width) / 2;
    return [[node, { ...size, x, y: box.y + (box.height - size.height) / 2 }]];
  });
  return { nodes: [...left, ...right], pills: new Map(pills) };
}

function placeNode(node: DrawnNode, { x, y, width }: Omit<Box, "height">): PlacedNode {
  let at = y + headHeight;
  const groups = node.groups.map((group): PlacedGroup => {
    const top = at;
    at += 34;
    const shown = group.containers.slice(0, mostRows);
    const rows = shown.map((container) => {
      const row = { container, y: at + 17 };
      at += container.trouble === undefined ? rowHeight : rowHeight + 17;
      return row;
    });
    const more = group.containers.length - shown.length;
    at += more > 0 ? rowHeight + 8 : 8;
    return { group, y: top, rows, more };
  });
  const isEmpty = node.groups.every(({ containers }) => containers.length === 0);
  const height = at - y + (isEmpty ? 40 : 0);
  return { node, box: { x, y, width, height }, groups, chips: [], small: false };
}

function placeMany(nodes: readonly DrawnNode[], at: Box): Placed {
  const columns = 5;
  const gap = 10;
  const width = (at.width - gap * (columns - 1)) / columns;
  const placed: PlacedNode[] = [];
  let { y } = at;
  for (let first = 0; first < nodes.length; first += columns) {
    const row = nodes.slice(first, first + columns).map((node, column) => {
      const box = { x: at.x + column * (width + gap), y, width, height: 0 };
      const room = { x: box.x + 11, y: y + 62, width: width - 22, height: 14 };
      const chips = flowed(
        node.groups.map((group) => chipWidth(chipOf(group))),
        room,
        10,
      );
      return { node, box, chips, bottom: (chips.at(-1)?.y ?? room.y) + 24 };
    });
    const height = Math.max(...row.map(({ bottom }) => bottom)) - y;
    placed.push(
      ...row.map(({ node, box, chips }) => ({
        ...{ node, chips, groups: [], small: true },
        box: { ...box, height },
      })),
    );
    y += height + gap;
  }
  return { nodes: placed, pills: new Map() };
}

/** A network on a small card. */
export const chipOf = ({ network, containers }: DrawnGroup): Chip => ({
  name: network.name,
  about: "",
  count: containers.length,
});
