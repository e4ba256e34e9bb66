/**
 * The driver of lib/stream.ts: a blocking AF_UNIX stream whose every wait ends at its deadline.
 *
 * Sources: unix(7), socket(7) "SO_RCVTIMEO and SO_SNDTIMEO", send(2), recv(2).
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { ByteStream } from "../stream.ts";
import { bytesOfText } from "../text.ts";
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { closing } from "./io.ts";
import { MSG_NOSIGNAL, openSocket, SO_RCVTIMEO, SO_SNDTIMEO, setTimeLeft } from "./socket.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;

/** sun_path holds 108 bytes, the last of them NUL. */
const maxPath = 107;
/** With its NUL, and the family before it. */
const longest = maxPath + 3;

/**
 * Connects to a socket by its path. Throws SysError "io" with the errno (ENOENT: no socket there;
 * ECONNREFUSED: nobody behind it), Failure "try-again" at the deadline.
 */
export function connectUnix(ffi: Ffi, path: string, deadline: Deadline): ByteStream {
  const address = addressOf(path);
  const peer = `"${path}"`;
  const fd = openSocket(ffi, AF_UNIX, SOCK_STREAM, 0);
  const close = closing(ffi, fd);
  const sending = limitOf(ffi, fd, SO_SNDTIMEO);
  const receiving = limitOf(ffi, fd, SO_RCVTIMEO);
  try {
    const wait: Wait = { limit: sending, deadline, call: "connect", peer };
    again(wait, () => ffi.call("connect", fd, address, address.length));
  } catch (fault) {
    close();
    throw fault;
  }
  // Most answers are small, and the runtime's collector counts it.
  const received = new Uint8Array(16 << 10);
  return {
    peer: path,
    send: (bytes, until) => {
      const wait: Wait = { limit: sending, deadline: until, call: "sendto", peer };
      for (let sent = 0; sent < bytes.length; ) {
        const rest = bytes.subarray(sent);
        sent += again(wait, () => ffi.call("sendto", fd, rest, rest.length, MSG_NOSIGNAL));
      }
    },
    receive: (until) => {
      const wait: Wait = { limit: receiving, deadline: until, call: "recvfrom", peer };
      const length = again(wait, () => {
        const got = ffi.call("recvfrom", fd, received, received.length);
        // The peer closed without reading all that we sent.
        return failed(got, "ECONNRESET") ? 0 : got;
      });
      return length === 0 ? undefined : received.slice(0, length);
    },
    close,
  };
}

interface Wait {
  /** Has the socket's calls in this direction end at the deadline. */
  readonly limit: (deadline: Deadline) => void;
  readonly deadline: Deadline;
  readonly call: keyof typeof actions;
  readonly peer: string;
}

const actions = { connect: "connect to", sendto: "send to", recvfrom: "receive from" } as const;

/** Does a call that may block, again when a signal interrupts it, until the deadline. */
function again(wait: Wait, act: () => number): number {
  const { call, peer: subject } = wait;
  const action = actions[call];
  for (;;) {
    wait.limit(wait.deadline);
    const result = act();
    if (failed(result, "EAGAIN"))
      throw new Failure("try-again", `Cannot ${action} ${subject}: the time is up`);
    if (!failed(result, "EINTR")) return succeed(result, { action, subject, call, kind: "io" });
  }
}

/** How much later than its deadline a wait may end: milliseconds, and a part of what was left. */
const tolerance = { ms: 100, part: 1 / 16 } as const;

/** What is set for one call is near enough for the next: *measured*, a dozen are an ADD's 0.2 ms. */
function limitOf(ffi: Ffi, fd: number, option: number): Wait["limit"] {
  let set = 0;
  return (deadline) => {
    const left = deadline.left();
    if (left <= set && set - left < Math.min(tolerance.ms, left * tolerance.part)) return;
    setTimeLeft(ffi, fd, option, { left: () => left });
    set = left;
  };
}

/** struct sockaddr_un, as long as its path needs. */
function addressOf(path: string): Uint8Array {
  // The family's 16 bits are two characters of ASCII.
  const bytes = bytesOfText(`\u0001\0${path}\0`);
  if (bytes.length > longest || path.includes("\0"))
    throw new Failure(
      "io",
      `Cannot connect to "${path}": a socket's path can't be longer than ${maxPath} bytes`,
    );
  return bytes;
}
