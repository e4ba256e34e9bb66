/** Reading from a descriptor as bytes come, with an end to every wait. Sources: ppoll(2), read(2). */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { timeOf } from "./time.ts";

const POLLIN = 1;
/** Larger than most configurations; the runtime's collector counts it. */
const chunkBytes = 8 * 1024;

/**
 * Whatever has come, at least one byte; undefined at the end. Throws Failure "io" at the deadline,
 * SysError "io" when it can't be read.
 */
export function readSome(
  ffi: Ffi,
  fd: number,
  subject: string,
  deadline: Deadline,
): Uint8Array | undefined {
  const attempt = (call: string) => ({ action: "read", subject, call, kind: "io" }) as const;
  const chunk = new Uint8Array(chunkBytes);
  for (;;) {
    const ready = poll(ffi, fd, deadline.left());
    if (ready === 0) {
      throw new Failure("io", `Cannot read ${subject}: nothing came until the deadline`);
    }
    if (!failed(ready, "EINTR")) {
      succeed(ready, attempt("ppoll"));
      const got = ffi.call("read", fd, chunk, chunk.length);
      if (got === 0) return undefined;
      if (!failed(got, "EINTR", "EAGAIN")) return chunk.subarray(0, succeed(got, attempt("read")));
    }
  }
}

/** Waits for input, milliseconds; 0 when none came. */
function poll(ffi: Ffi, fd: number, ms: number): number {
  const wanted = new DataView(new ArrayBuffer(8));
  wanted.setInt32(0, fd, true);
  wanted.setInt16(4, POLLIN, true);
  const seconds = Math.floor(ms / 1000);
  const nanoseconds = Math.floor((ms - seconds * 1000) * 1e6);
  const timeout = timeOf(seconds, nanoseconds);
  return ffi.call("ppoll", new Uint8Array(wanted.buffer), 1, timeout, 0, 8);
}
