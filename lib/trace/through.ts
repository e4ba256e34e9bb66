/**
 * What one node does with a packet: by its switch where that answers, else by what is on record of
 * it. See way.ts for the folder's note.
 */
import type { Host } from "../attach/host.ts";
import { deadlineIn } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import { tables } from "../overlay/state.ts";
import type { Survey } from "../survey/survey.ts";
import { askNode } from "./across.ts";
import { entryPort, ownPortOf } from "./answer-here.ts";
import { askSwitch, type Pause } from "./ask.ts";
import type { Facts } from "./facts.ts";
import { isOutput } from "./flow-words.ts";
import { type Recorded, recordedHere, recordedOf } from "./records.ts";
import { parseTrace, type SwitchTrace } from "./switch-trace.ts";
import { tell } from "./tell.ts";
import { walkRecords } from "./walk-records.ts";
import type { Entry, NodeWay, Packet, ThroughNode } from "./way.ts";

interface ThroughDeps {
  readonly host: Host;
  readonly survey: Survey;
  readonly facts: Facts;
  readonly pause: Pause;
  /** A name that nobody else has, and nobody can guess. */
  readonly newToken: () => string;
}

/** How long a switch, or another node's agent, has to answer, milliseconds. */
const patienceMs = { here: 3_000, there: 4_000 } as const;

/** Never throws: a node that can't be asked is worked out by what is on record. */
export function openThrough(deps: ThroughDeps): ThroughNode {
  const { facts, host } = deps;
  /** Nodes that did not answer, and why: each is waited for once, and a refusal is of one packet. */
  const silent = new Map<string, Unheard>();
  return async (node, entry, packet) => {
    const before = silent.get(node);
    const asked = before ?? (await ask(deps, node, entry, packet));
    const part = { node, entry, packet };
    if ("lookups" in asked) {
      const { steps, end } = tell(asked.lookups, { facts, ...part }, asked);
      return { ...part, source: "switch", steps, end, own: linesOf(asked.text) };
    }
    if (asked.isSilent) silent.set(node, asked);
    return byRecords(deps, host.config.ovs.bridge, part, asked);
  };
}

type Asked = SwitchTrace | Unheard;

interface Unheard {
  readonly unheard: string;
  /** Nobody answers there, whatever is asked. */
  readonly isSilent?: true;
  /** The switch itself does not answer, or not to this: it may be down. */
  readonly isSwitchAway?: true;
}

const ask = (deps: ThroughDeps, node: string, entry: Entry, packet: Packet): Promise<Asked> =>
  node === deps.facts.node ? askHere(deps, entry, packet) : askThere(deps, node, entry, packet);

async function askHere(
  { host, survey, pause }: ThroughDeps,
  entry: Entry,
  packet: Packet,
): Promise<Asked> {
  const ports = survey.here.known ? recordedHere(survey.here.value).ports : [];
  const port = entryPort(ports, { entry, packet });
  if (port === undefined) return { unheard: "it has no port that such a packet comes in by" };
  const deadline = deadlineIn(host.clock, patienceMs.here);
  try {
    const trace = await askSwitch(host, pause, { entry, packet, port }, deadline);
    return { ...trace, ownPort: ownPortOf(host, packet.network) };
  } catch (thrown) {
    const isSilent = thrown instanceof Failure && thrown.kind === "try-again";
    return { unheard: reasonOf(thrown), isSwitchAway: true, ...(isSilent && { isSilent }) };
  }
}

async function askThere(
  { host, survey, newToken }: ThroughDeps,
  node: string,
  entry: Entry,
  packet: Packet,
): Promise<Asked> {
  if (!survey.cluster.known) return { unheard: survey.cluster.why, isSilent: true };
  const known = survey.cluster.value.nodes.find(({ name }) => name === node);
  if (known?.agent === false) {
    const unheard = `the agent of ${node} does not run, and that machine may be down`;
    return { unheard, isSilent: true };
  }
  const deadline = deadlineIn(host.clock, patienceMs.there);
  const registry = await host.ipam.registry();
  const heard = await askNode(registry, node, { entry, packet }, { id: newToken(), deadline });
  if ("unheard" in heard) return { ...heard, isSilent: true };
  if ("refused" in heard) return { unheard: heard.refused, isSwitchAway: true };
  return { ...parseTrace(heard.text), ownPort: heard.ownPort };
}

function byRecords(
  { facts, survey, host }: ThroughDeps,
  bridge: string,
  part: { readonly node: string; readonly entry: Entry; readonly packet: Packet },
  { unheard: because, isSwitchAway, isSilent }: Unheard,
): NodeWay {
  const recorded = recordsOf(survey, facts, part.node);
  const doubt = isSwitchAway ? `the switch of ${part.node} can't be asked` : because;
  const base = { ...part, source: "records", because, doubt, own: [] } as const;
  const walked = recorded && walkRecords(recorded, part, bridge);
  if (walked === undefined) {
    const why = `what ${part.node} does with it is not on record here`;
    return { ...base, steps: [], end: { end: "unknown", why } };
  }
  const ownPort = part.node === facts.node ? ownPortOf(host, part.packet.network) : undefined;
  const told = tell(walked.lookups, { facts, ...part }, { ...walked, ownPort });
  const last = walked.lookups.at(-1);
  const isNobody = last?.table === tables.local && !isOutput(last);
  if (isNobody && isSilent && part.node !== facts.node) {
    // Its containers are what its agent has written down of them.
    const why = `which containers ${part.node} has is not on record for sure: ${because}`;
    return { ...base, ...told, end: { end: "unknown", why } };
  }
  return { ...base, ...told };
}

function recordsOf({ here, cluster }: Survey, facts: Facts, node: string): Recorded | undefined {
  if (node === facts.node) return here.known ? recordedHere(here.value) : undefined;
  return cluster.known ? recordedOf(cluster.value, node) : undefined;
}

const linesOf = (text: string): readonly string[] =>
  text.split("\n").filter((line) => line.trim() !== "");
