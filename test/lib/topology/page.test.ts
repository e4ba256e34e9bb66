import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { htmlOf } from "../../../lib/topology/html.ts";
import { escaped } from "../../../lib/topology/markup.ts";
import { svgOf } from "../../../lib/topology/svg.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { type Browser, type Look, type Page, startBrowser } from "./browser.ts";
import { ask, collisions, faint, middleOf, outside, spotsOf, textsOf } from "./in-page.ts";
import { hostile, hostileNames, sampleOf } from "./sample.ts";

const maker = { version: "0.1.0" };
const three = sampleOf({ nodes: 3, containers: 4, networks: ["web", "db"] });
const many = sampleOf({ nodes: 200, containers: 12, networks: ["web", "db", "batch"] });
const away: Topology = {
  ...three,
  store: { kind: "etcd", state: "away" },
  tunnels: three.tunnels.map(({ traffic: _, ...rest }) => rest),
  missing: [
    { what: "the tunnels' traffic", why: "Cannot ask the switch: it is away", todo: "Do." },
  ],
};

const wide = { width: 1280, height: 800, theme: "light" } as const satisfies Look;
const narrow = { ...wide, width: 400 } as const satisfies Look;
const dark = { ...wide, theme: "dark" } as const satisfies Look;

let browser: Browser;
const folder = mkdtempSync(join(tmpdir(), "socketplane-page-"));
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

let files = 0;
function openFile(kind: "html" | "svg", text: string, look: Look): Promise<Page> {
  files += 1;
  const path = join(folder, `${files}.${kind}`);
  writeFileSync(path, text);
  return browser.open(pathToFileURL(path).href, look);
}

const open = (topology: Topology, look: Look = wide): Promise<Page> =>
  openFile("html", htmlOf(topology, maker), look);

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
    ["narrow and dark", { ...dark, width: 400 }],
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
    await page.look(dark);
    const unlit = await background();
    expect(unlit).not.toBe(lit);
    expect(await ask(page, "#theme", "of.getAttribute('aria-pressed')")).toBe("true");
    const { x, y } = await middleOf(page, "#theme");
    await page.click(x, y);
    expect(await background()).toBe(lit);
    expect(await ask(page, "#theme", "of.getAttribute('aria-pressed')")).toBe("false");
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
    const find = (text: string) =>
      ask(
        page,
        "#search",
        `{ of.value=${JSON.stringify(text)}; of.dispatchEvent(new Event("input")) }`,
      );
    const { address, name, node } = many.containers[1234] ?? {};
    await find(` ${address} `);
    expect(await textsOf(page, "h2")).toEqual([node]);
    expect(await textsOf(page, ".row")).toEqual([`${name}${address}`]);
    expect(await textsOf(page, ".found")).toEqual(["1 container on 1 node"]);
    await find("node-111");
    expect(await textsOf(page, "h2")).toEqual(["node-111"]);
    await find("nothing of the kind");
    expect(await textsOf(page, ".found")).toEqual(["Nothing found"]);
    await find("");
    expect(await textsOf(page, "h2")).toHaveLength(200);
    expect(await textsOf(page, ".row")).toEqual([]);
  });
});

test("what is not known is said, and no traffic is made up", async () => {
  const page = await open(away);
  expect(await textsOf(page, ".notice")).toEqual([
    "Not known: the tunnels' traffic. Cannot ask the switch: it is awayDo.",
  ]);
  expect(await textsOf(page, ".tunnel")).toEqual([
    "Tunnel to node-b: traffic not known",
    "Tunnel to node-c: traffic not known",
  ]);
  expect(await textsOf(page, ".made")).toEqual([expect.stringContaining("etcd away")]);
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

describe.each([
  ["three nodes", three],
  ["200 nodes", many],
  ["hostile names", hostile(three)],
])("a picture of %s", (_, topology) => {
  test("is well-formed, and its texts have the room they take", async () => {
    const page = await openFile("svg", svgOf(topology, { ...maker, theme: "auto" }), dark);
    expect(await page.evaluate("document.documentElement.nodeName")).toBe("svg");
    const spots = await spotsOf(page);
    expect(spots.length).toBeGreaterThan(10);
    expect(collisions(spots)).toEqual([]);
    expect(outside(spots, 20, 1200 - 20)).toEqual([]);
    expect(page.complaints).toEqual([]);
    expect(page.requests).toHaveLength(1);
  });
});
