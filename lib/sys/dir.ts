/**
 * The driver of lib/dir.ts: every call is relative to the folder's descriptor, takes one path
 * component, and follows no symlink.
 *
 * Sources: openat(2), linkat(2), renameat2(2), unlinkat(2).
 */
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { createFile, fileFlags, isTemporary, readFileIn, replaceFile, sync } from "./file.ts";
import {
  keepToOurselves,
  makeFolder,
  makeParents,
  namesIn,
  openFolder,
  type Place,
  tried,
} from "./folder.ts";
import { closing, cString, cwd, O } from "./io.ts";
import { flock, lockNumber } from "./locks.ts";
import { statOf } from "./stat.ts";

const AT_REMOVEDIR = 0x200;

/** A folder of this driver: only into such a one can be linked. */
interface OpenDir extends Dir {
  readonly fd: number;
}

/**
 * Opens a folder that is ours alone; undefined if there is none.
 * Throws Failure "io" if it is a symlink, another user's, or writable by others.
 */
export function openDir(ffi: Ffi, given: string): Dir | undefined {
  // With a slash at its end, a symlink would be followed after all.
  let path = given;
  while (path.endsWith("/") || path.endsWith("/.")) path = path.slice(0, path.lastIndexOf("/"));
  return openOurs(ffi, { fd: cwd, name: path, path }, ffi.call("geteuid"));
}

/** The same, made with mode 0700 if there is none, and its parents with 0755. */
export function makeDir(ffi: Ffi, path: string): Dir {
  const found = openDir(ffi, path);
  if (found !== undefined) return found;
  makeParents(ffi, path);
  makeFolder(ffi, { fd: cwd, name: path, path });
  return openDir(ffi, path) ?? removedAtOnce(path);
}

/** `self` is the user that we run as. */
function openOurs(ffi: Ffi, place: Place, self: number): OpenDir | undefined {
  const fd = openFolder(ffi, place);
  if (fd === undefined) return undefined;
  try {
    keepToOurselves(ffi, fd, place.path, self);
  } catch (fault) {
    ffi.call("close", fd);
    throw fault;
  }
  return dirOf(ffi, fd, place.path, self);
}

function removedAtOnce(path: string): never {
  throw new Failure("try-again", `Cannot open folder "${path}": somebody removed it at once`);
}

function dirOf(ffi: Ffi, fd: number, path: string, self: number): OpenDir {
  const at = (name: string): Place => ({ fd, name: component(name), path: `${path}/${name}` });

  const locked = (name: string, lock: (file: number, subject: string) => void) => {
    const place = at(name);
    const flags = O.rdwr | O.creat | fileFlags(ffi);
    for (;;) {
      const file = ffi.call("openat", fd, cString(name), flags, 0o600);
      succeed(file, tried("open lock", place, "openat"));
      const release = closing(ffi, file);
      try {
        lock(file, `"${place.path}"`);
        // Who had it before may have removed it: then it excludes nobody who comes later.
        if (statOf(ffi, file, place.path).links > 0) return release;
      } catch (fault) {
        release();
        throw fault;
      }
      release();
    }
  };

  return {
    fd,
    path,
    open: (name) => openOurs(ffi, at(name), self),
    make: (name) => {
      const place = at(name);
      makeFolder(ffi, place);
      return openOurs(ffi, place, self) ?? removedAtOnce(place.path);
    },
    read: (name) => readFileIn(ffi, at(name)),
    create: (name, text, lasting) =>
      createFile(ffi, at(name), text, lasting) ? "created" : "exists",
    replace: (name, text) => replaceFile(ffi, at(name), text),
    link: (from, to, name) => {
      const source = at(from);
      const target = folderOf(to);
      const linked = ffi.call("linkat", fd, cString(from), target, cString(component(name)), 0);
      if (failed(linked, "EEXIST")) return "exists";
      if (failed(linked, "ENOENT")) return "gone";
      const path = `${source.path}" to "${to.path}/${name}`;
      succeed(linked, tried("link", { ...source, path }, "linkat"));
      return "linked";
    },
    rename: (from, to, lasting) => {
      const source = at(from);
      const renamed = ffi.call("renameat2", fd, cString(from), fd, cString(component(to)), 0);
      const path = `${source.path}" to "${to}`;
      succeed(renamed, tried("rename", { ...source, path }, "renameat2"));
      if (lasting === "synced") sync(ffi, fd, { ...source, path });
    },
    remove: (name) => {
      const place = at(name);
      const removed = ffi.call("unlinkat", fd, cString(name), 0);
      if (failed(removed, "ENOENT")) return false;
      succeed(removed, tried("remove", place, "unlinkat"));
      return true;
    },
    removeDir: (name) => {
      const outcome = removeFolder(ffi, at(name));
      return outcome === "not-empty" && swept(ffi, at(name))
        ? removeFolder(ffi, at(name))
        : outcome;
    },
    list: () => {
      const names: string[] = [];
      for (const name of namesIn(ffi, fd, path)) if (!isTemporary(name)) names.push(name);
      return names;
    },
    lock: (name, mode, deadline) =>
      locked(name, (file, subject) => flock(ffi, file, mode, subject, deadline)),
    lockRange: (name, number, deadline) =>
      locked(name, (file, subject) => lockNumber(ffi, file, number, subject, deadline)),
    close: closing(ffi, fd),
  };
}

function removeFolder(ffi: Ffi, place: Place): "removed" | "not-empty" | "absent" {
  const removed = ffi.call("unlinkat", place.fd, cString(place.name), AT_REMOVEDIR);
  if (failed(removed, "ENOENT")) return "absent";
  if (failed(removed, "ENOTEMPTY", "EEXIST")) return "not-empty";
  succeed(removed, tried("remove folder", place, "unlinkat"));
  return "removed";
}

/** Removes the temporaries of killed writers from a folder that holds nothing else. */
function swept(ffi: Ffi, place: Place): boolean {
  const fd = openFolder(ffi, place);
  if (fd === undefined) return true;
  try {
    const names = namesIn(ffi, fd, place.path);
    if (!names.every(isTemporary)) return false;
    for (const name of names) ffi.call("unlinkat", fd, cString(name), 0);
    return true;
  } finally {
    ffi.call("close", fd);
  }
}

/** A name that is one path component, so that it can't lead out of the folder. */
function component(name: string): string {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0"))
    throw new Error(`"${name}" is not the name of one file`);
  return name;
}

function folderOf(dir: Dir): number {
  if ("fd" in dir && typeof dir.fd === "number") return dir.fd;
  throw new Error(`"${dir.path}" was not opened by this driver`);
}
