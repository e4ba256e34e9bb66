/** What stands in the picture's small boxes, and how wide it is. */
import type { DrawnTunnel } from "./drawing.ts";
import { cut, type Font, widthOf } from "./text-width.ts";

export const fonts = {
  title: { size: 22, face: "bold" },
  name: { size: 15, face: "bold" },
  bold: { size: 13, face: "bold" },
  text: { size: 14, face: "text" },
  small: { size: 12.5, face: "text" },
  code: { size: 12, face: "code" },
  badge: { size: 11, face: "bold" },
} as const satisfies Record<string, Font>;

export interface Chip {
  readonly name: string;
  /** Empty on a card. */
  readonly about: string;
  readonly count: number;
}

/** Where each part of a chip begins, from its left; its mark is at 0. */
export function chipParts({ name, about, count }: Chip) {
  const font = about === "" ? fonts.small : fonts.bold;
  const shown = cut(name, font, 150);
  const atName = 19;
  const atAbout = atName + widthOf(shown, font) + 6;
  const atCount = about === "" ? atAbout : atAbout + widthOf(about, fonts.code) + 8;
  const end = atCount + widthOf(String(count), fonts.small);
  return { font, shown, atName, atAbout, atCount, end };
}

export const chipWidth = (chip: Chip): number => chipParts(chip).end;

/** The two lines, or words, of a tunnel's traffic. */
export const flowTexts = ({ sent, received }: DrawnTunnel): readonly string[] =>
  sent === undefined || received === undefined ? ["not known"] : [`→ ${sent}`, `← ${received}`];

export const flowWidth = (tunnel: DrawnTunnel): number =>
  Math.max(70, ...flowTexts(tunnel).map((text) => widthOf(text, fonts.small) + 6));
