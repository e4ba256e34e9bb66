/** The blocking OpenFlow client: bundles of flow changes, and questions. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { ByteStream } from "../stream.ts";
import type { Writer } from "./bytes.ts";
import { formatFlow } from "./flow-text.ts";
import { changeMeters, readMeters, writeMetersRequest } from "./meters.ts";
import {
  writeAggregateRequest,
  writeBarrier,
  writeBundleAdd,
  writeBundleControl,
  writeFlowsRequest,
  writePortsRequest,
} from "./openflow.ts";
import { type Connection, openConnection, refused } from "./openflow-connection.ts";
import {
  type Message,
  readAggregate,
  readCountedFlows,
  readFlows,
  readPorts,
} from "./openflow-read.ts";
import type { FlowChange, Flows, PortState, StagedBundle } from "./switch.ts";

export interface Ports {
  /** All ports of the bridge. */
  readonly ports: (deadline: Deadline) => readonly PortState[];
}

/**
 * A client on a stream to a bridge's .mgmt socket. Every call throws Failure: "try-again" at its
 * deadline, "switch-refused" for an error of the switch or when it has no OpenFlow 1.5 on this
 * bridge, "io" when it hung up, "decode" for what is not OpenFlow. The switch drops a staged bundle
 * to which nothing happens for 10 s. After "try-again" a commit or a question may be asked again.
 */
export function openFlows(stream: ByteStream): Flows & Ports {
  const connection = openConnection(stream);
  let lastBundle = 0;
  const askAggregate: Flows["askAggregate"] = (cookies, deadline) => {
    const write = (to: Writer, xid: number) => writeAggregateRequest(to, xid, cookies);
    const answer = ask(connection, "count the flows of", write, deadline);
    return (until) => readAggregate(answer(until)[0] ?? new Uint8Array());
  };
  return {
    stage: (changes, deadline) => {
      lastBundle += 1;
      return stageBundle(connection, lastBundle, changes, deadline);
    },
    aggregate: (cookies, deadline) => askAggregate(cookies, deadline)(deadline),
    askAggregate,
    ask: (deadline) => askBridge(connection, deadline),
    dump: (cookies, deadline) => {
      const write = (to: Writer, xid: number) => writeFlowsRequest(to, xid, cookies);
      return ask(connection, "read the flows of", write, deadline)(deadline).flatMap(readFlows);
    },
    count: (cookies, deadline) => {
      const write = (to: Writer, xid: number) => writeFlowsRequest(to, xid, cookies);
      const answer = ask(connection, "read the flows of", write, deadline);
      return answer(deadline).flatMap(readCountedFlows);
    },
    meters: (deadline) =>
      ask(
        connection,
        "read the meters of",
        writeMetersRequest,
        deadline,
      )(deadline).flatMap(readMeters),
    changeMeters: (changes, deadline) => changeMeters(connection, changes, deadline),
    ports: (deadline) =>
      ask(
        connection,
        "read the ports of",
        writePortsRequest,
        deadline,
      )(deadline).flatMap(readPorts),
    close: stream.close,
  };
}

/** The same for who only asks whether the switch answers. */
export function openAsking(stream: ByteStream): Pick<Flows, "ask" | "close"> {
  const connection = openConnection(stream);
  return { ask: (deadline) => askBridge(connection, deadline), close: stream.close };
}

function askBridge(connection: Connection, deadline: Deadline): ReturnType<Flows["ask"]> {
  const answer = ask(connection, "speak with", writeBarrier, deadline);
  return (until) => void answer(until);
}

/** Sends a question; its answer, whose parts' bodies it gives, is waited for when it is taken. */
function ask(
  { bridge, send, answer }: Connection,
  action: string,
  write: (to: Writer, xid: number) => void,
  deadline: Deadline,
): (until: Deadline) => readonly Uint8Array[] {
  let xid = 0;
  send((to, nextXid) => {
    xid = nextXid();
    write(to, xid);
  }, deadline);
  const isLast = (message: Message) =>
    message.type === "error" ||
    message.type === "barrier" ||
    (message.type === "multipart" && !message.more);
  return (until) => {
    const bodies: Uint8Array[] = [];
    for (const message of answer(xid, isLast, until)) {
      if (message.type === "error") throw refused(action, bridge, message.error.words);
      if (message.type === "multipart") bodies.push(message.body);
    }
    return bodies;
  };
}

/**
 * How many changes are sent without reading. The switch stops reading while too many of its
 * errors are unread; it and a sender that doesn't read would wait for each other.
 */
const changesAtOnce = 200;
/** How many refusals a failure tells of. */
const refusalsTold = 10;

const isBarrier = (message: Message) => message.type === "barrier";

function stageBundle(
  connection: Connection,
  bundle: number,
  changes: readonly FlowChange[],
  deadline: Deadline,
): StagedBundle {
  const { bridge, send, answer, errorOf, forget } = connection;
  /** What each request was, by xid. */
  const sent = new Map<number, Request>();
  let barrier = 0;
  let isCommitSent = false;

  /** Sends requests, and a barrier by whose answer the switch has looked at them. */
  const sendAll = (write: (to: Writer, next: (what: Request) => number) => void, until: Deadline) =>
    send((to, nextXid) => {
      write(to, (what) => {
        const xid = nextXid();
        sent.set(xid, what);
        return xid;
      });
      barrier = nextXid();
      writeBarrier(to, barrier);
    }, until);
  const sendBatch = (at: number) =>
    sendAll((to, next) => {
      if (at === 0) writeBundleControl(to, next("open"), bundle, "open");
      for (const change of changes.slice(at, at + changesAtOnce))
        writeBundleAdd(to, next(change), bundle, change);
    }, deadline);
  const refusals = (until: Deadline): readonly Refusal[] => {
    answer(barrier, isBarrier, until);
    const found: Refusal[] = [];
    for (const [xid, what] of sent) {
      const error = errorOf(xid);
      if (error !== undefined) found.push({ deed: deedOf(what), words: error.words });
    }
    return found;
  };
  const settle = (until: Deadline) => {
    const found = refusals(until);
    if (found.length === 0) return;
    for (const xid of sent.keys()) forget(xid);
    send((to, nextXid) => writeBundleControl(to, nextXid(), bundle, "discard"), until);
    throw refusedAll(bridge, found);
  };

  sendBatch(0);
  for (let at = changesAtOnce; at < changes.length; at += changesAtOnce) {
    settle(deadline);
    sendBatch(at);
  }
  return {
    commit: (until) => {
      // Asked again after a deadline, it goes on where it was.
      if (!isCommitSent) {
        settle(until);
        isCommitSent = true;
        sendAll((to, next) => writeBundleControl(to, next("commit"), bundle, "commit"), until);
      }
      const found = refusals(until);
      for (const xid of sent.keys()) forget(xid);
      if (found.length > 0) throw refusedAll(bridge, found);
    },
  };
}

type Request = FlowChange | "open" | "commit";

interface Refusal {
  /** "add flow ... to" */
  readonly deed: string;
  /** The switch's own. */
  readonly words: string;
}

function refusedAll(bridge: string, refusals: readonly Refusal[]): Failure {
  const told = refusals.slice(0, refusalsTold);
  const lines = told.map(({ deed, words }) => `Cannot ${deed} bridge "${bridge}": ${words}`);
  if (refusals.length > told.length) lines.push(`${refusals.length - told.length} more`);
  return new Failure("switch-refused", lines[0] ?? "", {
    details: lines.length > 1 ? lines.join("\n") : undefined,
  });
}

function deedOf(what: Request): string {
  if (typeof what === "string") return `${what} a bundle on`;
  if (what.do === "add") return `add flow "${formatFlow(what.flow)}" to`;
  if (what.do === "delete flow") return `delete flow "${formatFlow(what.flow)}" from`;
  const { cookie, mask } = what.cookies;
  return `delete the flows of cookie 0x${cookie.toString(16)}/0x${mask.toString(16)} from`;
}
