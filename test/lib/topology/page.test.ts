import { describe, expect, test } from "vitest";
import { escaped } from "../../../lib/topology/markup.ts";
import type { Page } from "./browser.ts";
import { ask, faint, middleOf, spotsOf, textsOf } from "./in-page.ts";
import { away, hostile, hostileNames, many, sampleOf, three } from "./sample.ts";
import { dark, narrow, shownInBrowser } from "./shown.ts";

const { page: open } = shownInBrowser();

const find = (page: Page, text: string) =>
  ask(
    page,
    "#search",
    `{ of.value = ${JSON.stringify(text)}; of.dispatchEvent(new Event("input")) }`,
  );

describe("three nodes with twelve containers", () => {
  test("all are there, each with its address", async () => {
    const page = await open(three);
    const rows = await textsOf(page, ".row");
    expect(rows).toEqual(three.containers.map(({ name, address }) => name + address));
    expect(await textsOf(page, "h2")).toEqual(["node-a", "node-b", "node-c"]);
    expect(await textsOf(page, ".network b")).toEqual(["web", "db"]);
    expect(await textsOf(page, ".tunnel")).toEqual([
      "Tunnel to node-b: →2.1 MB←0 B",
      "Tunnel to node-c: →1.1 MB←840 kB",
    ]);
  });

  test("tunnels are lines between the cards, also on a narrow window", async () => {
    const page = await open(three);
    const count = () => page.evaluate("document.querySelectorAll('.lines path').length");
    expect(await count()).toBe(4);
    await page.look(narrow);
    expect(await count()).toBe(2);
  });

  test("details show under the pointer, and go with it", async () => {
    const page = await open(three);
    expect(await textsOf(page, "#tip")).toEqual([]);
    const { x, y } = await middleOf(page, ".row");
    await page.point(x, y);
    const [tip] = await textsOf(page, "#tip");
    expect(tip).toContain("shop/web-0-0");
    expect(tip).toContain("MAC02:42:0a:02:00:02");
    expect(await ask(page, "#tip", "of.getBoundingClientRect().bottom <= innerHeight")).toBe(true);
    await page.point(1, 1);
    expect(await textsOf(page, "#tip")).toEqual([]);
  });

  test("details show for who has only a keyboard", async () => {
    const page = await open(three);
    const seen: string[] = [];
    // Search, theme, two networks, then the first card and its first container.
    for (let at = 0; at < 6; at += 1) {
      await page.press("Tab");
      seen.push(...(await textsOf(page, "#tip b")));
    }
    expect(seen).toEqual(["web", "db", "node-a", "shop/web-0-0"]);
    expect(await ask(page, ".row", "of.getAttribute('aria-describedby')")).toBe("tip");
    await page.press("Escape");
    expect(await textsOf(page, "#tip")).toEqual([]);
  });

  test("it is as dark as the system, until the button is pressed", async () => {
    const page = await open(three);
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const lit = await background();
    expect(await textsOf(page, "#theme")).toEqual(["Dark"]);
    await page.look(dark);
    const unlit = await background();
    expect(unlit).not.toBe(lit);
    expect(await textsOf(page, "#theme")).toEqual(["Light"]);
    const { x, y } = await middleOf(page, "#theme");
    await page.click(x, y);
    expect(await background()).toBe(lit);
    expect(await textsOf(page, "#theme")).toEqual(["Dark"]);
  });

  test("a network of the legend stands out, until it is clicked again", async () => {
    const page = await open(three);
    const opacities = () =>
      page.evaluate(
        "[...document.querySelectorAll('.here .group')].map((of)=>getComputedStyle(of).opacity)",
      );
    const { x, y } = await middleOf(page, ".network[data-network='1']");
    await page.click(x, y);
    expect(await opacities()).toEqual(["0.28", "1"]);
    await page.click(x, y);
    expect(await opacities()).toEqual(["1", "1"]);
  });

  test("on paper it is light, without what can't be pressed there", async () => {
    const page = await open(three, { ...dark, media: "print" });
    expect(await textsOf(page, ".tools")).toEqual([]);
    expect(await textsOf(page, ".row")).toHaveLength(12);
    const spots = await spotsOf(page);
    expect(faint(spots)).toEqual([]);
    expect(spots.find(({ text }) => text === "node-a")?.on).toBe("rgb(255, 255, 255)");
  });
});

describe("200 nodes", () => {
  test("are small cards with counts, and a line only to the one that is pointed at", async () => {
    const page = await open(many);
    const lines = () => page.evaluate("document.querySelectorAll('.lines path').length");
    expect(await textsOf(page, "h2")).toHaveLength(200);
    expect(await textsOf(page, ".row")).toEqual([]);
    expect((await textsOf(page, ".chip")).slice(0, 3)).toEqual(["web4", "db4", "batch4"]);
    expect(await lines()).toBe(0);
    const { x, y } = await middleOf(page, ".peer:nth-child(37) summary");
    await page.point(x, y);
    expect(await lines()).toBe(1);
    await page.point(1, 1);
    expect(await lines()).toBe(0);
  });

  test("a search leaves what is looked for, wherever it is", async () => {
    const page = await open(many);
    const { address, name, node } = many.containers[1234] ?? {};
    await find(page, ` ${address} `);
    expect(await textsOf(page, "h2")).toEqual([node]);
    expect(await textsOf(page, ".row")).toEqual([`${name}${address}`]);
    expect(await textsOf(page, ".found")).toEqual(["1 container on 1 node"]);
    await find(page, "node-111");
    expect(await textsOf(page, "h2")).toEqual(["node-111"]);
    await find(page, "nothing of the kind");
    expect(await textsOf(page, ".found")).toEqual(["Nothing found"]);
    await find(page, "");
    expect(await textsOf(page, "h2")).toHaveLength(200);
    expect(await textsOf(page, ".row")).toEqual([]);
  });
});

test("what is not known is said, and no traffic is made up", async () => {
  const page = await open(away);
  expect(await textsOf(page, ".notice")).toEqual([
    "Not known: the tunnels' trafficCannot ask the switch: it is awayDo.",
  ]);
  expect(await textsOf(page, ".tunnel")).toEqual([
    "Tunnel to node-b: traffic not known",
    "Tunnel to node-c: traffic not known",
  ]);
  expect(await textsOf(page, ".made")).toEqual([expect.stringContaining("etcd away")]);
});

test("blocks are there without containers, before and after a search", async () => {
  const page = await open({ ...three, containers: [] });
  const headings = () => textsOf(page, ".here h3");
  const both = ["web10.2.0.0/26", "db10.3.0.0/26"];
  expect(await headings()).toEqual(both);
  await find(page, "node-a");
  expect(await headings()).toEqual(both);
});

describe("names of strangers", () => {
  const strange = hostile(sampleOf({ nodes: 3, containers: 6, networks: ["a", "b"] }));

  test("are text, on the page and in the details", async () => {
    const page = await open(strange);
    const shown = await textsOf(page, ".row .cut");
    // As a browser reads it, and so without what can't be in a text.
    const meant = hostileNames.map((name) =>
      escaped(name)
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&quot;", '"')
        .replaceAll("&#39;", "'")
        .replaceAll("&amp;", "&"),
    );
    expect(new Set(shown)).toEqual(new Set(meant));
    expect(await page.evaluate("document.title")).toContain("seen from <script>");
    expect(await page.evaluate("document.querySelectorAll('script').length")).toBe(1);
    expect(
      await page.evaluate("document.querySelectorAll('img, [onload], [onfocus]').length"),
    ).toBe(0);
    const { x, y } = await middleOf(page, ".row");
    await page.point(x, y);
    expect(await textsOf(page, "#tip b")).toEqual([shown[0]]);
    expect(page.complaints).toEqual([]);
  });

  test("would not run even as markup: the page's policy refuses it", async () => {
    const page = await open(three);
    await page.evaluate(
      `document.body.insertAdjacentHTML("beforeend", "<img src='x.png' onerror='document.title=1'>")`,
    );
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title=2" }))`,
    );
    expect(await page.evaluate("document.title")).toBe("The network, seen from node-a");
    expect(page.complaints.join("\n")).toMatch(/Content Security Policy/);
  });
});
