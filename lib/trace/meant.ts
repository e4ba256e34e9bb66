/** Whom a mistyped name may have meant: pure. See way.ts for the folder's note. */
import { nearest } from "../faults.ts";

/** How many are told. */
const most = 4;

/**
 * Those that begin so, or whose pod's name does; else containers that differ by a letter or two.
 * Nodes are called alike, host-a and host-b, and a name that is near is another's: so they must
 * begin so.
 */
export function meantBy(
  word: string,
  containers: readonly string[],
  nodes: readonly string[],
): readonly string[] {
  const typed = word.toLowerCase();
  const begins = (name: string) =>
    [name, podIn(name)].some((one) => one.toLowerCase().startsWith(typed));
  const begun = [...containers, ...nodes].filter((name) => typed !== "" && begins(name));
  const meant = begun.length > 0 ? begun : containers.filter((name) => isNear(word, name));
  return [...new Set(meant)].sort().slice(0, most);
}

const podIn = (name: string): string => name.slice(name.indexOf("/") + 1);

/** Namespace and pod each for itself: else a long namespace would make any short pod near. */
function isNear(word: string, name: string): boolean {
  if (!word.includes("/")) return isAlike(word, podIn(name));
  const [typed, parts] = [word.split("/"), name.split("/")];
  return typed.length === parts.length && typed.every((one, at) => isAlike(one, parts[at] ?? ""));
}

const isAlike = (word: string, name: string): boolean => nearest(word, [name]) !== undefined;
