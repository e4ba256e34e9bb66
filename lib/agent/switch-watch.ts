/**
 * Notices what becomes of the switch: its daemon's end and return, and changes in its database.
 *
 * No column of the database tells reliably that ovs-vswitchd is gone, and its socket file stays
 * behind: only the connection to a bridge's own socket closes at once, so one is kept open.
 */
import { isObject } from "../json.ts";
import { writer } from "../ovs/bytes.ts";
import { jsonSplitter } from "../ovs/json-stream.ts";
import { messageSplitter } from "../ovs/message-stream.ts";
import { writeEchoReply, writeHello } from "../ovs/openflow.ts";
import { readMessage as readOpenflow } from "../ovs/openflow-read.ts";
import {
  echoReply,
  type MonitorRequests,
  monitorMessage,
  type RowUpdate,
  readMessage,
  readUpdates,
  type TableUpdates,
} from "../ovs/ovsdb.ts";
import { recordOf } from "../ovs/ovsdb-json.ts";
import type { EventedStream } from "../sys/evented-stream.ts";
import { backOff, pause } from "./pause.ts";

export interface SwitchEvents {
  /** The bridge's daemon answers: with "here" it may have forgotten all its flows. */
  readonly daemon: (state: "here" | "away") => void;
  /** The database answers: with "here" it may be another one. */
  readonly database: (state: "here" | "away") => void;
  /** Something of ours has come, gone or changed in the database. */
  readonly rows: (what: RowChanges) => void;
}

export interface RowChanges {
  /** Ports of containers have come or gone: ADD and DEL do that. */
  readonly attachments: boolean;
  /** A bridge, or a network's own port, is another than it was. */
  readonly surroundings: boolean;
}

export interface SwitchWatchDeps {
  readonly connect: (path: string, signal: AbortSignal) => Promise<EventedStream>;
  readonly random: () => number;
}

/** Milliseconds between two tries to connect: what restarts is back in less than a second. */
const retries = { first: 20, last: 250 } as const;

/** Follows ovs-vswitchd by the socket of one bridge, until the signal aborts. */
export function followDaemon(
  deps: SwitchWatchDeps,
  path: string,
  onState: SwitchEvents["daemon"],
  signal: AbortSignal,
): Promise<void> {
  return keepConnected(deps, path, onState, signal, async (stream, answers) => {
    const splitter = messageSplitter();
    stream.send(bytesOf((to) => writeHello(to, 1)));
    for await (const bytes of stream.received) {
      for (const message of splitter.push(bytes).map(readOpenflow)) {
        if (message.type === "hello") answers();
        if (message.type !== "echo") continue;
        stream.send(bytesOf((to) => writeEchoReply(to, message.xid, message.data)));
      }
    }
  });
}

function bytesOf(write: (to: ReturnType<typeof writer>) => void): Uint8Array {
  const to = writer();
  write(to);
  return to.bytes();
}

/** What of the database is watched; all of it that our rows are made of. */
const watched: MonitorRequests = {
  Bridge: { columns: ["name", "external_ids", "fail_mode", "protocols"] },
  Interface: { columns: ["name", "type", "external_ids", "error", "options", "mtu_request"] },
};

/** Follows ovsdb-server, until the signal aborts. */
export function followDatabase(
  deps: SwitchWatchDeps,
  path: string,
  events: Pick<SwitchEvents, "database" | "rows">,
  signal: AbortSignal,
): Promise<void> {
  const { database, rows } = events;
  return keepConnected(deps, path, database, signal, async (stream, answers) => {
    const splitter = jsonSplitter();
    const send = (text: string) => stream.send(new TextEncoder().encode(text));
    send(monitorMessage(1, "Open_vSwitch", "rows", watched));
    for await (const bytes of stream.received) {
      for (const message of splitter.push(bytes).map(readMessage)) {
        if (message.type === "echo") send(echoReply(message.id, message.params));
        if (message.type === "update") rows(changesIn(message.updates));
        if (message.type !== "reply") continue;
        readUpdates(message.result);
        answers();
      }
    }
  });
}

/** What of an update concerns us: pure. */
export function changesIn(updates: TableUpdates): RowChanges {
  const bridges = Object.values(updates.Bridge ?? {}).filter((row) => roleOf(row) !== undefined);
  const interfaces = Object.values(updates.Interface ?? {});
  const isWhole = ({ old, new: now }: RowUpdate) => old === undefined || now === undefined;
  const ofRole = (...roles: readonly string[]) =>
    interfaces.filter((row) => roles.includes(roleOf(row) ?? ""));
  return {
    attachments: ofRole("attachment").some(isWhole),
    surroundings:
      bridges.length > 0 ||
      ofRole("gateway", "tunnel").length > 0 ||
      ofRole("attachment").some((row) => !isWhole(row)),
  };
}

/** What a row of ours is for; undefined for other people's. */
function roleOf(row: RowUpdate): string | undefined {
  const ids = recordOf(row.new?.external_ids ?? row.old?.external_ids);
  return isObject(ids) ? ids.socketplane : undefined;
}

/** Connects, and again after each end; tells when the other side answers, and when it is gone. */
async function keepConnected(
  { connect, random }: SwitchWatchDeps,
  path: string,
  onState: (state: "here" | "away") => void,
  signal: AbortSignal,
  talk: (stream: EventedStream, answers: () => void) => Promise<void>,
): Promise<void> {
  const wait = backOff(retries, random);
  let state: "here" | "away" = "away";
  const change = (next: "here" | "away") => {
    if (next !== state && !signal.aborted) onState(next);
    state = next;
  };
  while (!signal.aborted) {
    try {
      const stream = await connect(path, signal);
      try {
        await talk(stream, () => {
          wait.reset();
          change("here");
        });
      } finally {
        stream.close();
      }
    } catch {
      // Not there, or not understood: what is away is told by the state, and tried again.
    }
    change("away");
    await pause(wait.next(), signal);
  }
}
