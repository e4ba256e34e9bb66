/**
 * The commands as pages of the manual, section 1: pure. See generate.ts for the folder's note.
 * Sources: man-pages(7), groff_man(7).
 */
import {
  type Command,
  type Entry,
  type Example,
  isGroup,
  type Leaf,
  leavesOf,
} from "../lib/cli/command.ts";
import { globalOptions } from "../lib/cli/global-options.ts";
import { entries, sections } from "../lib/cli/groups.ts";
import { about, exitStatus, optionRows, topExamples, usageOf } from "../lib/cli/help.ts";

export function topManual(version: string): string {
  const pages = entries.map(({ name }) => name);
  return page("socketplane", "one flat network for containers on many machines", version, [
    section("SYNOPSIS", [".B socketplane", text("<command> [options]")]),
    section("DESCRIPTION", [
      text(
        "SocketPlane gives containers on many machines one flat network. With CNI_COMMAND in its environment it is a CNI plugin, for container runtimes; without, it is the command that is described here. Each command has a page of its own, as socketplane-network(1).",
      ),
    ]),
    section(
      "COMMANDS",
      sections.flatMap((one) => [
        `.SS ${text(one.title)}`,
        ...one.entries.flatMap(({ name, describe }) => tagged(`socketplane ${name}`, describe)),
      ]),
    ),
    section("OPTIONS", rows(optionRows(globalOptions))),
    section("EXIT STATUS", [text(exitStatus.replaceAll("`", ""))]),
    section("ENVIRONMENT", [
      ...tagged("SOCKETPLANE_CONFIG", "Path of node.json, where --config does not name it"),
      ...tagged("SOCKETPLANE_LOG", "debug, info, warn or error: how much is logged"),
    ]),
    section("FILES", tagged("/etc/socketplane/node.json", "What this machine is told")),
    section("EXAMPLES", exampleLines(topExamples)),
    section("SEE ALSO", [seeAlso(pages.map((name) => `socketplane-${name}`))]),
  ]);
}

export function commandManual(entry: Entry, version: string): string {
  const name = `socketplane-${entry.name}`;
  const leaves = leavesOf(entry);
  return page(name, entry.describe, version, [
    section("SYNOPSIS", synopses(leaves)),
    section("DESCRIPTION", paragraphs(about(entry))),
    ...(isGroup(entry)
      ? [section("COMMANDS", leaves.flatMap(inGroup))]
      : [argumentsAndOptions(entry)]),
    section("EXAMPLES", exampleLines(entry.examples)),
    section("SEE ALSO", [seeAlso(["socketplane"])]),
  ]);
}

const synopses = (leaves: readonly Leaf[]): readonly string[] =>
  leaves.flatMap(({ path, command }, at) => [
    ...(at === 0 ? [] : [".br"]),
    usage(command, ["socketplane", ...path].join(" ")),
  ]);

function usage(command: Command, name: string): string {
  const [, after = ""] = usageOf(command, name).split(name);
  return `.B ${text(name)}\n${after === "" ? "" : text(after.trim())}`.trimEnd();
}

const inGroup = ({ path, command }: Leaf): readonly string[] => [
  `.SS ${text(usageOf(command, ["socketplane", ...path].join(" ")))}`,
  ...paragraphs(about(command)),
  ...(command.aliases.length > 0 ? [".PP", text(`Also: ${command.aliases.join(", ")}.`)] : []),
  ...rows(argumentRows(command)),
  ...rows(optionRows(command.options)),
  ...exampleLines(command.examples),
];

function argumentsAndOptions(command: Command): string {
  const all = [...rows(argumentRows(command)), ...rows(optionRows(command.options))];
  return all.length === 0 ? "" : section("OPTIONS", all);
}

const argumentRows = (command: Command) =>
  Object.entries(command.arguments).map(([key, one]) => [`<${key}>`, one.describe] as const);

const rows = (all: readonly (readonly [string, string])[]): readonly string[] =>
  all.flatMap(([left, right]) => tagged(left.trim(), right));

const tagged = (tag: string, what: string): readonly string[] => [
  ".TP",
  `.B ${text(tag)}`,
  text(what),
];

const paragraphs = (about: string): readonly string[] =>
  about.split("\n\n").flatMap((one, at) => (at === 0 ? [text(one)] : [".PP", text(one)]));

const exampleLines = (lines: readonly Example[]): readonly string[] =>
  lines.flatMap(([line, what]) => [
    ".PP",
    text(`${what}:`),
    ".PP",
    ".RS 4",
    ".EX",
    text(line),
    ".EE",
    ".RE",
  ]);

const seeAlso = (names: readonly string[]): string =>
  names.map((name, at) => `.BR ${text(name)} (1)${at < names.length - 1 ? "," : ""}`).join("\n");

const section = (title: string, lines: readonly string[]): string =>
  [`.SH ${title}`, ...lines].join("\n");

/** Backslashes, hyphens that are typed, and lines that would be requests. */
const text = (plain: string): string =>
  plain
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(['.])/gm, "\\&$1")
    .replaceAll('"', "\\(dq");

function page(name: string, what: string, version: string, parts: readonly string[]): string {
  const title = text(name.toUpperCase());
  const lower = what.charAt(0).toLowerCase() + what.slice(1);
  return `${[
    `.TH ${title} 1 "" "SocketPlane ${version}" "SocketPlane"`,
    section("NAME", [`${text(name)} \\- ${text(lower)}`]),
    ...parts.filter((part) => part !== ""),
  ].join("\n")}\n`;
}
