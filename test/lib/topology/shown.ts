/** Pages and pictures in a browser, which is there as long as a file's tests are. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { htmlOf } from "../../../lib/topology/html.ts";
import { svgOf } from "../../../lib/topology/svg.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { type Browser, type Look, type Page, startBrowser } from "./browser.ts";

const maker = { version: "0.1.0" };

export const wide = { width: 1280, height: 800, theme: "light" } as const satisfies Look;
export const narrow = { ...wide, width: 400 } as const satisfies Look;
export const dark = { ...wide, theme: "dark" } as const satisfies Look;

export interface Shown {
  readonly page: (topology: Topology, look?: Look) => Promise<Page>;
  readonly picture: (topology: Topology, look: Look) => Promise<Page>;
}

/** Opens each from a file of its own, as a reader does. */
export function shownInBrowser(): Shown {
  let browser: Browser;
  let files = 0;
  const folder = mkdtempSync(join(tmpdir(), "socketplane-page-"));
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });
  const open = (kind: "html" | "svg", text: string, look: Look): Promise<Page> => {
    files += 1;
    const path = join(folder, `${files}.${kind}`);
    writeFileSync(path, text);
    return browser.open(pathToFileURL(path).href, look);
  };
  return {
    page: (topology, look = wide) => open("html", htmlOf(topology, maker), look),
    picture: (topology, look) => open("svg", svgOf(topology, { ...maker, theme: "auto" }), look),
  };
}
