/** Finds what a command line means: pure. See main.ts for the folder's note. */
import { type Command, type Entry, isGroup, leavesOf, type Option } from "./command.ts";
import { globalOptions } from "./global-options.ts";

/** Where a command line leads to. */
export interface Found {
  /** The words that were understood, in full: "network", "list" also for `network ls`. */
  readonly path: readonly string[];
  /** What they mean; undefined where there are none. */
  readonly entry: Entry | undefined;
  /** A word in their place, or after a group's, that means nothing. */
  readonly unknown: string | undefined;
  /** Options, and a command's arguments. Where those are another program's, "--" is before them. */
  readonly rest: readonly string[];
}

/** Options may stand before words, between and after. */
export function find(args: readonly string[], entries: readonly Entry[]): Found {
  const path: string[] = [];
  const rest: string[] = [];
  let entry: Entry | undefined;
  const left = [...args];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (isOption(word)) {
      rest.push(word);
      if (takesValue(word, optionsOf(entry)) && left.length > 0) rest.push(...left.splice(0, 1));
      continue;
    }
    const next = named(word, entry === undefined ? entries : commandsOf(entry));
    if (next === undefined) return { path, entry, unknown: word, rest: [...rest, ...left] };
    path.push(next.name);
    entry = next;
    if (!isGroup(next)) {
      rest.push(...withEnd(next, left));
      break;
    }
  }
  return { path, entry, unknown: undefined, rest };
}

/** The options before "--": what is after it is no option of ours. */
export function optionsIn(rest: readonly string[]): readonly string[] {
  const end = rest.indexOf("--");
  return (end < 0 ? rest : rest.slice(0, end)).filter(isOption);
}

/** Of a group, those of all its commands: what comes may be one of them. */
export function optionsOf(entry: Entry | undefined): Readonly<Record<string, Option>> {
  const own = entry === undefined ? [] : leavesOf(entry);
  return Object.assign({}, globalOptions, ...own.map(({ command }) => command.options));
}

/** As it is typed: ipRange is --ip-range. */
export const dashed = (name: string): string =>
  name.length === 1
    ? `-${name}`
    : `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const commandsOf = (entry: Entry): readonly Entry[] => (isGroup(entry) ? entry.commands : []);

const named = <T extends Entry>(word: string, among: readonly T[]): T | undefined =>
  among.find((one) => one.name === word || (!isGroup(one) && one.aliases.includes(word)));

/** A lone "-" is an argument: by custom, standard input. */
const isOption = (word: string): boolean => word.startsWith("-") && word !== "-";

/** Whether the next word is this option's value. */
export function takesValue(word: string, options: Readonly<Record<string, Option>>): boolean {
  if (word.startsWith("--")) {
    const name = Object.keys(options).find((one) => dashed(one) === word);
    return name !== undefined && options[name]?.type !== "flag";
  }
  // Of -itn, the last letter's.
  const option = Object.values(options).find(({ alias }) => alias === word.slice(-1));
  return option !== undefined && option.type !== "flag";
}

/** Another program's options are not ours, from its name on. */
function withEnd(command: Command, args: readonly string[]): readonly string[] {
  const options = optionsOf(command);
  const before = Object.values(command.arguments).findIndex(({ rest }) => rest === true);
  const left = [...args];
  const read: string[] = [];
  let seen = 0;
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === "--") return [...read, word, ...left];
    if (isOption(word)) {
      const words = apart(word, options);
      const value = words.length === 1 && takesValue(word, options) ? left.splice(0, 1) : [];
      read.push(...words, ...value);
    } else if (seen === before) return [...read, "--", word, ...left];
    else {
      seen += 1;
      read.push(word);
    }
  }
  return read;
}

/** An option of one letter and its value, where they are in one word: -nweb and -itnweb are -n web. */
function apart(word: string, options: Readonly<Record<string, Option>>): readonly string[] {
  if (word.startsWith("--")) return [word];
  const letters = [...word.slice(1)];
  const all = Object.values(options);
  const typeOf = (letter: string) => all.find(({ alias }) => alias === letter)?.type;
  const end = 2 + letters.findIndex((letter) => typeOf(letter) !== "flag");
  const takes = typeOf(word.slice(end - 1, end));
  const value = word.slice(end);
  if (end < 2 || takes === undefined || value === "" || value.startsWith("=")) return [word];
  return [word.slice(0, end), value];
}
