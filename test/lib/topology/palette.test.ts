import { describe, expect, test } from "vitest";
import { dark, light, markOf, type Theme } from "../../../lib/topology/palette.ts";
import { distance, lightOf, type Rgb, ratio, seenBy } from "./colours.ts";

describe.each([
  ["light", light],
  ["dark", dark],
] as const)("the %s theme", (_, theme: Theme) => {
  const { ink, soft, good, bad, warning, card, raised, page, notice, tunnel, networks } = theme;

  test("has text that is read: contrast as WCAG 2.2, 1.4.3 asks for", () => {
    const texts = [ink, soft, good, bad, warning].flatMap((text) =>
      [card, raised, page].map((on) => ({ text, on, ratio: ratio(text, on) })),
    );
    texts.push({ text: ink, on: notice, ratio: ratio(ink, notice) });
    texts.push({ text: soft, on: notice, ratio: ratio(soft, notice) });
    expect(texts.filter((one) => one.ratio < 4.5)).toEqual([]);
  });

  test("has marks and lines that are seen: 1.4.11", () => {
    const marks = [...networks, tunnel].flatMap((mark) =>
      [card, page].map((on) => ({ mark, on, ratio: ratio(mark, on) })),
    );
    expect(marks.filter((one) => one.ratio < 3)).toEqual([]);
  });

  test.each(Object.entries(seenBy))("keeps networks apart for %s sight", (_, see) => {
    const seen: readonly Rgb[] = networks.map((colour) => see(lightOf(colour)));
    const pairs = seen.flatMap((one, at) =>
      seen.slice(at + 1).map((other, after) => ({
        pair: [networks[at], networks[at + 1 + after]],
        distance: distance(one, other),
      })),
    );
    // In OKLab, where black and white are 1 apart; 0.02 is what is just told apart.
    expect(pairs.filter((one) => one.distance < 0.09)).toEqual([]);
  });
});

test("thirty-six networks differ in colour or shape", () => {
  const marks = Array.from({ length: 36 }, (_, at) => JSON.stringify(markOf(at)));
  expect(new Set(marks).size).toBe(36);
});
