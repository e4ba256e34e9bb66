/** What all our sockets share. Sources: socket(2), socket(7). */
import type { Deadline } from "../deadline.ts";
import { succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { timeOf } from "./time.ts";

const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;

/** A peer that has gone is an errno, not a signal. */
export const MSG_NOSIGNAL = 0x4000;

/** Opens a socket. Throws SysError. */
export function openSocket(ffi: Ffi, family: number, type: number, protocol: number): number {
  const fd = ffi.call("socket", family, type | SOCK_CLOEXEC, protocol);
  return succeed(fd, { action: "open", subject: "a socket", call: "socket" });
}

/** Sets how long a call on the socket may block: until the deadline, then it fails with EAGAIN. */
export function setTimeLeft(ffi: Ffi, fd: number, option: number, deadline: Deadline): void {
  // A time of zero would mean for ever.
  const microseconds = Math.max(1, Math.floor(deadline.left() * 1000));
  const timeval = timeOf(Math.floor(microseconds / 1e6), microseconds % 1e6);
  setOption(ffi, fd, SOL_SOCKET, option, timeval);
}

/** setsockopt(2). Throws SysError. */
export function setOption(
  ffi: Ffi,
  fd: number,
  level: number,
  option: number,
  value: Uint8Array,
): void {
  const result = ffi.call("setsockopt", fd, level, option, value, value.length);
  const subject = `option ${level}/${option} of a socket`;
  succeed(result, { action: "set", subject, call: "setsockopt" });
}
