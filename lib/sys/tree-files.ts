/**
 * The driver of Tree (tree.ts).
 *
 * Sources: rename(2), link(2), proc(5) "/proc/self/exe": it opens what we run, also where a new
 * executable has taken its name meanwhile.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Failure, reasonOf } from "../errors.ts";
import type { Content, Found, Tree } from "./tree.ts";

const self = "/proc/self/exe";
const temporaries = ".socketplane-new-";

export function openTree(): Tree {
  const known = new Map<string, string>();
  /** An executable is long, and has several names. */
  const hashOf = (path: string): string => {
    const { dev, ino, size, mtimeMs } = statSync(path);
    const file = `${dev}:${ino}:${size}:${mtimeMs}`;
    const hash = known.get(file) ?? hashOfFile(path);
    known.set(file, hash);
    return hash;
  };
  return {
    look: (path) => tried("look at", path, () => look(path, hashOf)),
    resolve: (path) => tried("follow", path, () => resolve(path)),
    hashOf: (text) => createHash("sha256").update(text).digest("hex"),
    ownHash: () => hashOf(self),
    makeFolder: (path, mode) => tried("create folder", path, () => void mkdirSync(path, { mode })),
    write: (path, content) => tried("write", path, () => write(path, content)),
    remove: (path) => tried("remove", path, () => remove(path)),
    sweep: (folder) => tried("clean up", folder, () => sweep(folder)),
  };
}

function tried<T>(action: string, path: string, deed: () => T): T {
  try {
    return deed();
  } catch (fault) {
    throw new Failure("io", `Cannot ${action} "${path}": ${reasonOf(fault)}`, { cause: fault });
  }
}

function look(path: string, hashOf: (path: string) => string): Found | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isFile()) return { kind: "file", hash: hashOf(path) };
  if (stat.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
  return { kind: stat.isDirectory() ? "folder" : "other" };
}

/** realpath(3) has no way to say it without an error. */
const resolve = (path: string): string | undefined =>
  statSync(path, { throwIfNoEntry: false }) && realpathSync(path);

function hashOfFile(path: string): string {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1 << 20);
  const file = openSync(path, "r");
  try {
    for (;;) {
      const length = readSync(file, buffer);
      if (length === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

function write(path: string, content: Content): void {
  const temporary = join(dirname(path), `${temporaries}${process.pid}`);
  rmSync(temporary, { force: true });
  try {
    make(temporary, content);
    renameSync(temporary, path);
  } finally {
    // rename(2) does nothing where both are names of one file.
    rmSync(temporary, { force: true });
  }
}

function make(path: string, content: Content): void {
  switch (content.kind) {
    case "name":
      linkSync(content.of, path);
      break;
    case "link":
      symlinkSync(content.target, path);
      break;
    case "text":
      writeFileSync(path, content.text, { flag: "wx" });
      settle(path, content.mode);
      break;
    case "executable":
      copyFileSync(self, path);
      settle(path, 0o755);
  }
}

/** Whatever the umask, and on the disk before it has its name. */
function settle(path: string, mode: number): void {
  chmodSync(path, mode);
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function remove(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (!stat.isDirectory()) {
    unlinkSync(path);
    return true;
  }
  if (readdirSync(path).length > 0) return false;
  rmdirSync(path);
  return true;
}

function sweep(folder: string): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory()) return;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(temporaries)) rmSync(join(folder, name), { force: true });
  }
}
