/** A traced way as text for people: pure. */
import { formatVtep } from "../ipam/nodes.ts";
import { formatMac } from "../net/mac.ts";
import { textOf } from "./packet-text.ts";
import type { Stage, Traced } from "./trace.ts";
import type { Entry, NodeWay, Packet, WayEnd } from "./way.ts";

export interface Shown {
  /** With the flows that were met, and the switch's own words. */
  readonly verbose: boolean;
  /** The answer's way in full. */
  readonly withAnswer: boolean;
}

/** Lines with their line breaks. */
export function formatTraced(traced: Traced, shown: Shown): string {
  const { from, to, network, stages, end, answer } = traced;
  const blocks = stages
    .filter(({ stage }) => stage !== "answer" || shown.withAnswer)
    .map((stage) => formatStage(stage, shown));
  const verdict = [
    ...verdictOf(end),
    ...(answer === undefined ? [] : [`The answer: ${lowered(verdictOf(answer).join(" "))}`]),
  ];
  return `${[`From ${from} to ${to}, in network ${network}`, ...blocks, verdict.join("\n")].join("\n\n")}\n`;
}

function formatStage({ stage, way }: Stage, shown: Shown): string {
  const head = titleOf(stage, way.packet);
  const parts = way.nodes.map((part) => formatPart(part, shown));
  return [head, ...parts].join("\n");
}

function titleOf(stage: Stage["stage"], { content, from, to }: Packet): string {
  const ends = `${textOf(from)} -> ${textOf(to)}`;
  if (content.kind === "neighbour") {
    const how = from.family === 4 ? "ARP" : "neighbour discovery";
    return `${how}: who has ${textOf(to)}? ${textOf(from)} asks`;
  }
  const name =
    content.kind === "icmp" ? "ICMP echo" : `${content.kind.toUpperCase()} ${content.port}`;
  return stage === "answer" ? `The answer, ${name}: ${ends}` : `The packet, ${name}: ${ends}`;
}

function formatPart(part: NodeWay, shown: Shown): string {
  const { node, source, because, steps, end, own } = part;
  const by = { switch: "its switch says", records: "by what is on record", host: "its kernel" };
  const why = because === undefined ? "" : `: ${because}`;
  const width = Math.max(0, ...steps.map(({ at }) => at.length));
  const lines = steps.flatMap(({ at, says, met }) => [
    `    ${at.padEnd(width)}  ${says}`,
    ...(shown.verbose && met !== undefined ? [`    ${"".padEnd(width)}  ${met}`] : []),
  ]);
  return [
    `  ${node}, ${entryWords(part.entry)} (${by[source]}${why})`,
    ...lines,
    `    => ${endWords(end)}`,
    ...(shown.verbose ? own.map((line) => `    | ${line}`) : []),
  ].join("\n");
}

const entryWords = (entry: Entry): string => {
  switch (entry.by) {
    case "container":
      return `from container ${entry.name}`;
    case "host":
      return "from the host";
    case "tunnel":
      return `from the tunnel, ${formatVtep(entry.vtep)}`;
  }
};

function endWords(end: NodeWay["end"]): string {
  switch (end.end) {
    case "delivered":
      return `delivered to ${end.to}`;
    case "dropped":
      return `dropped: ${end.why}`;
    case "across":
      return `through the tunnel to ${end.node ?? "the node at"} ${formatVtep(end.vtep)}`;
    case "to host":
      return "to the host";
    case "into network":
      return `into network ${end.packet.network}, as ${formatMac(end.packet.ethSrc)}`;
    case "unknown":
      return `not known: ${end.why}`;
  }
}

export function verdictOf(end: WayEnd): readonly string[] {
  switch (end.end) {
    case "delivered":
      return [`Delivered to ${end.to}.`];
    case "dropped":
      return [`Dropped: ${end.why}.`, ...(end.todo === undefined ? [] : [`  ${end.todo}`])];
    case "unknown":
      return [`Not known: ${end.why}.`];
  }
}

const lowered = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);
