/** Kernel parameters, by their path below /proc/sys. Source: sysctl(8), proc(5). */
import { succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { closing, cString, cwd, O, readFile, writeText } from "./io.ts";

/** Its value without the line's end; undefined if there is no such parameter. */
export const readSysctl = (ffi: Ffi, path: string): string | undefined =>
  readFile(ffi, `/proc/sys/${path}`)?.trimEnd();

/** Writes a parameter that has another value: /proc/sys may be read-only, and rightly set. */
export function writeSysctl(ffi: Ffi, path: string, value: string): void {
  if (readSysctl(ffi, path) === value) return;
  const subject = `sysctl ${path.replaceAll("/", ".")} to "${value}"`;
  const fd = ffi.call("openat", cwd, cString(`/proc/sys/${path}`), O.wronly | O.cloexec);
  succeed(fd, { action: "set", subject, call: "openat" });
  const close = closing(ffi, fd);
  try {
    writeText(ffi, fd, value, subject);
  } finally {
    close();
  }
}
