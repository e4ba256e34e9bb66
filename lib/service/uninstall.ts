/** Takes back what install wrote, and nothing else. See services.ts for the folder's note. */
import type { Dir } from "../dir.ts";
import { stayInside } from "./inside.ts";
import {
  folderOf,
  type Installing,
  isUnchanged,
  lockFile,
  readRecord,
  type Told,
  withRecord,
} from "./install.ts";
import { formatInstalled, type Installed, recordFile, recordFolder } from "./installed.ts";

/** What was written by install; undefined for nothing. */
export const installedHere = (installing: Installing): Installed | undefined =>
  withRecord(installing, readRecord);

/** Gives what became of each; nothing where install has written nothing. */
export function uninstall(installing: Installing): readonly Told[] {
  const told = withRecord(installing, (dir) => {
    const record = readRecord(dir);
    const taken = record === undefined ? [] : takeBack(installing, dir, record);
    // As long as it is ours: from then on it may be another's.
    dir.remove(lockFile);
    return taken;
  });
  installing.tree.remove(installing.root + recordFolder);
  return told;
}

function takeBack({ tree, root }: Installing, dir: Dir, record: Installed): readonly Told[] {
  stayInside("uninstall", tree, root, [...record.files.map(({ path }) => path), ...record.folders]);
  // Whoever is killed here is ended by the next uninstall, or install.
  dir.replace(recordFile, formatInstalled({ ...record, isComplete: false }));
  const files = record.files.map((file): Told => {
    const path = root + file.path;
    if (tree.look(path) === undefined) return { path: file.path, state: "was gone" };
    if (!isUnchanged(tree, root, file)) return { path: file.path, state: "left: it was changed" };
    tree.remove(path);
    return { path: file.path, state: "removed" };
  });
  for (const { path } of record.files) tree.sweep(folderOf(root + path));
  // Inner ones first; one that holds something is no longer install's alone.
  const folders = record.folders.toReversed().map((folder): Told => {
    const isRemoved = tree.remove(root + folder);
    return { path: folder, state: isRemoved ? "removed" : "left: it is not empty" };
  });
  dir.remove(recordFile);
  return [...files, ...folders];
}
