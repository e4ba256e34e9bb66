/**
 * One question, "how does a packet get from A to B?", answered whole: first whether its neighbour is
 * found, then the packet's own way, then the answer's. See way.ts for the folder's note.
 */
import { type Following, follow } from "./follow.ts";
import { hostSends } from "./host-sends.ts";
import { type Named, named, namedFacts } from "./named.ts";
import { textOf } from "./packet-text.ts";
import { partyWords } from "./parties.ts";
import { refuseWrong } from "./refused.ts";
import {
  answerTo,
  fromThisHost,
  isToItself,
  type Start,
  startOf,
  type TraceQuestion,
} from "./start.ts";
import type { Delivered, Step, Way, WayEnd } from "./way.ts";

export interface Stage {
  readonly stage: "neighbour" | "packet" | "answer";
  readonly way: Way;
}

export interface Traced {
  /** "container one (10.2.0.3)". */
  readonly from: string;
  readonly to: string;
  /** The same, for programs. */
  readonly sender: Named;
  readonly receiver: Named;
  /** Undefined for what this host sends outside of all networks. */
  readonly network: string | undefined;
  /** What this host does with what it sends itself, before the first stage. */
  readonly before: readonly Step[];
  readonly stages: readonly Stage[];
  /** The packet's, or its neighbour's where that is not found. */
  readonly end: WayEnd;
  /** How the answer ends; undefined where none is to be had. */
  readonly answer: WayEnd | undefined;
  /** What is not known, and why. */
  readonly gaps: readonly string[];
}

/** Throws Failure "unknown-container" for what can't be begun here. */
export async function trace(following: Following, question: TraceQuestion): Promise<Traced> {
  const { facts, routeOf } = following;
  const { gaps } = facts;
  refuseWrong(facts, question);
  const to = fromThisHost(facts, question);
  const sent = to && hostSends(facts, to, routeOf(to));
  const before = sent?.steps ?? [];
  if (to !== undefined && sent?.end !== undefined) {
    const words = {
      from: partyWords(question.from),
      to: named(question.to, to),
      sender: namedFacts(question.from, undefined, undefined),
      receiver: namedFacts(question.to, to, undefined),
    };
    const end = withBut(sent.end, sent.but);
    return { ...words, network: undefined, before, stages: [], end, answer: undefined, gaps };
  }
  const start = startOf(facts, { ...question, network: question.network ?? sent?.network });
  const { network, sender, packet } = start;
  const words = {
    from: named(question.from, packet.from),
    to: named(question.to, start.to),
    sender: namedFacts(question.from, packet.from, sender),
    receiver: namedFacts(question.to, start.to, start.receiver),
    network: network.name,
    before,
    gaps,
  };
  if (isToItself(start)) {
    const to = `${partyWords(question.from)} itself, inside it: by no switch`;
    return { ...words, stages: [], end: { end: "delivered", to }, answer: undefined };
  }
  const asked = await follow(following, sender.node, start.entry, start.request);
  const stages: Stage[] = [{ stage: "neighbour", way: asked }];
  const none = { ...words, stages, answer: undefined };
  if (asked.end.end === "dropped") {
    return { ...none, end: unanswered(asked.end.why, asked.end.todo) };
  }
  const way = await follow(following, sender.node, start.entry, packet);
  stages.push({ stage: "packet", way });
  const end = withBut(doubted(way), sent?.but ?? []);
  if (end.end !== "delivered") return { ...none, end };
  const back = answerTo(facts, start);
  if (back === undefined) return { ...none, end, answer: fromOutside(start, end) };
  const answer = await follow(following, back.node, back.entry, back.packet);
  stages.push({ stage: "answer", way: answer });
  return { ...words, stages, end, answer: doubted(answer) };
}

function withBut(end: WayEnd, more: readonly string[]): WayEnd {
  if (end.end !== "delivered" || more.length === 0) return end;
  return { ...end, but: [...new Set([...(end.but ?? []), ...more])] };
}

/** What was not asked may be otherwise than it is on record, or be down, and carry nothing. */
function doubted({ nodes, end }: Way): WayEnd {
  const doubt = nodes.find((part) => part.doubt !== undefined)?.doubt;
  if (end.end !== "delivered") return end;
  if (doubt === undefined)
    return withBut(
      end,
      nodes.flatMap((part) => part.but ?? []),
    );
  const why = `${doubt}; if it works as is on record, this is delivered to ${end.to}`;
  return { end: "unknown", why };
}

function unanswered(why: string, todo: string | undefined): WayEnd {
  const end = { end: "dropped", why: `nobody answers: ${why}` } as const;
  return todo === undefined ? end : { ...end, todo };
}

/** What is out there, and what it answers, nobody here knows. */
function fromOutside({ sender, packet }: Start, { as }: Delivered): WayEnd {
  const { name, node } = sender;
  const why =
    as === undefined
      ? `what is out there needs a route to ${textOf(packet.from)}, by ${node}`
      : `what is out there answers to ${textOf(as)}; ${node} knows the connection, and takes it back to ${name}`;
  return { end: "unknown", why };
}
