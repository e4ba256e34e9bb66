/** A folder for a file store of a test's own, and stores opened on it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFfi } from "#ffi";
import type { Dir } from "../../../lib/dir.ts";
import type { Log } from "../../../lib/log.ts";
import { type FileStoreOptions, openFileStore } from "../../../lib/store/file.ts";
import type { Store } from "../../../lib/store/store.ts";
import { makeDir } from "../../../lib/sys/dir.ts";

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const openFolder = (path: string): Dir => makeDir(openFfi(), path);

/** A store on a folder, as one process has it. */
export const openAt = (path: string, limits?: FileStoreOptions["limits"]): Store =>
  openFileStore({
    dir: openFolder(path),
    log: silent,
    newIdentity: () => crypto.randomUUID(),
    ...(limits === undefined ? {} : { limits }),
  });

export interface Folder {
  readonly path: string;
  readonly remove: () => void;
}

export function makeTestFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "sp-store-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
