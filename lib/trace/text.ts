/** A traced way as text for people: pure. */
import { formatVtep } from "../ipam/nodes.ts";
import { printable } from "../text.ts";
import { textOf } from "./packet-text.ts";
import type { Stage, Traced } from "./trace.ts";
import type { Delivered, Entry, NodeWay, Packet, Source, Step, Way, WayEnd } from "./way.ts";

export interface Shown {
  /** With the flows that were met, and the switch's own words. */
  readonly verbose: boolean;
  /** The answer's way in full. */
  readonly withAnswer: boolean;
}

/** Lines with their line breaks. */
export function formatTraced(traced: Traced, shown: Shown): string {
  const { from, to, network, before, stages, end, answer, gaps } = traced;
  const where = network === undefined ? "" : `, in network ${network}`;
  const head = [`From ${from} to ${to}${where}`, ...gaps.map((gap) => `Not known: ${gap}`)];
  const blocks = stages
    .filter(({ stage }) => stage !== "answer" || shown.withAnswer)
    .map((stage) => formatStage(stage, shown));
  const back = answer === undefined ? [] : [`The answer: ${lowered(verdictOf(answer)[0])}`];
  const texts = [
    head.join("\n"),
    ...(before.length === 0 ? [] : [stepLines(before, shown).join("\n")]),
    ...blocks,
    [...verdictOf(end), ...back].join("\n"),
  ];
  return `${texts.join("\n\n").split("\n").map(printable).join("\n")}\n`;
}

function formatStage({ stage, way }: Stage, shown: Shown): string {
  // That a neighbour answers is a line; where it does not, that is what is looked for.
  if (stage === "neighbour" && way.end.end === "delivered" && !shown.verbose) return found(way);
  const parts = way.nodes.map((part, at) => formatPart(part, way.nodes[at - 1], shown));
  return [titleOf(stage, way.packet), ...parts].join("\n");
}

function found({ packet, nodes, end }: Way): string {
  const who = end.end === "delivered" ? end.to : "somebody";
  const [first, ...rest] = [...new Set(nodes.map(({ node }) => node))];
  const where = rest.length === 0 ? first : rest.at(-1);
  const at = who === `node ${where}` ? "" : ` on ${where}`;
  return `${titleOf("neighbour", packet)} ${capital(who)}${at} answers`;
}

function titleOf(stage: Stage["stage"], { content, from, to }: Packet): string {
  if (content.kind === "neighbour") {
    return `${from.family === 4 ? "ARP" : "Neighbour discovery"}: who has ${textOf(to)}?`;
  }
  const name =
    content.kind === "icmp" ? "ICMP echo" : `${content.kind.toUpperCase()}, port ${content.port}`;
  const what = stage === "answer" ? `The answer, ${name}` : name;
  return `${what}: ${textOf(from)} -> ${textOf(to)}`;
}

const sources: Readonly<Record<Source, string>> = {
  switch: "its switch says",
  records: "by what is on record",
  host: "by its kernel's route, and our firewall's rules",
};

function formatPart(part: NodeWay, before: NodeWay | undefined, shown: Shown): string {
  const { node, source, because, steps, end, own, entry } = part;
  const why = because === undefined ? "" : `: ${because}`;
  const where = source === "host" ? "the host itself" : entryWords(entry, before);
  return [
    `  ${node}, ${where} (${sources[source]}${why})`,
    ...stepLines(steps, shown),
    `    => ${endWords(end)}`,
    ...(shown.verbose ? own.map((line) => `    | ${line}`) : []),
  ].join("\n");
}

function stepLines(steps: readonly Step[], { verbose }: Shown): readonly string[] {
  const width = Math.max(0, ...steps.map(({ at }) => at.length));
  return steps.flatMap(({ at, says, met }) => [
    `    ${at.padEnd(width)}  ${says}`,
    ...(verbose && met !== undefined ? [`    ${"".padEnd(width)}  ${met}`] : []),
  ]);
}

function entryWords(entry: Entry, before: NodeWay | undefined): string {
  switch (entry.by) {
    case "container":
      return `from container ${entry.name}`;
    case "host":
      return "from the host";
    case "tunnel": {
      const node = before === undefined ? "a peer" : before.node;
      return `from ${node} (${formatVtep(entry.vtep)}) by the tunnel`;
    }
  }
}

function endWords(end: NodeWay["end"]): string {
  switch (end.end) {
    case "delivered":
      return deliveredWords(end);
    case "dropped":
      return `dropped: ${end.why}`;
    case "across":
      return end.node === undefined
        ? `by the tunnel to the node at ${formatVtep(end.vtep)}`
        : `by the tunnel to ${end.node} (${formatVtep(end.vtep)})`;
    case "to host":
      return "to the host";
    case "into network":
      return `into network ${end.packet.network}, by the host's port there`;
    case "unknown":
      return `not known: ${end.why}`;
  }
}

/** Of what is out there, nothing is known but the link that leads to it. */
const deliveredWords = ({ to, isHanded }: Delivered): string =>
  isHanded ? `handed to ${to}: whether it arrives is not known here` : `delivered to ${to}`;

/** A sentence, and what to do. */
function verdictOf(end: WayEnd): readonly [string, ...string[]] {
  switch (end.end) {
    case "delivered": {
      const but = end.but === undefined ? "" : `, but ${end.but.join("; ")}`;
      return [`${capital(deliveredWords(end))}${but}.`];
    }
    case "dropped":
      return [`Dropped: ${end.why}.`, ...(end.todo === undefined ? [] : [`  ${end.todo}`])];
    case "unknown":
      return [`Not known: ${end.why}.`];
  }
}

const lowered = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
