/**
 * A page of a topology, in one file that needs no other: a browser opens it from disk.
 *
 * Its policy (Content Security Policy 3) lets it load nothing, and run only our script. What it says
 * is there without the script too, which adds lines, details and the search.
 */
import { draw, type Maker } from "./draw.ts";
import type { Drawing, DrawnNetwork } from "./drawing.ts";
import { element, type Markup, verbatim } from "./markup.ts";
import { mapOf } from "./page-map.ts";
import { markUp, moreOf } from "./page-marks.ts";
import { pageScript, pageScriptHash } from "./page-script.ts";
import { pageStyle } from "./page-style.ts";
import type { Topology } from "./topology.ts";

/** The whole file, as text. */
export function htmlOf(topology: Topology, maker: Maker): string {
  const drawing = draw(topology, maker);
  const page = element("html", { lang: "en" }, headOf(drawing), bodyOf(drawing));
  return `<!doctype html>\n${page.markup}\n`;
}

const policy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src '${pageScriptHash}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const headOf = ({ title }: Drawing): Markup =>
  element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("title", {}, title),
    element("style", {}, verbatim(pageStyle)),
  );

const bodyOf = (drawing: Drawing): Markup =>
  element(
    "body",
    {},
    element("header", { class: "head" }, titleOf(drawing), tools),
    noticesOf(drawing),
    legendOf(drawing),
    mapOf(drawing),
    footOf(drawing),
    element("div", { class: "tip", id: "tip", role: "tooltip", hidden: true }),
    element("script", {}, verbatim(pageScript)),
  );

const titleOf = ({ title, made }: Drawing): Markup =>
  element(
    "div",
    { class: "title" },
    element("h1", {}, title),
    element(
      "p",
      { class: "made" },
      made.map((part) => element("span", {}, part)),
    ),
  );

/** A disc of which one half is dark. */
const themeIcon = element(
  "svg",
  { viewBox: "0 0 16 16", "aria-hidden": "true" },
  element("path", {
    d: "M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14zm0 1.6v10.8a5.4 5.4 0 1 1 0-10.8z",
    "fill-rule": "evenodd",
  }),
);

const tools = element(
  "div",
  { class: "tools" },
  element(
    "label",
    {},
    element("span", { class: "unseen" }, "Search names and addresses"),
    element("input", {
      id: "search",
      type: "search",
      placeholder: "Search names and addresses",
      autocomplete: "off",
      spellcheck: "false",
    }),
  ),
  element(
    "button",
    { id: "theme", type: "button", title: "Dark or light" },
    themeIcon,
    // Names what pressing it changes to; the script keeps that true.
    element("span", { class: "to" }, "Dark"),
  ),
);

const noticesOf = ({ notices }: Drawing): Markup | undefined =>
  notices.length === 0
    ? undefined
    : element(
        "section",
        { class: "notices", "aria-label": "What is not known" },
        notices.map(({ what, why, todo }) =>
          element(
            "div",
            { class: "notice" },
            element("p", {}, element("b", {}, what)),
            element("p", {}, why),
            todo === undefined ? undefined : element("p", { class: "todo" }, todo),
          ),
        ),
      );

const legendOf = ({ networks, counts }: Drawing): Markup =>
  element(
    "section",
    { class: "legend", "aria-label": "Networks" },
    element("ul", {}, networks.map(networkOf)),
    element("p", { class: "counts soft" }, counts.join(" \u00b7 ")),
    element("p", { class: "found", role: "status" }),
  );

const networkOf = (network: DrawnNetwork): Markup =>
  element(
    "li",
    {},
    element(
      "button",
      {
        class: "network",
        type: "button",
        "aria-pressed": "false",
        "data-network": network.mark,
        "data-more": moreOf(network.name, network.facts),
      },
      markUp(network.mark),
      element("b", { class: "cut" }, network.name),
      element("span", { class: "code soft cut" }, network.about),
      element("span", { class: "number" }, network.count),
    ),
  );

const footOf = ({ nodes }: Drawing): Markup | undefined => {
  const here = nodes.find(({ isHere }) => isHere);
  if (here === undefined || nodes.every(({ tunnel }) => tunnel === undefined)) return undefined;
  return element(
    "footer",
    { class: "foot" },
    `Traffic is what ${here.name}'s switch has counted: \u2192 sent to the other node, `,
    "\u2190 received from it. What two other nodes send each other is not counted here.",
  );
};
