/** What a command is told by its environment. See run.ts for the folder's note. */
import { Failure } from "../errors.ts";
import type { Faults } from "../faults.ts";
import { bytesOfText, isName } from "../text.ts";

/** The runtime's whole environment; delegates are given all of it (TRACEPARENT, for one). */
export type Env = Readonly<Record<string, string | undefined>>;

export const commands = ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"] as const;
export type Command = (typeof commands)[number];

interface Variable {
  readonly name: string;
  readonly neededFor: readonly Command[];
  /** What is wrong with its value, if anything is. */
  readonly fault?: (value: string) => string | undefined;
}

/**
 * CNI_PATH is not among them: nothing is looked up in it unless something must be delegated, and
 * delegate.ts says then that it is missing.
 */
const variables: readonly Variable[] = [
  { name: "CNI_CONTAINERID", neededFor: ["ADD", "CHECK", "DEL"], fault: identifierFault },
  { name: "CNI_NETNS", neededFor: ["ADD", "CHECK"] },
  { name: "CNI_IFNAME", neededFor: ["ADD", "CHECK", "DEL"], fault: ifnameFault },
];

/** CNI_COMMAND; undefined without one. Throws Failure "bad-environment" for one that is unknown. */
export function commandOf(env: Env): Command | undefined {
  const value = read(env, "CNI_COMMAND");
  if (value === undefined) return undefined;
  if (commands.includes(value as Command)) return value as Command;
  throw new Failure(
    "bad-environment",
    `Cannot run ${JSON.stringify(value)}: unknown CNI_COMMAND; known are ${commands.join(", ")}`,
  );
}

/**
 * Finds what is missing or malformed among the variables that the command needs. Others are not
 * looked at: libcni sets them to anything, on GC and STATUS to nothing.
 */
export function checkEnvironment(env: Env, command: Command, faults: Faults): void {
  const missing: string[] = [];
  for (const { name, neededFor, fault } of variables) {
    if (!neededFor.includes(command)) continue;
    const value = read(env, name);
    if (value === undefined) missing.push(name);
    const state = value === undefined ? undefined : fault?.(value);
    if (state !== undefined) faults.add(`${name} ${JSON.stringify(value)} ${state}`);
  }
  if (missing.length > 0) faults.add(`required env variables [${missing.join(",")}] missing`);
}

/** A variable; undefined when it is absent or empty, which the protocol takes for the same. */
export function read(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === "" ? undefined : value;
}

/** The folders of CNI_PATH. An empty one would mean the working directory: it is left out. */
export const foldersOf = (env: Env): readonly string[] =>
  (env.CNI_PATH ?? "").split(":").filter((folder) => folder !== "");

/** Whether CNI_NETNS may be the plugin's own namespace (libcni's tests need it). */
export const mayShareNetns = (env: Env): boolean => {
  const override = env.CNI_NETNS_OVERRIDE ?? "";
  return override === "1" || override.toUpperCase() === "TRUE";
};

/** What CNI_CONTAINERID and the configuration's `name` must be alike. */
export function identifierFault(value: string): string | undefined {
  if (value === "" || isName(value)) return undefined;
  return "must begin with a letter or digit, and hold only letters, digits, '_', '.' and '-'";
}

/** IFNAMSIZ less the NUL (linux/if.h). */
const longestIfname = 15;
/** White space as Go's unicode.IsSpace has it: U+0085 is some, U+FEFF isn't. */
const notInIfname =
  "/:\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009" +
  "\u200a\u2028\u2029\u202f\u205f\u3000";

function ifnameFault(value: string): string | undefined {
  if (value.includes("%")) return "must not hold '%': the kernel takes it for a pattern";
  if (value === "." || value === "..") return "must not be '.' or '..'";
  for (const char of value) {
    if (notInIfname.includes(char)) return "must not hold '/', ':' or white space";
  }
  const bytes = bytesOfText(value).length;
  return bytes > longestIfname
    ? `must have at most ${longestIfname} bytes, not ${bytes}`
    : undefined;
}
