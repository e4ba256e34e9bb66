/**
 * The netlink socket to nftables: questions, and batches of changes.
 *
 * The kernel answers while it takes a message in, so nothing here waits: what has not come when
 * the message is sent does not come.
 * Sources: netlink(7), linux/netfilter/nfnetlink.h.
 */
import { errno, SysError, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { encodeMessages, type Message } from "./netlink.ts";
import { decodeReplies, encodeBatch, type Reply } from "./nft-message.ts";
import type { Answer } from "./nft-plan.ts";
import { openSocket, setOption } from "./socket.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_NETFILTER = 12;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;

/** The ruleset is of another generation than the batch was made for. */
const ERESTART = 85;

/** Bytes that a socket takes in any case (net.core.wmem_default is 212,992). */
const usualBatch = 64 << 10;

export interface NftSocket {
  /** One answer to each question, in their order. Throws SysError. */
  readonly ask: (questions: readonly Message[]) => readonly Answer[];
  /** All answers to a question for many (NLM_F.dump); none if there is no such thing. */
  readonly askAll: (question: Message) => readonly Reply[];
  /** Makes all changes or, when the ruleset's generation is another by now, none. */
  readonly commit: (changes: readonly Message[], generation: number) => "done" | "changed";
  readonly close: () => void;
}

/** Opens a socket to the nftables of the network namespace that the process is in. */
export function openNftSocket(ffi: Ffi): NftSocket {
  const fd = openSocket(ffi, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  const received = new Uint8Array(64 << 10);
  let last = 0;

  /** Sends messages; gives the number of the first, of so many. */
  const send = (count: number, encode: (first: number) => Uint8Array): number => {
    const first = last + 1;
    last += count;
    const bytes = encode(first);
    if (bytes.length > usualBatch) {
      const room = new Uint8Array(Uint32Array.of(4 * bytes.length).buffer);
      setOption(ffi, fd, SOL_SOCKET, SO_SNDBUFFORCE, room);
    }
    const sent = ffi.call("sendto", fd, bytes, bytes.length, 0);
    succeed(sent, { action: "send to", subject: "nftables", call: "sendto" });
    return first;
  };
  const receive = (): readonly Reply[] => {
    const got = ffi.call("recvfrom", fd, received, received.length, MSG_DONTWAIT);
    succeed(got, { action: "read from", subject: "nftables", call: "recvfrom" });
    return decodeReplies(received.slice(0, got));
  };

  return {
    ask: (questions) => {
      const first = send(questions.length, (first) => encodeMessages(questions, first));
      const answers = new Map<number, Answer>();
      while (answers.size < questions.length) {
        for (const reply of receive()) {
          if (reply.sequence >= first) answers.set(reply.sequence, answerOf(reply));
        }
      }
      return questions.map((_, index) => answers.get(first + index));
    },
    askAll: (question) => {
      const first = send(1, (first) => encodeMessages([question], first));
      const answers: Reply[] = [];
      for (;;) {
        for (const reply of receive()) {
          if (reply.sequence !== first) continue;
          if (answerOf(reply) === undefined || reply.done) return answers;
          answers.push(reply);
        }
      }
    },
    commit: (changes, generation) => {
      const encode = (first: number) => encodeBatch(changes, generation, first);
      const first = send(changes.length + 2, encode);
      for (;;) {
        for (const { sequence, refused } of receive()) {
          // What came after the refusal of an earlier batch may still be there.
          if (sequence < first) continue;
          if (refused === ERESTART && sequence === first) return "changed";
          if (refused !== 0) throw refusal("change", refused);
          // The last change is answered when all are done.
          if (sequence === first + changes.length) return "done";
        }
      }
    },
    close: () => void ffi.call("close", fd),
  };
}

function answerOf({ refused, attributes }: Reply): Answer {
  if (refused === errno("ENOENT")) return undefined;
  if (refused !== 0) throw refusal("read", refused);
  return attributes;
}

const refusal = (action: string, number: number): SysError =>
  new SysError(number, { action, subject: "the nftables ruleset", call: "NETLINK_NETFILTER" });
