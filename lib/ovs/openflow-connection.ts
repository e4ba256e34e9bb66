/**
 * A blocking OpenFlow connection: requests go out, and what comes back is kept by its xid until
 * somebody waits for it. Nothing is sent before the first request, and the hello goes out with
 * that: no round trip is spent on greeting.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { ByteStream } from "../stream.ts";
import { type Writer, writer } from "./bytes.ts";
import { messageSplitter } from "./message-stream.ts";
import { version, writeEchoReply, writeHello } from "./openflow.ts";
import { helloFailed } from "./openflow-errors.ts";
import { type Message, type OpenflowError, readMessage } from "./openflow-read.ts";
import { receiveFrom } from "./receive.ts";

export interface Connection {
  /** The bridge's name, for messages. */
  readonly bridge: string;
  /** Sends in one go what `write` writes; each xid it takes is that of a request. */
  readonly send: (write: (to: Writer, nextXid: () => number) => void, deadline: Deadline) => void;
  /** Waits for a message to a request that is its last, and gives all that came, for once. */
  readonly answer: (
    xid: number,
    isLast: (message: Message) => boolean,
    deadline: Deadline,
  ) => readonly Message[];
  /** The error that came for a request, if one did; asked after a later barrier. */
  readonly errorOf: (xid: number) => OpenflowError | undefined;
  /** Nobody will ask for this request's answer. */
  readonly forget: (xid: number) => void;
}

/** Throws Failure as `openFlows` says. */
export function openConnection(stream: ByteStream): Connection {
  const splitter = messageSplitter();
  const bridge = bridgeOf(stream.peer);
  const answers = new Map<number, Message[]>();
  const peer = { subject: `bridge "${bridge}"`, who: "the switch" };
  let lastXid = 0;

  const nextXid = (): number => {
    lastXid += 1;
    answers.set(lastXid, []);
    return lastXid;
  };
  const send: Connection["send"] = (write, deadline) => {
    const to = writer();
    if (lastXid === 0) writeHello(to, nextXid());
    write(to, nextXid);
    stream.send(to.bytes(), deadline);
  };
  const take = (message: Message, deadline: Deadline) => {
    if (message.type === "hello") {
      if (!message.versions.includes(version)) throw noVersion(bridge, message.versions);
    } else if (message.type === "echo") {
      send((to) => writeEchoReply(to, message.xid, message.data), deadline);
    } else if (message.type === "error" && message.error.type === helloFailed) {
      throw refused("speak OpenFlow 1.5 with", bridge, textOf(message.error.data));
    } else if ("xid" in message) {
      const answer = answers.get(message.xid);
      if (answer !== undefined) answer.push(message);
      else if (message.type === "error")
        throw refused("go on with", bridge, `${message.error.words}, for no request of ours`);
    }
  };
  return {
    bridge,
    send,
    answer: (xid, isLast, deadline) => {
      const came = answers.get(xid) ?? [];
      for (let seen = 0; ; seen += 1) {
        while (seen >= came.length) {
          const bytes = receiveFrom(stream, peer, deadline);
          for (const message of splitter.push(bytes)) take(readMessage(message), deadline);
        }
        const message = came[seen];
        if (message !== undefined && isLast(message)) break;
      }
      answers.delete(xid);
      return came;
    },
    errorOf: (xid) => {
      for (const message of answers.get(xid) ?? []) {
        if (message.type === "error") return message.error;
      }
      return undefined;
    },
    forget: (xid) => void answers.delete(xid),
  };
}

/** The failure for what the switch refused: "Cannot <action> bridge "sp0": <state>". */
export const refused = (action: string, bridge: string, state: string) =>
  new Failure("switch-refused", `Cannot ${action} bridge "${bridge}": ${state}`);

function noVersion(bridge: string, versions: readonly number[]): Failure {
  // On the wire, 1 is OpenFlow 1.0.
  const offered = versions.filter((one) => one >= 1).map((one) => `1.${one - 1}`);
  const wanted = [...offered, "1.5"].map((one) => `OpenFlow${one.replace(".", "")}`);
  return refused(
    "speak OpenFlow 1.5 with",
    bridge,
    `it has only ${offered.join(", ") || "none that is known"}; ` +
      `"ovs-vsctl set bridge ${bridge} protocols=${wanted.join(",")}" adds it`,
  );
}

/** "/run/openvswitch/sp0.mgmt" is the socket of sp0. */
function bridgeOf(peer: string): string {
  const file = peer.slice(peer.lastIndexOf("/") + 1);
  return file.endsWith(".mgmt") ? file.slice(0, -".mgmt".length) : file;
}

/** The switch explains a failed hello in words. */
const textOf = (data: Uint8Array): string => new TextDecoder().decode(data).replaceAll("\0", "");
