/**
 * Keeps what is written for an image within the image. See services.ts for the folder's note.
 *
 * An absolute link in an image is meant for who will run it; here it leads to this machine's files.
 */
import { Failure } from "../errors.ts";
import type { Tree } from "../sys/tree.ts";

/** Why nothing may be written or removed at `root + path`; undefined where it may. */
export function outsideOf(tree: Tree, root: string, path: string): string | undefined {
  if (root === "") return undefined;
  let folder = parentOf(path);
  while (folder !== "" && tree.look(root + folder) === undefined) folder = parentOf(folder);
  // All of it is yet to be made, root too maybe.
  if (folder === "") return undefined;
  const found = tree.resolve(root + folder);
  const own = tree.resolve(root);
  if (found === undefined) return `${folder} is a link that leads nowhere`;
  return found === own || found.startsWith(`${own}/`)
    ? undefined
    : `${folder} leads out of ${root}, to ${found}`;
}

/** Throws Failure "io" that names all of these paths that lead out of root. */
export function stayInside(
  action: string,
  tree: Tree,
  root: string,
  paths: readonly string[],
): void {
  const faults = paths.flatMap((path) => {
    const why = outsideOf(tree, root, path);
    return why === undefined ? [] : [`${path} is not to be reached: ${why}`];
  });
  if (faults.length === 0) return;
  throw new Failure("io", `Cannot ${action}: ${faults[0]}`, {
    details: [...faults.slice(1), "Put a folder, or a link that stays inside, there."].join("\n"),
  });
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
