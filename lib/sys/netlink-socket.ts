/**
 * A netlink socket: the kernel answers while we send, so what is asked has been done when the
 * answers are read; a time limit stands guard all the same.
 *
 * Sources: netlink(7), linux/netlink.h.
 */
import { Failure } from "../errors.ts";
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { closing } from "./io.ts";
import {
  type Answer,
  decodeAnswer,
  decodeMessages,
  encodeMessages,
  type Message,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
  type Received,
  viewOf,
} from "./netlink.ts";
import { openSocket, SO_RCVTIMEO, setOption, setTimeLeft } from "./socket.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_TRUNC = 0x20;

/** Milliseconds in which an answer must come. */
const answerLimit = 10_000;

/** Answers wait in the socket's buffer, which holds some 250: a longer train goes in parts. */
const trainLength = 64;

/** How often a list is asked for again that changed while it was given. */
const dumpTries = 20;

export interface NetlinkSocket {
  /** Sends requests that ask for an acknowledgement, in one go, and gives the answer to each. */
  readonly acknowledge: (messages: readonly Message[]) => readonly Answer[];
  /** Sends one request for one thing: its message, or the refusal. */
  readonly ask: (message: Message) => Received | Answer;
  /** Sends a request for a list. Throws SysError of `subject` if it is refused. */
  readonly dump: (message: Message, subject: string) => readonly Received[];
  /** The descriptor, for what is asked of a namespace in another way (ioctl). */
  readonly fd: number;
  readonly close: () => void;
}

/** Opens a socket of a netlink family in the namespace of the calling thread. */
export function openNetlink(ffi: Ffi, family: number): NetlinkSocket {
  const fd = openSocket(ffi, AF_NETLINK, SOCK_RAW, family);
  const one = new Uint8Array(Int32Array.of(1).buffer);
  setTimeLeft(ffi, fd, SO_RCVTIMEO, { left: () => answerLimit });
  setOption(ffi, fd, SOL_NETLINK, NETLINK_EXT_ACK, one);
  setOption(ffi, fd, SOL_NETLINK, NETLINK_CAP_ACK, one);
  return netlinkOn(ffi, fd);
}

function netlinkOn(ffi: Ffi, fd: number): NetlinkSocket {
  // Of a list the kernel puts as much in one datagram as its reader has shown room for (32 KiB at
  // most): no more of it than is of use, since the runtime's collector counts it.
  const buffer = new Uint8Array(16 << 10);
  let next = 1;

  /** Sends messages and gives the number of the first. */
  const send = (messages: readonly Message[]): number => {
    const first = next;
    next += messages.length;
    const sent = encodeMessages(messages, first);
    succeed(
      retried(() => ffi.call("sendto", fd, sent, sent.length)),
      talk("sendto"),
    );
    return first;
  };

  const receive = (): readonly Received[] => {
    const length = retried(() => ffi.call("recvfrom", fd, buffer, buffer.length, MSG_TRUNC));
    if (failed(length, "EAGAIN"))
      throw new Failure("try-again", `Cannot talk to the kernel: no answer in ${answerLimit} ms`);
    succeed(length, talk("recvfrom"));
    if (length > buffer.length)
      throw new Failure("decode", `Cannot read the kernel's answer: it has ${length} bytes`);
    return decodeMessages(buffer.slice(0, length));
  };

  const acknowledge = (messages: readonly Message[]): readonly Answer[] => {
    if (messages.length > trainLength)
      return [
        ...acknowledge(messages.slice(0, trainLength)),
        ...acknowledge(messages.slice(trainLength)),
      ];
    const first = send(messages);
    const answers: Answer[] = [];
    // The kernel answers in order. Anything older is the answer to a call that was given up.
    while (answers.length < messages.length) {
      for (const message of receive()) {
        const expected = message.sequence === first + answers.length;
        if (expected && message.type === NLMSG_ERROR) answers.push(decodeAnswer(message));
      }
    }
    return answers;
  };

  const ask = (message: Message): Received | Answer => {
    const sequence = send([message]);
    for (;;) {
      for (const answer of receive()) {
        if (answer.sequence !== sequence) continue;
        return answer.type === NLMSG_ERROR ? decodeAnswer(answer) : answer;
      }
    }
  };

  /** One try at a list: undefined if it changed under way. */
  const dumpOnce = (message: Message, subject: string): readonly Received[] | undefined => {
    const sequence = send([message]);
    const found: Received[] = [];
    let whole = true;
    for (;;) {
      for (const one of receive()) {
        if (one.sequence !== sequence) continue;
        if ((one.flags & NLM_F.dumpInterrupted) !== 0) whole = false;
        // A list that fails half-way says so at its end.
        const errno =
          one.type === NLMSG_ERROR
            ? decodeAnswer(one).errno
            : one.type === NLMSG_DONE && one.body.length >= 4
              ? -viewOf(one.body).getInt32(0, true)
              : 0;
        if (errno > 0) succeed(-errno, { action: "list", subject, call: "netlink" });
        if (one.type === NLMSG_DONE) return whole ? found : undefined;
        if (one.type !== NLMSG_ERROR) found.push(one);
      }
    }
  };

  return {
    acknowledge,
    ask,
    dump: (message, subject) => {
      for (let tries = 0; tries < dumpTries; tries += 1) {
        const found = dumpOnce(message, subject);
        if (found !== undefined) return found;
      }
      throw new Failure("try-again", `Cannot list ${subject}: they change all the time`);
    },
    fd,
    close: closing(ffi, fd),
  };
}

function retried(act: () => number): number {
  for (;;) {
    const result = act();
    if (!failed(result, "EINTR")) return result;
  }
}

const talk = (call: string) => ({ action: "talk to", subject: "the kernel", call });
