import { createHash } from "node:crypto";
import { Script } from "node:vm";
import { expect, test } from "vitest";
import { htmlOf } from "../../../lib/topology/html.ts";
import { pageScript, pageScriptHash } from "../../../lib/topology/page-script.ts";
import { pageStyle } from "../../../lib/topology/page-style.ts";
import { sampleOf } from "./sample.ts";

const topology = sampleOf({ nodes: 3, containers: 4, networks: ["web", "db"] });
const html = htmlOf(topology, { version: "1.2.3" });

test("the page's policy lets it load nothing, and run its own script alone", () => {
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)?.[1];
  expect(policy?.replaceAll("&#39;", "'")).toBe(
    `default-src 'none'; style-src 'unsafe-inline'; script-src '${pageScriptHash}'; base-uri 'none'; form-action 'none'`,
  );
  const hash = createHash("sha256").update(pageScript).digest("base64");
  expect(pageScriptHash, "the script was changed: this is its hash now").toBe(`sha256-${hash}`);
  expect(html.split("<script>")).toHaveLength(2);
  expect(html).toContain(`<script>${pageScript}</script>`);
});

test("script and style end where they end, and the script can be read", () => {
  for (const text of [pageScript, pageStyle]) expect(text).not.toContain("</");
  expect(() => new Script(pageScript)).not.toThrow();
});

test("nothing points out of the page", () => {
  const outward = /\b(src|href|srcset|action|data|poster)=|url\(|@import|https?:\/\//i;
  // A namespace's name, which nobody looks up.
  expect(html.replaceAll('"http://www.w3.org/2000/svg"', "").match(outward)).toBeNull();
});

test("the same topology is the same page", () => {
  expect(htmlOf(topology, { version: "1.2.3" })).toBe(html);
  expect(html).toContain("2026-03-01 12:00:00 UTC");
  expect(html).toContain("SocketPlane 1.2.3");
});
