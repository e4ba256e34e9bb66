/** A topology as one picture, for documents: SVG 1.1 with a style, without a script. Pure. */
import { draw, type Maker } from "./draw.ts";
import type { Drawing } from "./drawing.ts";
import { type Box, inside, type Layout, layout, margin } from "./layout.ts";
import { element, type Markup, verbatim } from "./markup.ts";
import { nodeIn } from "./svg-card.ts";
import { chipIn, text } from "./svg-parts.ts";
import { type SvgTheme, svgStyle } from "./svg-style.ts";
import { flowTexts, fonts } from "./svg-text.ts";
import { cut } from "./text-width.ts";
import type { Topology } from "./topology.ts";

interface SvgOptions extends Maker {
  readonly theme: SvgTheme;
}

/** The whole file, as text. */
export function svgOf(topology: Topology, { theme, ...maker }: SvgOptions): string {
  const drawing = draw(topology, maker);
  const placed = layout(drawing);
  const { width, height } = placed;
  const picture = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height: Math.ceil(height),
      viewBox: `0 0 ${width} ${Math.ceil(height)}`,
      role: "img",
      "aria-labelledby": "title about",
    },
    element("title", { id: "title" }, drawing.title),
    element("desc", { id: "about" }, [...drawing.counts, ...drawing.made].join(", ")),
    element("style", {}, verbatim(svgStyle(theme))),
    element("rect", { class: "page", width: "100%", height: "100%" }),
    headIn(drawing, placed),
    noticesIn(drawing, placed.notices),
    tunnelsIn(placed),
    placed.nodes.map(nodeIn),
    footIn(drawing, placed),
  );
  return `${picture.markup}\n`;
}

const headIn = ({ title, made, networks, counts }: Drawing, placed: Layout): readonly Markup[] => [
  text({ x: margin, y: 46, font: "title" }, cut(title, fonts.title, placed.width - 2 * margin)),
  text({ x: margin, y: 68, font: "small", colour: "soft" }, made.join(" \u00b7 ")),
  ...placed.legend.flatMap((box, at) => {
    const network = networks[at];
    if (network === undefined) return [];
    return [
      element("rect", { class: "card", ...box, rx: 16 }),
      chipIn(network.mark, network, { x: box.x + 12, y: box.y + 20.5 }),
    ];
  }),
  text({ ...placed.counts, font: "text", colour: "soft" }, counts.join(" \u00b7 ")),
];

function noticesIn({ notices }: Drawing, { box, lines }: Layout["notices"]): readonly Markup[] {
  if (notices.length === 0) return [];
  return [
    element("rect", { class: "notice", ...box, rx: 6 }),
    element("rect", { class: "edge", ...box, width: 4, rx: 2 }),
    ...lines
      .flat()
      .map((line, at) => text({ x: box.x + inside, y: box.y + 23 + at * 19, font: "text" }, line)),
  ];
}

function tunnelsIn({ nodes, pills }: Layout): readonly Markup[] {
  const here = nodes.find(({ node }) => node.isHere)?.box;
  const boxes = new Map(nodes.map(({ node, box }) => [node, box]));
  return [...pills].flatMap(([node, pill], at) => {
    const to = boxes.get(node);
    if (here === undefined || to === undefined || node.tunnel === undefined) return [];
    const { state, weight, facts } = node.tunnel;
    const room = Math.min(18, (here.height - 24) / pills.size);
    const start = here.y + here.height / 2 + (at - (pills.size - 1) / 2) * room;
    const look = { class: `line ${state}`, "stroke-width": 1.5 + 2 * weight };
    const line = (d: string) => element("path", { ...look, d });
    const about = [`Tunnel to ${node.name}`, ...facts.map((fact) => fact.join(": "))].join("\n");
    return [
      line(curve(here.x + here.width, start, pill.x, middleOf(pill))),
      line(`M${pill.x + pill.width} ${middleOf(pill)}H${to.x}`),
      element(
        "g",
        {},
        element("title", {}, about),
        element("rect", { class: "card", ...pill, rx: 10 }),
        flowTexts(node.tunnel).map((one, index, { length }) =>
          text(
            {
              x: pill.x + pill.width / 2,
              y: middleOf(pill) + 4.5 + (index - (length - 1) / 2) * 18,
              font: "small",
              colour: "soft",
              anchor: "middle",
            },
            one,
          ),
        ),
      ),
    ];
  });
}

const middleOf = ({ y, height }: Box): number => y + height / 2;

function curve(x: number, y: number, toX: number, toY: number): string {
  const bend = (toX - x) * 0.55;
  return `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`;
}

function footIn({ nodes }: Drawing, { height }: Layout): Markup | undefined {
  const here = nodes.find(({ isHere }) => isHere);
  if (here === undefined || nodes.every(({ tunnel }) => tunnel === undefined)) return undefined;
  const said = `Traffic as ${here.name} has counted it: → sent to the other node, ← received from it.`;
  return text({ x: margin, y: height - 26, font: "small", colour: "soft" }, said);
}
