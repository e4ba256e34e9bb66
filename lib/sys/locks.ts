/**
 * Advisory locks on open descriptors: they die with the process, however it ends.
 *
 * Polled, not waited for: a blocking flock(2) has no deadline.
 * Sources: flock(2), fcntl(2) "Open file description locks".
 */
import type { Deadline } from "../deadline.ts";
import type { LockMode } from "../dir.ts";
import { Failure } from "../errors.ts";
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { sleep } from "./time.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const F_OFD_SETLK = 37;
const F_WRLCK = 1;

/** Milliseconds between two tries: from the first, growing, to the last. */
const pauses = { first: 0.1, growth: 1.5, last: 5 } as const;

/** Locks an open file. Throws Failure "try-again" at the deadline. */
export function flock(
  ffi: Ffi,
  fd: number,
  mode: LockMode,
  subject: string,
  deadline: Deadline,
): void {
  const operation = (mode === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB;
  poll(ffi, "flock", subject, deadline, () => ffi.call("flock", fd, operation));
}

/** Locks one number of an open file, 0 to 2^63-1. Throws Failure "try-again" at the deadline. */
export function lockNumber(
  ffi: Ffi,
  fd: number,
  at: bigint,
  subject: string,
  deadline: Deadline,
): void {
  // struct flock: l_type and l_whence (16 bits), l_start, l_len (64 bits), l_pid (must be 0).
  const range = new DataView(new ArrayBuffer(32));
  range.setInt16(0, F_WRLCK, true);
  range.setBigInt64(8, at, true);
  range.setBigInt64(16, 1n, true);
  const bytes = new Uint8Array(range.buffer);
  poll(ffi, "fcntl", subject, deadline, () => ffi.call("fcntl", fd, F_OFD_SETLK, bytes));
}

function poll(
  ffi: Ffi,
  call: "flock" | "fcntl",
  subject: string,
  deadline: Deadline,
  tryOnce: () => number,
): void {
  let pause: number = pauses.first;
  for (;;) {
    const result = tryOnce();
    if (!failed(result, "EAGAIN", "EACCES", "EINTR")) {
      succeed(result, { action: "lock", subject, call, kind: "io" });
      return;
    }
    const left = deadline.left();
    if (left === 0)
      throw new Failure("try-again", `Cannot lock ${subject}: another process holds it`);
    sleep(ffi, Math.min(pause, left));
    pause = Math.min(pause * pauses.growth, pauses.last);
  }
}
