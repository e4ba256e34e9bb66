/** Small parts of the picture. */
import { element, type Markup } from "./markup.ts";
import { markOf } from "./palette.ts";
import { type Chip, chipParts, fonts } from "./svg-text.ts";

interface TextAt {
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  readonly font: keyof typeof fonts;
  readonly colour?: string;
  readonly anchor?: "end" | "middle";
}

export function text({ x, y, font, colour = "ink", anchor }: TextAt, said: string): Markup {
  const face = fonts[font].face === "code" ? "code" : undefined;
  const classes = [`f-${font}`, face, colour, anchor].filter(Boolean).join(" ");
  return element("text", { class: classes, x: tidy(x), y: tidy(y) }, said);
}

/** A network's shape in its colour, by its upper left corner. */
export function markIn(network: number, x: number, y: number, size = 12): Markup {
  const { colour, shape } = markOf(network);
  const transform = `translate(${tidy(x)} ${tidy(y)}) scale(${size / 16})`;
  return element("path", { class: `c${colour}`, d: shape, transform });
}

/** A network's mark, name and count, beginning at `x`, on the baseline `y`. */
export function chipIn(network: number, chip: Chip, { x, y }: { x: number; y: number }): Markup {
  const parts = chipParts(chip);
  const font = parts.font === fonts.bold ? "bold" : "small";
  return element(
    "g",
    {},
    markIn(network, x, y - 10.5),
    text({ x: x + parts.atName, y, font }, parts.shown),
    chip.about === ""
      ? undefined
      : text({ x: x + parts.atAbout, y, font: "code", colour: "soft" }, chip.about),
    text({ x: x + parts.atCount, y, font: "small" }, String(chip.count)),
  );
}

/** Short: what is finer nobody sees. */
const tidy = (pixels: number): number => Math.round(pixels * 10) / 10;
