/**
 * The blocking database client. Replies are matched by id, so several transactions may be under
 * way; whoever waits answers the server's echo requests on the side.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { ByteStream } from "../stream.ts";
import { bytesOfText } from "../text.ts";
import { jsonSplitter } from "./json-stream.ts";
import {
  echoReply,
  type Incoming,
  type MonitorRequests,
  monitorMessage,
  readMessage,
  readResults,
  readUpdates,
  requestRefused,
  type TableUpdates,
  transactMessage,
} from "./ovsdb.ts";
import { receiveFrom } from "./receive.ts";
import type { Database } from "./switch.ts";

export interface Monitoring {
  /** Reads the rows and goes on watching them, until the connection is closed. */
  readonly monitor: (requests: MonitorRequests, deadline: Deadline) => Monitor;
}

export interface Monitor {
  readonly initial: TableUpdates;
  /** The next change, one transaction's; waits for it. */
  readonly next: (deadline: Deadline) => TableUpdates;
}

type Reply = Extract<Incoming, { type: "reply" }>;

/**
 * A client on a stream to db.sock. Every call throws Failure: "try-again" at its deadline (it may
 * be asked again), "switch-refused" for an error of the database, "io" when the server hung up,
 * "decode" for what is not OVSDB.
 */
export function openDatabase(stream: ByteStream, database = "Open_vSwitch"): Database & Monitoring {
  const splitter = jsonSplitter();
  const replies = new Map<number, Reply | undefined>();
  const updates = new Map<string, TableUpdates[]>();
  const peer = { subject: `"${stream.peer}"`, who: "the database" };
  let lastId = 0;

  const sendText = (text: string, deadline: Deadline) => stream.send(bytesOfText(text), deadline);
  const ask = (message: (id: number) => string, deadline: Deadline): number => {
    lastId += 1;
    const id = lastId;
    replies.set(id, undefined);
    sendText(message(id), deadline);
    return id;
  };
  const take = (message: Incoming, deadline: Deadline) => {
    if (message.type === "reply") {
      const { id } = message;
      if (typeof id !== "number" || !replies.has(id)) throw unexpected(stream.peer, message);
      replies.set(id, message);
    } else if (message.type === "echo") {
      sendText(echoReply(message.id, message.params), deadline);
    } else if (message.type === "update") {
      updates.get(String(message.monitor))?.push(message.updates);
    }
  };
  const receive = (deadline: Deadline) => {
    const bytes = receiveFrom(stream, peer, deadline);
    for (const object of splitter.push(bytes)) take(readMessage(object), deadline);
  };
  const replyTo = (id: number, deadline: Deadline): Reply => {
    for (;;) {
      const reply = replies.get(id);
      if (reply !== undefined) {
        replies.delete(id);
        return reply;
      }
      receive(deadline);
    }
  };

  const client: Database & Monitoring = {
    send: (operations, deadline) => {
      const id = ask((own) => transactMessage(own, database, operations), deadline);
      let reply: Reply | undefined;
      return {
        results: (until) => {
          reply ??= replyTo(id, until);
          return readResults(operations, reply);
        },
      };
    },
    transact: (operations, deadline) => client.send(operations, deadline).results(deadline),
    monitor: (requests, deadline) => {
      const name = `monitor ${lastId + 1}`;
      const came: TableUpdates[] = [];
      updates.set(name, came);
      const id = ask((own) => monitorMessage(own, database, name, requests), deadline);
      const { result, error } = replyTo(id, deadline);
      if (error !== null) throw requestRefused(error);
      const next = (until: Deadline): TableUpdates => {
        for (;;) {
          const first = came.shift();
          if (first !== undefined) return first;
          receive(until);
        }
      };
      return { initial: readUpdates(result), next };
    },
    close: stream.close,
  };
  return client;
}

const unexpected = (peer: string, { id, error }: Reply) =>
  new Failure(
    "decode",
    `Cannot talk to "${peer}": it answered ${JSON.stringify(id) ?? "nobody"}, which was not asked` +
      (error === null ? "" : `: ${JSON.stringify(error)}`),
  );
