/** Small things that stand all over the page. */
import type { Fact } from "./drawing.ts";
import { element, type Markup } from "./markup.ts";
import { markOf } from "./palette.ts";

/** The network's shape, in its colour. */
export function markUp(network: number): Markup {
  const { colour, shape } = markOf(network);
  return element(
    "svg",
    { class: `mark c${colour}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    element("path", { d: shape }),
  );
}

/** What the script shows beside an element: a line for the title and for each fact. */
export const moreOf = (title: string, facts: readonly Fact[]): string =>
  [title, ...facts.map((fact) => fact.map(onOneLine).join("\t"))].map(onLine).join("\n");

const onOneLine = (text: string): string => text.replaceAll(/\s/g, " ");
const onLine = (text: string): string => text.replaceAll(/[\r\n]/g, " ");

/** What the script searches in. */
export const findOf = (words: readonly string[]): string => words.join(" ").toLowerCase();
