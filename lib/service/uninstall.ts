/** Takes back what install wrote, and nothing else. See services.ts for the folder's note. */
import {
  folderOf,
  type Installing,
  isUnchanged,
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
  const { tree, root } = installing;
  const told = withRecord(installing, (dir): readonly Told[] => {
    const record = readRecord(dir);
    if (record === undefined) return [];
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
  });
  tree.remove(`${root}${recordFolder}/install.lock`);
  tree.remove(root + recordFolder);
  return told;
}
