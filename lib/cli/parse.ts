/** Reads a command's options and arguments, by its definition. See main.ts for the folder's note. */
import yargs from "yargs";
import { collectFaults, type Faults } from "../faults.ts";
import type { Argument, Command, Option, Values } from "./command.ts";
import { dashed } from "./find.ts";
import { globalOptions } from "./global-options.ts";

type Read = Values<Command["arguments"], Command["options"]>;

/** `complain` makes an error of what yargs says, or of what is said here. */
export async function parse(
  command: Command,
  rest: readonly string[],
  complain: (complaint: string) => Error,
): Promise<Read> {
  const parser = yargs([])
    .locale("en")
    .help(false)
    .version(false)
    .exitProcess(false)
    .parserConfiguration({
      "boolean-negation": false,
      "dot-notation": false,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
    })
    .strictOptions()
    .fail((complaint, error) => {
      // What yargs itself throws comes with a complaint.
      throw complaint ? complain(complaint) : error;
    });
  const options: Readonly<Record<string, Option>> = { ...globalOptions, ...command.options };
  for (const [name, option] of Object.entries(options)) {
    parser.option(dashed(name).slice(2), settingsOf(option));
  }
  const { _: words, ...said } = await parser.parseAsync([...rest]);
  const given = Object.entries(options).map(([name, { type }]) => {
    const value = said[name];
    // What is given again counts.
    return [name, type !== "list" && Array.isArray(value) ? value.at(-1) : value] as const;
  });
  const faults = collectFaults();
  const named = takeWords(command.arguments, words.map(String), faults);
  const read = { ...Object.fromEntries(given), ...named } as Read;
  for (const fault of [...choicesIn(options, given), ...command.faultsIn(read)]) faults.add(fault);
  if (faults.any()) throw complain(faults.list().join("; "));
  return read;
}

/** yargs's own "choices" would tell of these, and of nothing else with them. */
const choicesIn = (
  options: Readonly<Record<string, Option>>,
  given: readonly (readonly [name: string, value: unknown])[],
): readonly string[] =>
  given.flatMap(([name, value]) => {
    const { oneOf } = options[name] ?? {};
    if (oneOf === undefined || value === undefined || oneOf.includes(String(value))) return [];
    const known = oneOf.map((one) => `"${one}"`).join(", ");
    return [`${dashed(name)} must be one of ${known}, not "${value}"`];
  });

const settingsOf = ({ type, alias }: Option) => ({
  type: type === "flag" ? ("boolean" as const) : ("string" as const),
  ...(alias !== undefined && { alias }),
  ...(type !== "flag" && { requiresArg: true }),
  ...(type === "flag" && { default: false }),
  ...(type === "list" && { array: true, default: [] }),
});

/** Gives each argument its word, or words. */
function takeWords(
  all: Readonly<Record<string, Argument>>,
  words: readonly string[],
  faults: Pick<Faults, "add">,
): Readonly<Record<string, string | readonly string[] | undefined>> {
  const left = [...words];
  const missing: string[] = [];
  const taken = Object.entries(all).map(([name, { rest, many, optional }]) => {
    if (left.length === 0 && optional !== true) missing.push(`<${name}>`);
    return [name, rest === true || many === true ? left.splice(0) : left.shift()] as const;
  });
  if (left.length > 0) faults.add(`"${left[0]}" is one argument too many`);
  if (missing.length > 0) {
    faults.add(`${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing`);
  }
  return Object.fromEntries(taken);
}
