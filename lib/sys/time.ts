/** Time as the kernel keeps it. Sources: clock_gettime(2), nanosleep(2). */
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";

const CLOCK_BOOTTIME = 7;

/** Milliseconds since boot, suspend included. */
export function sinceBoot(ffi: Ffi): number {
  const timespec = new BigInt64Array(2);
  const result = ffi.call("clock_gettime", CLOCK_BOOTTIME, new Uint8Array(timespec.buffer));
  succeed(result, { action: "read", subject: "the boot clock", call: "clock_gettime" });
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}

/** Sleeps, milliseconds; signals don't shorten it. */
export function sleep(ffi: Ffi, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  const nanoseconds = Math.floor((ms - seconds * 1000) * 1e6);
  const timespec = new BigInt64Array([BigInt(seconds), BigInt(nanoseconds)]);
  const bytes = new Uint8Array(timespec.buffer);
  // The kernel leaves what remains in the same place.
  while (failed(ffi.call("nanosleep", bytes, bytes), "EINTR"));
}
