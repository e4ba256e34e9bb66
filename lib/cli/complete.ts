/** What a word that is being typed may become: pure. See main.ts for the folder's note. */
import { type Argument, type Completed, type Entry, isGroup, type Option } from "./command.ts";
import { dashed, type Found, find, optionsOf, takesValue } from "./find.ts";
import { globalOptions } from "./global-options.ts";

export interface Candidate {
  readonly word: string;
  readonly describe: string;
}

/** The shell knows files and programs better. */
export type Completion = readonly Candidate[] | "files" | "commands";

export type Named = Exclude<Completed, "file">;

/** Gives the names that there are now. */
export type Names = (what: Named) => Promise<readonly string[]>;

/** What the last of `words` may become; it may be empty. */
export async function complete(
  words: readonly string[],
  entries: readonly Entry[],
  names: Names,
): Promise<Completion> {
  // Bash makes three words of --output=json.
  const typed = words.slice(0, -1).filter((word) => word !== "=");
  const current = words.at(-1)?.replace(/^=$/, "") ?? "";
  const found = find(typed, entries);
  if (found.unknown !== undefined) return [];
  const completion = await choices(found, current, entries, names);
  if (typeof completion === "string") return completion;
  return completion.filter(({ word }) => word.startsWith(current));
}

async function choices(
  { entry, rest }: Found,
  current: string,
  entries: readonly Entry[],
  names: Names,
): Promise<Completion> {
  const options = optionsOf(entry);
  const place = placeAfter(rest, options);
  if (place.option !== undefined) return valuesOf(place.option, names);
  if (!place.ended && current.startsWith("-")) {
    const [, name] = /^(--[^=]+)=/.exec(current) ?? [];
    if (name !== undefined) return valuesWith(name, options, names);
    return optionsLeft(entry === undefined || isGroup(entry) ? globalOptions : options, rest);
  }
  if (entry === undefined) return entries.map(described);
  if (isGroup(entry)) return entry.commands.map(described);
  const argument = argumentAt(Object.values(entry.arguments), place.words);
  if (argument === undefined) return [];
  // Of another program's command line, only its name is known of.
  if (argument.one.rest === true) return argument.isFirst ? "commands" : "files";
  return valuesOf(argument.one, names);
}

/** "--output=json" */
async function valuesWith(
  name: string,
  options: Readonly<Record<string, Option>>,
  names: Names,
): Promise<Completion> {
  const values = await valuesOf(optionNamed(name, options), names);
  if (typeof values === "string") return values;
  return values.map((one) => ({ ...one, word: `${name}=${one.word}` }));
}

interface Place {
  /** Whose value is to come. */
  readonly option: Option | undefined;
  /** How many arguments there are. */
  readonly words: number;
  /** What comes is no option of ours. */
  readonly ended: boolean;
}

function placeAfter(rest: readonly string[], options: Readonly<Record<string, Option>>): Place {
  let words = 0;
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? "";
    if (word === "--") {
      return { option: undefined, words: words + rest.length - at - 1, ended: true };
    }
    if (!word.startsWith("-") || word === "-") words += 1;
    else if (takesValue(word, options)) {
      at += 1;
      if (at === rest.length) return { option: optionNamed(word, options), words, ended: false };
    }
  }
  return { option: undefined, words, ended: false };
}

const optionNamed = (word: string, options: Readonly<Record<string, Option>>) =>
  Object.entries(options).find(
    ([name, { alias }]) =>
      dashed(name) === word || (!word.startsWith("--") && alias === word.slice(-1)),
  )?.[1];

async function valuesOf(of: Option | Argument | undefined, names: Names): Promise<Completion> {
  if (of === undefined) return [];
  if ("oneOf" in of && of.oneOf !== undefined) return of.oneOf.map(plain);
  if (of.completes === "file") return "files";
  return of.completes === undefined ? [] : (await names(of.completes)).map(plain);
}

const optionsLeft = (
  options: Readonly<Record<string, Option>>,
  given: readonly string[],
): readonly Candidate[] =>
  Object.entries(options)
    .map(([name, { type, describe }]) => ({ word: dashed(name), describe, type }))
    .filter(({ word, type }) => type === "list" || !given.includes(word))
    .map(({ word, describe }) => ({ word, describe }));

function argumentAt(all: readonly Argument[], index: number) {
  const one = all[Math.min(index, all.length - 1)];
  const takesMore = one?.rest === true || one?.many === true;
  if (one === undefined || (index >= all.length && !takesMore)) return undefined;
  return { one, isFirst: index < all.length };
}

const described = ({ name, describe }: Entry): Candidate => ({ word: name, describe });
const plain = (word: string): Candidate => ({ word, describe: "" });

/** For the shells' scripts: a line for each candidate, or a word for what the shell knows better. */
export const formatCompletion = (completion: Completion): string =>
  typeof completion === "string"
    ? `:${completion}\n`
    : completion.map(({ word, describe }) => `${word}\t${describe}\n`).join("");
