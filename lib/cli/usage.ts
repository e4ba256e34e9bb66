/** What is wrong with a command line, in our words: pure. See main.ts for the folder's note. */
import { nearest } from "../faults.ts";
import { type Command, type Entry, isGroup, type Leaf, leavesOf } from "./command.ts";
import { dashed, type Found, optionsIn, optionsOf } from "./find.ts";
import { otherWords } from "./other-words.ts";

/** Why there is no command in what was found. */
export function explainNoCommand(found: Found, entries: readonly Entry[]): string {
  const { entry, path, unknown, rest } = found;
  const option = optionsIn(rest).find((word) => !isKnown(word, entry));
  if (unknown !== undefined) return explainWord(unknown, entry, entries);
  if (option !== undefined) return explainOption(option, entry);
  if (entry === undefined || !isGroup(entry)) return "give a command";
  return `give a command of ${path.join(" ")}: ${listed(entry.commands.map(({ name }) => name))}`;
}

/** yargs's complaint about `rest`, with what was meant where that can be told. */
export function explain(complaint: string, rest: readonly string[], command: Command): string {
  const [, unknown] = /^Unknown arguments?: (.*)$/.exec(complaint) ?? [];
  if (unknown !== undefined) {
    // yargs names an option in camel case too.
    const options = unknown
      .split(", ")
      .map(dashed)
      .filter((option) => isIn(rest, option));
    return [...new Set(options)].map((option) => explainOption(option, command)).join("; ");
  }
  const [, valueless] = /^Not enough arguments following: (\S+)$/.exec(complaint) ?? [];
  if (valueless !== undefined) return `${dashed(valueless)} needs a value`;
  return complaint;
}

function explainWord(word: string, entry: Entry | undefined, entries: readonly Entry[]): string {
  const told = `there is no command "${word}"`;
  if (entry !== undefined)
    return told + didYouMean(meantIn(isGroup(entry) ? entry.commands : [], word));
  const exact = under(entries, ({ command }) => names([command]).includes(word));
  const first = [...alike(entries, word), ...exact];
  if (first.length > 0) return told + didYouMean(first);
  const near = meantIn(entries, word);
  if (near.length > 0) return told + didYouMean(near);
  return told + didYouMean(under(entries, ({ command }) => alike([command], word).length > 0));
}

/** "network list": those in groups. */
const under = (entries: readonly Entry[], isMeant: (leaf: Leaf) => boolean): readonly string[] =>
  entries
    .filter(isGroup)
    .flatMap((group) => leavesOf(group))
    .filter(isMeant)
    .map(({ path }) => path.join(" "));

const meantIn = (scope: readonly Entry[], word: string): readonly string[] => {
  const others = alike(scope, word);
  const near = nearest(word, names(scope));
  return others.length > 0 || near === undefined ? others : [near];
};

/** Those that are called by another word for the same. */
const alike = (scope: readonly Entry[], word: string): readonly string[] =>
  called(scope, otherWords.filter((words) => words.includes(word)).flat());

const called = (scope: readonly Entry[], words: readonly string[]): readonly string[] =>
  scope.filter((one) => names([one]).some((name) => words.includes(name))).map(({ name }) => name);

function explainOption(word: string, entry: Entry | undefined): string {
  const name = word.replace(/=.*/, "");
  const option = nearest(name, Object.keys(optionsOf(entry)).map(dashed));
  return `there is no option "${name}"${didYouMean(option === undefined ? [] : [option])}`;
}

function isKnown(word: string, entry: Entry | undefined): boolean {
  const name = word.replace(/=.*/, "");
  return Object.entries(optionsOf(entry)).some(
    ([key, { alias }]) => dashed(key) === name || (alias !== undefined && dashed(alias) === name),
  );
}

const names = (entries: readonly Entry[]): readonly string[] =>
  entries.flatMap((one) => (isGroup(one) ? [one.name] : [one.name, ...one.aliases]));

/** Of many, a few are told. */
function didYouMean(meant: readonly string[]): string {
  if (meant.length === 0) return "";
  return `: did you mean ${listed(meant.slice(0, 4).map((one) => `"${one}"`))}?`;
}

/** "create, list or show" */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

const isIn = (rest: readonly string[], option: string): boolean =>
  option.length === 2 || rest.some((word) => word === option || word.startsWith(`${option}=`));
