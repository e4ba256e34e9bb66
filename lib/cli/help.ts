/** Help, of everything or of one command: pure. See main.ts for the folder's note. */
import {
  type Argument,
  type Command,
  type Entry,
  type Example,
  type Group,
  isGroup,
  type Option,
} from "./command.ts";
import { dashed, type Found } from "./find.ts";
import { commonOptionsOf, globalOptions } from "./global-options.ts";
import { sections } from "./groups.ts";

type Row = readonly [left: string, right: string];

export const exitStatus =
  "0 when it is done, 1 when it failed, 2 when it was called wrongly. `run` and `exec` end with the status of the command that they ran, and `doctor` with 0, 1 or 2 for well, warnings or broken.";

const ending = "Called with CNI_COMMAND in its environment, it is a CNI plugin instead.";

export const topExamples: readonly Example[] = [
  ["socketplane cluster init", "Make this machine the first of a cluster"],
  ["socketplane network create web 10.2.0.0/16", "Create a network"],
  ["socketplane run -n web -- ping -c 1 10.2.0.1", "Run a command on it"],
  ["socketplane info", "See what is attached on this machine"],
  ["socketplane network list -o json", "Show all, for programs"],
];

/** Help of what was found, wrapped to `width` columns. */
export function helpOf({ path, entry }: Found, width: number): string {
  if (entry === undefined) {
    const status = wrapped(`Exit status: ${exitStatus}\n${ending}`, width);
    return blocks([...topHelp(width), examples(topExamples, width), status]);
  }
  const name = ["socketplane", ...path].join(" ");
  const parts = isGroup(entry) ? groupHelp(entry, name, width) : commandHelp(entry, name, width);
  return blocks([...parts, examples(entry.examples, width)]);
}

function topHelp(width: number): readonly string[] {
  const rows = sections.map(({ title, entries }) => ({ title, rows: entries.map(entryRow) }));
  const left = widest([...rows.flatMap((section) => section.rows), ...optionRows(globalOptions)]);
  return [
    "socketplane <command>",
    "One flat network for containers on many machines.",
    ...rows.map((section) => block(section.title, section.rows, width, left)),
    block("Options of every command", optionRows(globalOptions), width, left),
  ];
}

function groupHelp(group: Group, name: string, width: number): readonly string[] {
  const rows = group.commands.map((one): Row => [usage(one), described(one)]);
  return [
    `${name} <command>`,
    wrapped(about(group), width),
    block("Commands", rows, width),
    block("Options of every command", optionRows(globalOptions), width),
  ];
}

function commandHelp(command: Command, name: string, width: number): readonly string[] {
  const { arguments: args, options } = command;
  const own = Object.keys(options).length > 0;
  const rows = Object.entries(args).map(([key, one]): Row => [key, one.describe]);
  const common = optionRows(commonOptionsOf(command));
  const all = [rows, optionRows(options), common];
  const left = widest(all.flat());
  return [
    usageOf(command, name),
    wrapped(about(command), width),
    ...(rows.length > 0 ? [block("Arguments", rows, width, left)] : []),
    ...(own ? [block("Options", optionRows(options), width, left)] : []),
    block("Options of every command", common, width, left),
  ];
}

/** As "socketplane network create <name> [subnet] [options]". */
export function usageOf(command: Command, name: string): string {
  const places = placesOf(command.arguments);
  const own = Object.keys(command.options).length > 0 ? ["[options]"] : [];
  // After another program's name come that one's options.
  const isOther = Object.values(command.arguments).some(({ rest }) => rest === true);
  return [name, ...(isOther ? [...own, ...places] : [...places, ...own])].join(" ");
}

/** In paragraphs, each on one line. */
export const about = (entry: Entry): string => entry.about ?? `${entry.describe}.`;

/** As "<name> [subnet]". */
const placesOf = (args: Readonly<Record<string, Argument>>): readonly string[] =>
  Object.entries(args).map(([name, { optional, rest, many }]) => {
    const inside = rest === true || many === true ? `${name}...` : name;
    return optional === true ? `[${inside}]` : `<${inside}>`;
  });

const usage = (one: Entry): string =>
  [one.name, ...(isGroup(one) ? ["<command>"] : placesOf(one.arguments))].join(" ");

const described = (one: Entry): string =>
  isGroup(one) || one.aliases.length === 0
    ? one.describe
    : `${one.describe} [also: ${one.aliases.join(", ")}]`;

const entryRow = (entry: Entry): Row => [entry.name, entry.describe];

/** As "-o, --output json|table". */
export function optionRows(options: Readonly<Record<string, Option>>): readonly Row[] {
  return Object.entries(options).map(([name, { alias, oneOf, value, type, describe: text }]) => {
    const short = alias === undefined ? "    " : `-${alias}, `;
    const taken = type === "flag" ? "" : ` ${oneOf?.join("|") ?? value ?? "VALUE"}`;
    return [`${short}${dashed(name)}${taken}`, type === "list" ? `${text} (again for more)` : text];
  });
}

const examples = (lines: readonly Example[], width: number): string =>
  block("Examples", lines, width);

function block(title: string, rows: readonly Row[], width: number, left = widest(rows)): string {
  return [`${title}:`, ...rows.flatMap((row) => lines(row, left, width))].join("\n");
}

/** A row whose left side is too long has its right side below. */
function lines([left, right]: Row, room: number, width: number): readonly string[] {
  const start = room + 4;
  const texts = wrapped(right, Math.max(width - start, 20)).split("\n");
  const head = `  ${left}`;
  const body = texts.map((text) => " ".repeat(start) + text);
  return head.length + 2 > start
    ? [head, ...body]
    : [head.padEnd(start) + texts[0], ...body.slice(1)];
}

const most = 44;

const widest = (rows: readonly Row[]): number =>
  Math.max(0, ...rows.map(([left]) => left.length).filter((length) => length <= most));

/** Breaks each line of `text` at spaces, at the latest after `width` columns. */
export function wrapped(text: string, width: number): string {
  return text
    .split("\n")
    .map((line) => line.replace(new RegExp(`(.{1,${width}})( +|$)`, "g"), "$1\n").trimEnd())
    .join("\n");
}

const blocks = (parts: readonly string[]): string => `${parts.join("\n\n")}\n`;
