/**
 * A folder that is ours alone, as the short-lived commands use it: every name is one path
 * component, so a symlink planted anywhere below is refused rather than followed.
 *
 * Only the interface: the driver is in lib/sys, the users are in lib/store and lib/ipam.
 */
import type { Deadline } from "./deadline.ts";
import { Failure } from "./errors.ts";

export type LockMode = "shared" | "exclusive";

export interface Dir {
  /** The path it was opened by, for messages. */
  readonly path: string;
  /** Opens a folder in it; undefined if there is none. */
  readonly open: (name: string) => Dir | undefined;
  /** Opens a folder in it, made with mode 0700 if there is none. */
  readonly make: (name: string) => Dir;
  /** The text of a file in it; undefined if there is none. */
  readonly read: (name: string) => string | undefined;
  /**
   * Writes a file that must not be there yet (0600): "exists" if it is. "synced": what is in it
   * lasts through a power cut (fsync(2) of the file).
   */
  readonly create: (name: string, text: string, lasting?: "synced") => "created" | "exists";
  /** Writes a file whole or not at all: a temporary name, then rename(2). */
  readonly replace: (name: string, text: string) => void;
  /** link(2) of the file `from` here to `name` in `to`: "gone" if either folder was removed. */
  readonly link: (from: string, to: Dir, name: string) => "linked" | "exists" | "gone";
  /** Over a file of that name, if there is one. "synced": fsync(2) of the folder. */
  readonly rename: (from: string, to: string, lasting?: "synced") => void;
  /** unlink(2): false if it was not there. */
  readonly remove: (name: string) => boolean;
  /** rmdir(2) of a folder in it. */
  readonly removeDir: (name: string) => "removed" | "not-empty" | "absent";
  /** The names in it, without "." and "..", in no order. Empty when the folder was removed. */
  readonly list: () => readonly string[];
  /**
   * flock(2) on a file in it (made if absent), released by the returned function or by death. Only
   * who has it may remove that file.
   */
  readonly lock: (name: string, mode: LockMode, deadline: Deadline) => () => void;
  /**
   * An exclusive lock on one 63-bit number in a file: as flock, but without a file for each
   * (open file description locks, fcntl(2) F_OFD_SETLK).
   */
  readonly lockRange: (name: string, at: bigint, deadline: Deadline) => () => void;
  readonly close: () => void;
}

/** A folder that is not there, for who only looks: it is empty, and takes nothing. */
export function absentDir(path: string): Dir {
  const refuse = (): never => {
    throw new Failure("io", `Cannot write in folder "${path}": it is not there`);
  };
  return {
    path,
    open: () => undefined,
    make: refuse,
    read: () => undefined,
    create: refuse,
    replace: refuse,
    link: refuse,
    rename: refuse,
    remove: () => false,
    removeDir: () => "absent",
    list: () => [],
    lock: refuse,
    lockRange: refuse,
    close: () => {},
  };
}
