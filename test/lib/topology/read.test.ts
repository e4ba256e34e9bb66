import { describe, expect, test } from "vitest";
import { collisions, faint, outside, spotsOf } from "./in-page.ts";
import { away, hostile, many, sampleOf, three } from "./sample.ts";
import { dark, narrow, shownInBrowser, wide } from "./shown.ts";

const { page: open, picture } = shownInBrowser();

describe.each([
  ["three nodes", three],
  ["200 nodes", many],
  ["what is not known", away],
  ["hostile names", hostile(three)],
  ["many hostile names", hostile(sampleOf({ nodes: 9, containers: 3, networks: ["a", "b"] }))],
  ["another node alone", { ...three, nodes: three.nodes.slice(1, 2) }],
  ["one node", sampleOf({ nodes: 1, containers: 0, networks: [] })],
])("a page of %s", (_, topology) => {
  test.each([
    ["wide and light", wide],
    ["narrow and dark", { ...narrow, theme: "dark" } as const],
  ])("asks for nothing, complains of nothing, and is read: %s", async (_, look) => {
    const page = await open(topology, look);
    const spots = await spotsOf(page);
    expect(spots.length).toBeGreaterThan(10);
    expect(collisions(spots)).toEqual([]);
    expect(outside(spots, 0, look.width)).toEqual([]);
    expect(faint(spots)).toEqual([]);
    const width = await page.evaluate("document.documentElement.scrollWidth");
    expect(width).toBe(look.width);
    expect(page.requests).toHaveLength(1);
    expect(page.complaints).toEqual([]);
  });
});

describe.each([
  ["three nodes", three],
  ["200 nodes", many],
  ["hostile names", hostile(three)],
])("a picture of %s", (_, topology) => {
  test("is well-formed, and its texts have the room they take", async () => {
    const page = await picture(topology, dark);
    expect(await page.evaluate("document.documentElement.nodeName")).toBe("svg");
    const spots = await spotsOf(page);
    expect(spots.length).toBeGreaterThan(10);
    expect(collisions(spots)).toEqual([]);
    expect(outside(spots, 20, 1200 - 20)).toEqual([]);
    expect(page.complaints).toEqual([]);
    expect(page.requests).toHaveLength(1);
  });
});
