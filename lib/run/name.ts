/** The names of runs: pure. See supervise.ts for the folder's note. */

/** A name's place is a file's, and a container id's; a dot in it would be a log's. */
const pattern = /^[a-zA-Z0-9][a-zA-Z0-9_-]*$/;
const longest = 63;
/** Leaves room for a number. */
const longestStem = 32;

/** What is wrong with a name that was asked for; undefined if nothing is. */
export function nameFault(name: string): string | undefined {
  if (name.length > longest) return `it has more than ${longest} characters`;
  if (pattern.test(name)) return undefined;
  return "it must begin with a letter or digit, and hold only letters, digits, '_' and '-'";
}

/** "nginx" of /usr/sbin/nginx, to which a number comes. */
export function stemOf(command: string): string {
  const base = command.slice(command.lastIndexOf("/") + 1);
  const plain = base.replace(/[^a-zA-Z0-9_-]+/g, "-").replace(/^[_-]+/, "");
  return plain.slice(0, longestStem).replace(/-+$/, "") || "run";
}
