/** OpenFlow 1.5 messages, read. See openflow.ts. Whatever is malformed throws Failure "decode". */
import { Failure } from "../errors.ts";
import { type Reader, reader } from "./bytes.ts";
import type { Flow } from "./flow.ts";
import { readInstructions } from "./instructions.ts";
import { messageType, version } from "./openflow.ts";
import { wordsOfError } from "./openflow-errors.ts";
import { readMatch } from "./oxm.ts";
import type { CountedFlow, FlowTotals, PortState } from "./switch.ts";

/** What the switch sent. */
export type Message =
  /** The versions on the wire (6 is OpenFlow 1.5) that the switch has on this bridge. */
  | { readonly type: "hello"; readonly versions: readonly number[] }
  | { readonly type: "error"; readonly xid: number; readonly error: OpenflowError }
  /** To be answered by an echo reply with the same data. */
  | { readonly type: "echo"; readonly xid: number; readonly data: Uint8Array }
  | { readonly type: "barrier"; readonly xid: number }
  /** One part of an answer; the last one has not `more`. */
  | {
      readonly type: "multipart";
      readonly xid: number;
      readonly more: boolean;
      readonly body: Uint8Array;
    }
  | {
      readonly type: "port";
      readonly reason: "added" | "deleted" | "modified";
      readonly state: PortState;
    }
  /** A message that this side did not ask for. */
  | { readonly type: "other"; readonly kind: number };

export interface OpenflowError {
  readonly type: number;
  readonly code: number;
  /** "bad action: bad out port (OFPBAC_BAD_OUT_PORT)". */
  readonly words: string;
  /** The message that was refused, or its beginning; a text if the hello failed. */
  readonly data: Uint8Array;
}

/** Reads one message, as the splitter gives it. */
export function readMessage(bytes: Uint8Array): Message {
  const from = reader(bytes, "an OpenFlow message");
  const spoken = from.uint(1);
  const kind = from.uint(1);
  from.skip(2);
  const xid = from.uint(4);
  if (kind === messageType.hello) return { type: "hello", versions: readVersions(from, spoken) };
  if (kind === messageType.error) return { type: "error", xid, error: readError(from) };
  if (spoken !== version)
    throw undecodable("an OpenFlow message", `its version is ${spoken}, not ${version}`);
  switch (kind) {
    case messageType.echoRequest:
      return { type: "echo", xid, data: from.rest() };
    case messageType.barrierReply:
      return { type: "barrier", xid };
    case messageType.multipartReply: {
      from.skip(2);
      const more = (from.uint(2) & 1) !== 0;
      from.skip(4);
      return { type: "multipart", xid, more, body: from.rest() };
    }
    case messageType.portStatus: {
      const reason = (["added", "deleted", "modified"] as const)[from.uint(1)];
      if (reason === undefined) throw undecodable("a port's status", "its reason is not known");
      from.skip(7);
      return { type: "port", reason, state: readPort(from) };
    }
    default:
      return { type: "other", kind };
  }
}

/** The version bitmap; without one the highest version stands for all below (7.5.1). */
function readVersions(from: Reader, highest: number): readonly number[] {
  while (from.left() >= 4) {
    const element = from.uint(2);
    const length = from.uint(2);
    const body = from.part(Math.max(0, length - 4));
    // Elements are padded to 8 bytes, which their length does not count.
    from.skip(Math.min(from.left(), (8 - (length % 8)) % 8));
    if (element !== 1 || body.left() < 4) continue;
    return versionsOf(body.uint(4));
  }
  return versionsOf(2 ** Math.min(highest + 1, 32) - 2);
}

function versionsOf(bitmap: number): readonly number[] {
  const versions: number[] = [];
  for (let bit = 0; bit < 32; bit += 1) if ((bitmap >>> bit) & 1) versions.push(bit);
  return versions;
}

function readError(from: Reader): OpenflowError {
  const type = from.uint(2);
  const code = from.uint(2);
  return { type, code, words: wordsOfError(type, code), data: from.rest() };
}

/** The body of an aggregate answer: OXS fields (7.2.4). */
export function readAggregate(body: Uint8Array): FlowTotals {
  const what = "an aggregate of flows";
  const { flows, packets, bytes } = readStatistics(reader(body, what));
  if (flows === undefined || packets === undefined || bytes === undefined)
    throw undecodable(what, "a count is missing");
  return { flows: Number(flows), packets, bytes };
}

/** OXS fields (7.2.4), padded to 8 bytes, which their length does not count. */
function readStatistics(from: Reader) {
  from.skip(2);
  const length = from.uint(2);
  const fields = from.part(Math.max(0, length - 4));
  const found = new Map<number, bigint>();
  while (fields.left() > 0) {
    const header = fields.uint(4);
    found.set(header >>> 9, fields.part(header & 0xff).bigUint(header & 0xff));
  }
  // An aggregate is not padded where it ends.
  from.skip(Math.min(from.left(), (8 - (length % 8)) % 8));
  // OFPXMC_OPENFLOW_BASIC, OXS_OF_FLOW_COUNT and so on.
  const at = (field: number) => found.get((0x8002 << 7) | field);
  return { flows: at(3), packets: at(4), bytes: at(5) };
}

/** The body of one part of an answer about flows. */
export const readFlows = (body: Uint8Array): readonly Flow[] =>
  readEach(body, (from) => readFlow(from, skipStatistics));

/** The same, with what passed each. */
export const readCountedFlows = (body: Uint8Array): readonly CountedFlow[] =>
  readEach(body, (from) => {
    let counts = { packets: 0, bytes: 0 };
    const flow = readFlow(from, () => {
      const { packets, bytes } = readStatistics(from);
      counts = { packets: Number(packets ?? 0n), bytes: Number(bytes ?? 0n) };
    });
    return { flow, ...counts };
  });

function readEach<T>(body: Uint8Array, readOne: (from: Reader) => T): readonly T[] {
  const from = reader(body, "a flow");
  const found: T[] = [];
  while (from.left() > 0) {
    const length = from.uint(2);
    found.push(from.within(Math.max(0, length - 2), () => readOne(from)));
  }
  return found;
}

function readFlow(from: Reader, takeStatistics: (from: Reader) => void): Flow {
  from.skip(2);
  const table = from.uint(1);
  from.skip(1);
  const priority = from.uint(2);
  const idle = from.uint(2);
  const hard = from.uint(2);
  // flags and importance.
  from.skip(4);
  const cookie = from.bigUint(8);
  const { match, foreign: inMatch } = readMatch(from);
  takeStatistics(from);
  const { actions, foreign: inActions } = readInstructions(from);
  const timeouts = idle === 0 && hard === 0 ? [] : [`idle_timeout=${idle},hard_timeout=${hard}`];
  const foreign = [...timeouts, ...inMatch, ...inActions];
  const flow = { cookie, table, priority, match, actions };
  return foreign.length === 0 ? flow : { ...flow, foreign };
}

function skipStatistics(from: Reader): void {
  from.skip(2);
  const length = from.uint(2);
  from.skip(Math.max(0, length - 4) + ((8 - (length % 8)) % 8));
}

/** The body of one part of an answer about ports. */
export function readPorts(body: Uint8Array): readonly PortState[] {
  const from = reader(body, "a port");
  const ports: PortState[] = [];
  while (from.left() > 0) ports.push(readPort(from));
  return ports;
}

const nameSize = 16;
/** OFPPS_LINK_DOWN. */
const linkDown = 1;

function readPort(from: Reader): PortState {
  const port = from.uint(4);
  const length = from.uint(2);
  const rest = from.part(Math.max(0, length - 6));
  // Padding, hardware address, padding.
  rest.skip(2 + 6 + 2);
  const [name = ""] = new TextDecoder().decode(rest.part(nameSize).rest()).split("\0");
  rest.skip(4);
  return { port, name, linkDown: (rest.uint(4) & linkDown) !== 0 };
}

const undecodable = (what: string, state: string) =>
  new Failure("decode", `Cannot decode ${what}: ${state}`);
