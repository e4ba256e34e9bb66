/**
 * What a node's switch should do with a packet by what is on record, in the form of the switch's own
 * trace. See way.ts for the folder's note.
 */
import { tunnelName } from "../attach/names.ts";
import { tunnelPort } from "../attach/switch-network.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import { allFlows } from "../overlay/pipeline.ts";
import type { Flow, Ofport } from "../ovs/flow.ts";
import { formatAction, formatMatch } from "../ovs/flow-text.ts";
import { entryPort } from "./answer-here.ts";
import { askedOf } from "./packet-text.ts";
import type { Question } from "./question.ts";
import type { Recorded, RecordedPort } from "./records.ts";
import type { Lookup, SwitchTrace } from "./switch-trace.ts";
import { openWalk, type PacketFields, type Walked } from "./walk.ts";
import type { Entry, Packet } from "./way.ts";

/** Undefined where the packet can't come in there: no such port is on record. */
export function walkRecords(
  recorded: Recorded,
  question: Question,
  bridge: string,
): SwitchTrace | undefined {
  const port = entryPort(recorded.ports, question);
  if (port === undefined) return undefined;
  const walk = openWalk(allFlows(recorded.state));
  const walked = walk(fieldsOf(question, port));
  const lookups = lookupsOf(bridge, walked);
  const datapath = walked.sent.length === 0 ? "drop" : undefined;
  const named = recorded.numbers === "real" ? lookups : withNames(lookups, recorded.ports);
  return { lookups: named, datapath, failed: undefined, text: "" };
}

/** As parseTrace gives what the switch says. */
export function lookupsOf(bridge: string, { visited, backwards }: Walked): readonly Lookup[] {
  return visited.map(({ table, flow }, at) => ({
    bridge,
    table,
    match: flow === undefined ? "" : formatMatch(flow.match),
    priority: flow?.priority,
    cookie: flow?.cookie ?? 0n,
    actions: actionsOf(flow),
    notes: backwards && at === visited.length - 1 ? [backwardsNote] : [],
  }));
}

function actionsOf(flow: Flow | undefined): readonly string[] {
  const { actions = [] } = flow ?? {};
  return actions.length === 0 ? ["drop"] : actions.map(formatAction);
}

/** In Open vSwitch's words. */
const backwardsNote = "skipping output to input port";

/** Links in place of numbers, as ovs-ofctl has them with --names. */
function withNames(lookups: readonly Lookup[], ports: readonly RecordedPort[]): readonly Lookup[] {
  const links = new Map([
    [tunnelPort, tunnelName],
    ...ports.map(({ ofport, link }) => [ofport, link] as const),
  ]);
  const named = (text: string) =>
    text.replace(
      /\b(in_port=|output:)(\d+)/,
      (_, what, port) => what + (links.get(Number(port)) ?? port),
    );
  return lookups.map((one) => ({
    ...one,
    match: named(one.match),
    actions: one.actions.map(named),
  }));
}

/** What a flow may match of a packet that comes in by the port. */
function fieldsOf({ entry, packet }: Question, inPort: Ofport): PacketFields {
  const { ethSrc, ethDst, from, to } = packet;
  const base = { inPort, vlan: "none", ethSrc, ethDst, ...tunnelOf(entry, packet) } as const;
  if (from.family === 4 && to.family === 4) {
    return { ...base, ...fields4(packet, from.address, to.address) };
  }
  if (from.family === 6 && to.family === 6) {
    return { ...base, ...fields6(packet, from.address, to.address) };
  }
  return base;
}

function fields4({ ethSrc, content: { kind } }: Packet, from: Ip4, to: Ip4): PacketFields {
  if (kind === "neighbour") {
    return { ethType: "arp", arpOp: 1, arpSha: ethSrc, arpSpa: from, arpTpa: to };
  }
  return { ethType: "ip", ipProto: protocols[kind], ipSrc: from, ipDst: to };
}

function fields6({ ethSrc, content }: Packet, from: Ip6, to: Ip6): PacketFields {
  const icmp6 = { ethType: "ipv6", ipProto: 58, ip6Src: from } as const;
  switch (content.kind) {
    case "neighbour":
      return { ...icmp6, ip6Dst: askedOf(to), icmp6Type: 135, ndTarget: to, ndSll: ethSrc };
    case "icmp":
      return { ...icmp6, ip6Dst: to, icmp6Type: content.answer ? 129 : 128 };
    default:
      return { ethType: "ipv6", ipProto: protocols[content.kind], ip6Src: from, ip6Dst: to };
  }
}

const protocols = { icmp: 1, tcp: 6, udp: 17 } as const;

function tunnelOf(entry: Entry, { vni }: Packet): PacketFields {
  if (entry.by !== "tunnel") return {};
  const { vtep } = entry;
  return vtep.family === 4
    ? { tunnelId: vni, tunnelSrc: vtep.address }
    : { tunnelId: vni, tunnelSrc6: vtep.address };
}
