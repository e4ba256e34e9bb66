/**
 * The pipeline's flows, run for one packet as the switch would run them: pure. For a switch that
 * can't be asked, another node's or this one's while Open vSwitch is down; test/lib/trace compares
 * it with the switch's own trace.
 * Source: ONF TS-025, 5.1 to 5.10; ovs-actions(7).
 */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";
import type { Action, Flow, Masked, Match, Ofport } from "../ovs/flow.ts";
import { fields, type Uint, unmask } from "../ovs/oxm.ts";

/**
 * A packet, by every field that a flow may match. What it does not have is left out: a flow that
 * asks for it does not match, but for registers, the tunnel and the options of neighbour discovery,
 * which are 0 then.
 */
export type PacketFields = {
  readonly [name in keyof Match]: Match[name] extends Masked<infer T> | undefined
    ? Exclude<T, { readonly mask: unknown }>
    : Match[name];
} & {
  /** Where it leaves by the tunnel to; set by the flows. */
  readonly tunnelDst?: Ip4;
  readonly tunnelDst6?: Ip6;
};

/** One table, and the flow that the packet matched there; undefined: none did. */
interface Visited {
  readonly table: number;
  readonly flow: Flow | undefined;
}

/** What left the switch, and as what. */
export interface Sent {
  readonly port: Ofport;
  readonly packet: PacketFields;
}

export interface Walked {
  readonly visited: readonly Visited[];
  /** None: it was dropped where it was last. */
  readonly sent: readonly Sent[];
  /** A flow would have sent it out by the port it came in by, which a switch never does. */
  readonly backwards: boolean;
}

/** Gives what walks through these flows: made once for many packets. */
export function openWalk(flows: readonly Flow[]): (packet: PacketFields) => Walked {
  const tables = new Map<number, Flow[]>();
  for (const flow of flows) {
    const table = tables.get(flow.table) ?? [];
    table.push(flow);
    tables.set(flow.table, table);
  }
  // The first that matches is the one that counts.
  for (const table of tables.values()) table.sort((a, b) => b.priority - a.priority);
  return (packet) => walk(tables, packet);
}

function walk(tables: ReadonlyMap<number, readonly Flow[]>, first: PacketFields): Walked {
  const visited: Visited[] = [];
  const sent: Sent[] = [];
  let packet = first;
  let backwards = false;
  let table: number | undefined = 0;
  while (table !== undefined) {
    const flow: Flow | undefined = tables.get(table)?.find(({ match }) => isMatch(match, packet));
    visited.push({ table, flow });
    let next: number | undefined;
    for (const action of flow?.actions ?? []) {
      if (action.do === "goto") next = action.table;
      else if (action.do === "output" && action.port === packet.inPort) backwards = true;
      else if (action.do === "output") sent.push({ port: action.port, packet });
      else if (action.do === "output in_port") sent.push({ port: packet.inPort ?? 0, packet });
      else packet = changed(packet, action);
    }
    // A flow's goto leads on only (ONF TS-025, 5.5): there is an end.
    table = next;
  }
  return { visited, sent, backwards };
}

function isMatch(match: Match, packet: PacketFields): boolean {
  return names.every((name) => {
    const wanted = match[name];
    if (wanted === undefined) return true;
    const has = packet[name] ?? (zeroWithout.has(name) ? zeroLike(wanted) : undefined);
    if (has === undefined) return false;
    if (typeof wanted === "string" || typeof has === "string") return wanted === has;
    const { exact, mask } = unmask<Uint>(wanted, fields[name]);
    if (mask === "none") return true;
    return mask === "all" ? has === exact : and(has, mask) === and(exact, mask);
  });
}

const names = Object.keys(fields) as readonly (keyof Match)[];

const zeroWithout: ReadonlySet<keyof Match> = new Set<keyof Match>([
  ...(["reg0", "reg1", "tunnelId", "tunnelSrc", "tunnelSrc6"] as const),
  ...(["ndTarget", "ndSll", "ndTll"] as const),
]);

const zeroLike = (value: Match[keyof Match]): Uint =>
  typeof (typeof value === "object" ? value.value : value) === "bigint" ? 0n : 0;

/** Of 48 bits, which JavaScript's own operators don't take. */
const and = (value: Uint, mask: Uint): bigint => BigInt(value) & BigInt(mask);

/** The packet after an action that changes it. */
function changed(packet: PacketFields, action: Action): PacketFields {
  switch (action.do) {
    case "set reg0":
      return { ...packet, reg0: action.value };
    case "set reg1":
      return { ...packet, reg1: action.value };
    case "set eth_dst":
      return { ...packet, ethDst: put(packet.ethDst, action.mac) };
    case "set eth_src":
      return { ...packet, ethSrc: put(packet.ethSrc, action.mac) };
    case "set tunnel id":
      return { ...packet, tunnelId: action.vni };
    case "set tunnel dst":
      return { ...packet, tunnelDst: action.address };
    case "set tunnel dst6":
      return { ...packet, tunnelDst6: action.address };
    case "copy to eth_dst": {
      const from = action.from === "arp_tpa" ? packet.arpTpa : packet.ndTarget;
      const low = { value: Number(BigInt(from ?? 0) & 0xffff_ffffn), mask: 0xffff_ffff };
      return { ...packet, ethDst: put(packet.ethDst, low as Masked<Mac>) };
    }
    default:
      // What a meter drops is more than one packet.
      return packet;
  }
}

function put(before: Mac | undefined, value: Masked<Mac>): Mac {
  if (typeof value !== "object") return value;
  const kept = and(before ?? 0, 0xffff_ffff_ffffn ^ BigInt(value.mask));
  return Number(kept | and(value.value, value.mask)) as Mac;
}
