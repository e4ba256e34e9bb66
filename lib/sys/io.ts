/**
 * Whole files and whole streams: configurations, stdin and stdout. Symlinks are followed here; in
 * a folder of ours they are not (dir.ts).
 *
 * Sources: open(2), read(2), write(2), poll(2).
 */
import { Failure } from "../errors.ts";
import { bytesOfText, textOfBytes } from "../text.ts";
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";

/** Flags of open(2) that are the same on every architecture. */
export const O = {
  rdonly: 0,
  wronly: 0o1,
  rdwr: 0o2,
  creat: 0o100,
  excl: 0o200,
  nonblock: 0o4000,
  cloexec: 0o2000000,
} as const;

/** AT_FDCWD: paths are relative to the working directory. */
export const cwd = -100;

/** Configurations and records are far smaller: what is longer is no such thing (/dev/zero). */
const maxBytes = 16 << 20;

const pollIn = 1;
const pollOut = 4;

/** The text, NUL-terminated, as the kernel takes paths and names. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new Error("a path or name with a NUL in it");
  return bytesOfText(`${text}\0`);
}

/** Closes a descriptor, once: its number is given to the next file opened. */
export function closing(ffi: Ffi, fd: number): () => void {
  let open = true;
  return () => {
    if (open) ffi.call("close", fd);
    open = false;
  };
}

/** The text of a file; undefined if there is none. Throws SysError "io". */
export function readFile(ffi: Ffi, path: string): string | undefined {
  const fd = ffi.call("openat", cwd, cString(path), O.rdonly | O.cloexec);
  if (failed(fd, "ENOENT")) return undefined;
  const subject = `"${path}"`;
  succeed(fd, { action: "open", subject, call: "openat", kind: "io" });
  try {
    return readText(ffi, fd, subject);
  } finally {
    ffi.call("close", fd);
  }
}

/** All that comes from a descriptor until its end, as text. Throws SysError or Failure "io". */
export function readText(ffi: Ffi, fd: number, subject: string): string {
  let bytes = new Uint8Array(4096);
  let length = 0;
  for (;;) {
    const got = ffi.call("read", fd, bytes.subarray(length), bytes.length - length);
    if (got === 0) return textOfBytes(bytes.subarray(0, length));
    if (failed(got, "EAGAIN")) waitFor(ffi, fd, pollIn);
    else if (!failed(got, "EINTR"))
      length += succeed(got, { action: "read", subject, call: "read", kind: "io" });
    if (length > maxBytes)
      throw new Failure("io", `Cannot read ${subject}: it is longer than ${maxBytes} bytes`);
    if (length === bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
    }
  }
}

/** Writes the whole text, however little a pipe takes at a time. Throws SysError "io". */
export function writeText(ffi: Ffi, fd: number, text: string, subject: string): void {
  const bytes = bytesOfText(text);
  let sent = 0;
  while (sent < bytes.length) {
    const put = ffi.call("write", fd, bytes.subarray(sent), bytes.length - sent);
    if (failed(put, "EAGAIN")) waitFor(ffi, fd, pollOut);
    else if (!failed(put, "EINTR"))
      sent += succeed(put, { action: "write", subject, call: "write", kind: "io" });
  }
}

/** Someone has made the descriptor non-blocking, and can't be asked to undo it: wait with poll. */
function waitFor(ffi: Ffi, fd: number, events: number): void {
  const wanted = new DataView(new ArrayBuffer(8));
  wanted.setInt32(0, fd, true);
  wanted.setInt16(4, events, true);
  ffi.call("ppoll", new Uint8Array(wanted.buffer), 1);
}
