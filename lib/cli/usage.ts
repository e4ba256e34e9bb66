/** What is wrong with a command line, in our words: pure. */
import { nearest } from "../faults.ts";

/** What can be typed. */
export interface Words {
  /** By a command, those under it, aliases included. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
  /** Without their dashes. */
  readonly options: readonly string[];
}

/** yargs's complaint about `args`, with what was meant where that can be told. */
export function explain(complaint: string, args: readonly string[], words: Words): string {
  const [, unknown] = /^Unknown (?:argument|command)s?: (.*)$/.exec(complaint) ?? [];
  if (unknown !== undefined) {
    // yargs names an option in camel case too, and a command's arguments after it.
    const names = unknown.split(", ").map((name) => typed(name, args));
    const first = names.find((name) => name !== undefined);
    const options = names.filter((name) => name?.startsWith("-"));
    const told = options.length > 0 ? options : [first];
    return told.map((name) => explainUnknown(name ?? unknown, args, words)).join("; ");
  }
  const choice = /Argument: (\S+), Given: (.*), Choices: (.*)/.exec(complaint);
  if (choice !== null) return `--${choice[1]} must be one of ${choice[3]}, not ${choice[2]}`;
  const [, valueless] = /^Not enough arguments following: (\S+)$/.exec(complaint) ?? [];
  if (valueless !== undefined) return `${dashed(valueless)} needs a value`;
  if (complaint.startsWith("Not enough non-option arguments")) return "an argument is missing";
  return complaint.charAt(0).toLowerCase() + complaint.slice(1);
}

/** The command as far as it was typed rightly, for its help. */
export const commandIn = (args: readonly string[], words: Words): string =>
  ["socketplane", ...pathIn(args, words)].join(" ");

/** "network", "list"; less where words are missing or wrong. */
function pathIn(args: readonly string[], { commands }: Words): readonly string[] {
  const first = args.findIndex((word) => Object.hasOwn(commands, word));
  const group = args[first];
  if (group === undefined) return [];
  const second = args.slice(first + 1).find((word) => commands[group]?.includes(word));
  return second === undefined ? [group] : [group, second];
}

function explainUnknown(name: string, args: readonly string[], words: Words): string {
  if (name.startsWith("-")) {
    const option = nearest(name, words.options.map(dashed));
    return `there is no option "${name}"${didYouMean(option)}`;
  }
  const [group, command] = pathIn(args.slice(0, args.indexOf(name)), words);
  if (command !== undefined) return `"${name}" is one argument too many`;
  const { commands } = words;
  const under = Object.keys(commands).find((one) => commands[one]?.includes(name));
  const candidates = group === undefined ? Object.keys(commands) : (commands[group] ?? []);
  const meant = group === undefined && under ? `${under} ${name}` : nearest(name, candidates);
  return `there is no command "${name}"${didYouMean(meant)}`;
}

const didYouMean = (meant: string | undefined): string =>
  meant === undefined ? "" : `: did you mean "${meant}"?`;

/** As it stands on the command line; undefined if it doesn't. */
function typed(name: string, args: readonly string[]): string | undefined {
  return [name, dashed(name)].find((one) =>
    args.some((arg) => arg === one || arg.startsWith(`${one}=`)),
  );
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);
