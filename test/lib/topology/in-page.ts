/** What is asked of a page that Chromium shows: expressions that are run in it, and what they give. */
import type { Page } from "./browser.ts";
import { ratio } from "./colours.ts";

export interface Spot {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly color: string;
  /** What is behind it. */
  readonly on: string;
}

/** Every piece of text that is to be seen, with the room it takes: of what is cut, the rest. */
export const spotsOf = (page: Page): Promise<readonly Spot[]> =>
  page.evaluate(`(() => {
    const walker = document.createTreeWalker(document.body ?? document.documentElement, NodeFilter.SHOW_TEXT);
    const behind = (of) => {
      for (let at = of; at; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
      }
      return "rgb(255, 255, 255)";
    };
    const spots = [];
    while (walker.nextNode()) {
      const { currentNode: node } = walker, of = node.parentElement;
      if (node.data.trim() === "" || of.closest("script, style, title, desc, .unseen")) continue;
      if (!of.checkVisibility({ visibilityProperty: true }) || getComputedStyle(of).clipPath !== "none") continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const cut = of.closest(".cut");
      for (const box of cut ? [cut.getBoundingClientRect()] : range.getClientRects()) {
        const { left, top, right, bottom } = box;
        spots.push({ text: node.data, left, top, right, bottom, color: getComputedStyle(of).color, on: behind(of) });
      }
    }
    return spots;
  })()`);

/** Pairs of texts that share more than a pixel. */
export const collisions = (spots: readonly Spot[]): readonly string[] =>
  spots.flatMap((one, at) =>
    spots
      .slice(at + 1)
      .filter(
        (other) =>
          Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
          Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1,
      )
      .map((other) => `"${one.text}" and "${other.text}"`),
  );

/** Texts that are not within these edges. */
export const outside = (spots: readonly Spot[], from: number, to: number): readonly string[] =>
  spots
    .filter(({ left, right }) => left < from || right > to)
    .map(({ text, left, right }) => `"${text}": ${left} to ${right}`);

/** Texts with less contrast than WCAG 2.2 asks for. */
export const faint = (spots: readonly Spot[]): readonly string[] =>
  spots
    .filter(({ color, on }) => ratio(color, on) < 4.5)
    .map(({ text, color, on }) => `"${text}": ${color} on ${on}`);

/** Where the middle of an element is, which is brought into view. */
export const middleOf = (page: Page, selector: string): Promise<{ x: number; y: number }> =>
  page.evaluate(`(async () => {
    const of = document.querySelector(${JSON.stringify(selector)});
    of.scrollIntoView({ block: "center" });
    // The page is told of it in the next frame.
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    const { left, top, width, height } = of.getBoundingClientRect();
    return { x: left + width / 2, y: top + height / 2 };
  })()`);

/** The text of each element that is to be seen. */
export const textsOf = (page: Page, selector: string): Promise<readonly string[]> =>
  page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})]
    .filter((of) => of.checkVisibility()).map((of) => of.textContent)`);

/** The value of an expression about an element, which is "of" there. */
export const ask = <T>(page: Page, selector: string, expression: string): Promise<T> =>
  page.evaluate(`((of) => ${expression})(document.querySelector(${JSON.stringify(selector)}))`);
