/** The page's middle: a card for each node, with its containers, and between them the tunnels. */
import { counted } from "./amount.ts";
import type { Drawing, DrawnContainer, DrawnGroup, DrawnNode, DrawnTunnel } from "./drawing.ts";
import { element, type Markup } from "./markup.ts";
import { findOf, markUp, moreOf } from "./page-marks.ts";

/** How many nodes stand beside this one and its lines; more are a grid of small cards. */
const fewNodes = 6;
/** How many containers a card shows unasked, and how many all of them in a grid. */
const fewContainers = 24;
const fewOfAll = 60;

export function mapOf(drawing: Drawing): Markup {
  const few = drawing.nodes.length <= fewNodes;
  const here = drawing.nodes.filter(({ isHere }) => isHere);
  const peers = drawing.nodes.filter(({ isHere }) => !isHere);
  const total = drawing.nodes.reduce((sum, node) => sum + countOf(node), 0);
  const isOpen = (node: DrawnNode) => (few ? countOf(node) <= fewContainers : total <= fewOfAll);
  const card = (node: DrawnNode) => nodeOf({ node, isOpen: isOpen(node), small: !few });
  const kind = !few
    ? `many${total <= fewOfAll ? " open" : ""}`
    : here.length === 0 || peers.length === 0
      ? "few alone"
      : `few${total - (here[0] ? countOf(here[0]) : 0) > fewContainers ? " tall" : ""}`;
  return element(
    "main",
    { class: `map ${kind}` },
    here.map((node) => element("div", { class: "here place" }, card(node))),
    peers.length === 0
      ? undefined
      : element(
          "ul",
          { class: "peers" },
          peers.map((node) =>
            element(
              "li",
              { class: "peer place" },
              few && node.tunnel !== undefined ? pillOf(node, node.tunnel) : undefined,
              card(node),
            ),
          ),
        ),
    element("svg", { class: "lines", "aria-hidden": "true" }),
  );
}

const countOf = ({ groups }: DrawnNode): number =>
  groups.reduce((sum, { containers }) => sum + containers.length, 0);

interface Card {
  readonly node: DrawnNode;
  readonly isOpen: boolean;
  /** One of many: the tunnel's traffic is said on the card itself. */
  readonly small: boolean;
}

function nodeOf({ node, isOpen, small }: Card): Markup {
  const facts = small ? [...node.facts, ...(node.tunnel?.facts ?? [])] : node.facts;
  const badge = node.isHere ? element("span", { class: "badge" }, "this node") : undefined;
  const attributes = {
    class: node.isHere ? "node is-here" : "node",
    "data-find": findOf([node.name, node.about]),
    open: isOpen,
  };
  return element(
    "details",
    attributes,
    element(
      "summary",
      { "data-more": moreOf(node.name, facts) },
      element(
        "div",
        { class: "name" },
        element("h2", { class: "cut" }, node.name),
        small ? undefined : badge,
      ),
      element(
        "span",
        { class: `says ${node.state}` },
        element("span", { class: "subject" }, "agent "),
        node.agent,
      ),
      element(
        "div",
        { class: "line" },
        element("span", { class: "code soft" }, node.about),
        small ? badge : undefined,
        small && node.tunnel !== undefined ? flowOf(node.tunnel) : undefined,
      ),
      element("div", { class: "chips" }, node.groups.map(chipOf)),
    ),
    node.groups.map(groupOf),
    countOf(node) === 0 ? element("p", { class: "none" }, node.none) : undefined,
  );
}

const chipOf = ({ network, containers }: DrawnGroup): Markup =>
  element(
    "span",
    { class: "chip", "data-network": network.mark },
    markUp(network.mark),
    element("span", { class: "cut" }, network.name),
    element("span", { class: "number" }, containers.length),
  );

function groupOf({ network, blocks, containers }: DrawnGroup): Markup {
  return element(
    "section",
    { class: "group", "data-network": network.mark },
    element(
      "h3",
      {},
      markUp(network.mark),
      element("span", { class: "cut" }, network.name),
      element("span", { class: "about code soft cut" }, blocks.join(", ")),
    ),
    element(
      "ul",
      { "aria-label": `${network.name}: ${counted(containers.length, "container")}` },
      containers.map(rowOf),
    ),
  );
}

const rowOf = ({ name, address, trouble, facts }: DrawnContainer): Markup =>
  element(
    "li",
    {},
    element(
      "button",
      {
        class: "row",
        type: "button",
        "data-find": findOf([name, ...facts.map(([, value]) => value)]),
        "data-more": moreOf(name, facts),
      },
      element("span", { class: "cut" }, name),
      element("span", { class: "code" }, address),
      trouble === undefined ? undefined : element("span", { class: "warning" }, trouble),
    ),
  );

const pillOf = (node: DrawnNode, tunnel: DrawnTunnel): Markup =>
  element(
    "button",
    {
      class: "tunnel flow",
      type: "button",
      ...drawn(tunnel),
      "data-more": moreOf(`Tunnel to ${node.name}`, tunnel.facts),
    },
    element("span", { class: "unseen" }, `Tunnel to ${node.name}: `),
    amounts(tunnel),
  );

const flowOf = (tunnel: DrawnTunnel): Markup =>
  element("span", { class: "flow", ...drawn(tunnel) }, amounts(tunnel));

const drawn = ({ state, weight }: DrawnTunnel) => ({
  "data-state": state,
  "data-weight": weight.toFixed(2),
});

const amounts = ({ sent, received }: DrawnTunnel): readonly Markup[] =>
  sent === undefined || received === undefined
    ? [element("span", {}, "traffic not known")]
    : [
        element("span", {}, arrow("\u2192", "sent"), sent),
        element("span", {}, arrow("\u2190", "received"), received),
      ];

const arrow = (sign: string, word: string): Markup =>
  element("i", { role: "img", "aria-label": word }, sign);
