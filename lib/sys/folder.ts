/**
 * Folders by descriptor: opened without following a symlink, and kept to ourselves.
 *
 * Sources: openat(2), mkdirat(2), lseek(2), getdents64(2).
 */
import { Failure } from "../errors.ts";
import { textOfBytes } from "../text.ts";
import { type Attempt, failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { closing, cString, cwd, O } from "./io.ts";
import { statOf } from "./stat.ts";

const SEEK_SET = 0;

/** A name relative to a folder's descriptor, and its whole path for messages. */
export interface Place {
  readonly fd: number;
  readonly name: string;
  readonly path: string;
}

/** Opens a folder; undefined if there is none. Throws Failure "io" if it is something else. */
export function openFolder(ffi: Ffi, place: Place): number | undefined {
  const flags = O.rdonly | O.cloexec | ffi.abi.directory | ffi.abi.noFollow;
  const fd = ffi.call("openat", place.fd, cString(place.name), flags);
  if (failed(fd, "ENOENT")) return undefined;
  if (failed(fd, "ENOTDIR", "ELOOP"))
    throw new Failure(
      "io",
      `Cannot open "${place.path}": it is a symlink or a file, not a folder`,
      {
        details: "Symlinks are not followed there. Remove it, or name another folder.",
      },
    );
  return succeed(fd, tried("open", place, "openat"));
}

/** Makes a folder with mode 0700, if nothing is there. */
export function makeFolder(ffi: Ffi, place: Place): void {
  const made = ffi.call("mkdirat", place.fd, cString(place.name), 0o700);
  if (!failed(made, "EEXIST")) succeed(made, tried("create folder", place, "mkdirat"));
}

/** Makes the parents of a path that are missing, with mode 0755. */
export function makeParents(ffi: Ffi, path: string): void {
  const names = path.split("/").slice(0, -1);
  for (const [index, name] of names.entries()) {
    if (name === "") continue;
    const parent = names.slice(0, index + 1).join("/");
    const made = ffi.call("mkdirat", cwd, cString(parent), 0o755);
    if (!failed(made, "EEXIST"))
      succeed(made, tried("create folder", { fd: cwd, name, path: parent }, "mkdirat"));
  }
}

/**
 * Refuses a folder that another user than `self` owns or can write to: what is in it may be planted.
 * One that others can only look into is closed to them.
 */
export function keepToOurselves(ffi: Ffi, fd: number, path: string, self: number): void {
  const { owner, mode } = statOf(ffi, fd, path);
  if (owner !== self)
    throw new Failure("io", `Cannot use folder "${path}": it belongs to user ${owner}`, {
      details: `It must belong to the user SocketPlane runs as (${self}).`,
    });
  if ((mode & 0o022) !== 0)
    throw new Failure(
      "io",
      `Cannot use folder "${path}": others can write to it (mode 0${mode.toString(8)})`,
      { details: "What is in it can't be trusted. Empty it, then: chmod 0700." },
    );
  if (mode === 0o700) return;
  succeed(
    ffi.call("fchmod", fd, 0o700),
    tried("close to others", { fd, name: "", path }, "fchmod"),
  );
}

/** The names in a folder that may be another's, and be reached by a symlink; none if it is not there. */
export function namesAt(ffi: Ffi, path: string): readonly string[] {
  const fd = openFolder(ffi, { fd: cwd, name: `${path}/.`, path });
  if (fd === undefined) return [];
  const close = closing(ffi, fd);
  try {
    return namesIn(ffi, fd, path);
  } finally {
    close();
  }
}

/** The names in a folder, without "." and ".."; none when it was removed. */
export function namesIn(ffi: Ffi, fd: number, path: string): readonly string[] {
  const here: Place = { fd, name: ".", path };
  // From the first on, whoever has read before.
  succeed(ffi.call("lseek", fd, 0, SEEK_SET), tried("list", here, "lseek"));
  const names: string[] = [];
  const bytes = new Uint8Array(8 << 10);
  for (;;) {
    const length = ffi.call("getdents64", fd, bytes, bytes.length);
    if (length === 0 || failed(length, "ENOENT")) return names;
    succeed(length, tried("list", here, "getdents64"));
    names.push(...decodeNames(bytes.subarray(0, length)));
  }
}

/** The names in what getdents64 gave: d_reclen is at 16, d_name at 19, NUL-terminated. */
function decodeNames(entries: Uint8Array): readonly string[] {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  const names: string[] = [];
  for (let at = 0; at < entries.length; at += view.getUint16(at + 16, true)) {
    const name = textOfBytes(entries.subarray(at + 19, entries.indexOf(0, at + 19)));
    if (name !== "." && name !== "..") names.push(name);
  }
  return names;
}

export const tried = (action: string, place: Place, call: string): Attempt => ({
  action,
  subject: `"${place.path}"`,
  call,
  kind: "io",
});
