/** Time as the kernel keeps it. Sources: clock_gettime(2), nanosleep(2). */
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";

const CLOCK_BOOTTIME = 7;

/** Seconds that 32 bits hold: 136 years. */
const longest = 2 ** 32 - 1;

/**
 * struct timespec or struct timeval: seconds and their parts, 64 bits each. All of ours have 32 at
 * most, and are written as such: *measured*, the first BigInt64Array costs a command 0.08 ms.
 */
export const timeOf = (seconds: number, parts: number): Uint8Array =>
  new Uint8Array(Uint32Array.of(Math.min(seconds, longest), 0, parts, 0).buffer);

/** Milliseconds since boot, suspend included. */
export function sinceBoot(ffi: Ffi): number {
  const timespec = new Uint32Array(4);
  const result = ffi.call("clock_gettime", CLOCK_BOOTTIME, new Uint8Array(timespec.buffer));
  succeed(result, { action: "read", subject: "the boot clock", call: "clock_gettime" });
  return (timespec[0] ?? 0) * 1000 + (timespec[2] ?? 0) / 1e6;
}

/** Sleeps, milliseconds; signals don't shorten it. */
export function sleep(ffi: Ffi, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  const nanoseconds = Math.floor((ms - seconds * 1000) * 1e6);
  const bytes = timeOf(seconds, nanoseconds);
  // The kernel leaves what remains in the same place.
  while (failed(ffi.call("nanosleep", bytes, bytes), "EINTR"));
}
