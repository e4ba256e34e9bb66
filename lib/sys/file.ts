/**
 * Files in a folder of ours: made with mode 0600 whatever the umask, never through a symlink.
 *
 * Sources: openat(2), fchmod(2), fsync(2), renameat2(2).
 */
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { type Place, tried } from "./folder.ts";
import { cString, O, readText, writeText } from "./io.ts";

/** How often a file is written again whose temporary name was swept away meanwhile. */
const replaceTries = 5;

const temporaries = ".new-";

/** The name of a file that is being written, or was when its writer was killed. */
export const isTemporary = (name: string): boolean => name.startsWith(temporaries);

/** A pipe planted in the place of a file must not hold us up: O_NONBLOCK. */
export const fileFlags = (ffi: Ffi): number => O.cloexec | O.nonblock | ffi.abi.noFollow;

export function readFileIn(ffi: Ffi, place: Place): string | undefined {
  const fd = ffi.call("openat", place.fd, cString(place.name), O.rdonly | fileFlags(ffi));
  if (failed(fd, "ENOENT")) return undefined;
  succeed(fd, tried("open", place, "openat"));
  try {
    return readText(ffi, fd, `"${place.path}"`);
  } finally {
    ffi.call("close", fd);
  }
}

/**
 * Writes a new file; false if the name is taken. What can't be written whole is removed again.
 * "synced": what is in it lasts through a power cut.
 */
export function createFile(ffi: Ffi, place: Place, text: string, lasting?: "synced"): boolean {
  const name = cString(place.name);
  const flags = O.wronly | O.creat | O.excl | fileFlags(ffi);
  const fd = ffi.call("openat", place.fd, name, flags, 0o600);
  if (failed(fd, "EEXIST")) return false;
  succeed(fd, tried("create", place, "openat"));
  try {
    // The umask may have taken bits away.
    succeed(ffi.call("fchmod", fd, 0o600), tried("create", place, "fchmod"));
    writeText(ffi, fd, text, `"${place.path}"`);
    if (lasting === "synced") sync(ffi, fd, place);
  } catch (fault) {
    ffi.call("unlinkat", place.fd, name, 0);
    throw fault;
  } finally {
    ffi.call("close", fd);
  }
  return true;
}

/** Waits until a file, or the names in a folder, are on the disk. */
export function sync(ffi: Ffi, fd: number, place: Place): void {
  succeed(ffi.call("fsync", fd), tried("write", place, "fsync"));
}

/** Writes a file whole or not at all, over one of that name if there is one. */
export function replaceFile(ffi: Ffi, place: Place, text: string): void {
  const { fd } = place;
  for (let tries = 1; ; tries += 1) {
    const temporary = cString(createTemporary(ffi, place, text));
    const renamed = ffi.call("renameat2", fd, temporary, fd, cString(place.name), 0);
    if (renamed === 0) return;
    ffi.call("unlinkat", fd, temporary, 0);
    // Somebody tried to remove the folder, and swept it (see Dir.removeDir).
    if (failed(renamed, "ENOENT") && tries < replaceTries) continue;
    succeed(renamed, tried("write", place, "renameat2"));
  }
}

/** Under the first name that is free: those of killed writers stay until their folder goes. */
function createTemporary(ffi: Ffi, place: Place, text: string): string {
  for (let number = 0; ; number += 1) {
    const name = `${temporaries}${process.pid}-${number}`;
    if (createFile(ffi, { ...place, name }, text)) return name;
  }
}
