/** The commands as pages for a browser: pure. See generate.ts for the folder's note. */
import { type Command, type Entry, type Example, isGroup, leavesOf } from "../lib/cli/command.ts";
import { globalOptions } from "../lib/cli/global-options.ts";
import { sections } from "../lib/cli/groups.ts";
import { about, exitStatus, optionRows, topExamples, usageOf } from "../lib/cli/help.ts";

/** The page that the others are found by. */
export const indexPage = (): string =>
  page([
    "# The commands",
    "`socketplane` is what people and their scripts type. Each command tells the same with `--help`, and these pages are there for `man` too, in [docs/man](../man).",
    ...sections.flatMap(({ title, entries }) => [
      `## ${title}`,
      entries
        .map(({ name, describe }) => `- [\`socketplane ${name}\`](${name}.md): ${describe}`)
        .join("\n"),
    ]),
    "## Options of every command",
    table("Option", optionRows(globalOptions)),
    examples(topExamples),
    "## Exit status",
    exitStatus,
  ]);

export function commandPage(entry: Entry): string {
  const title = `# socketplane ${entry.name}`;
  if (!isGroup(entry)) return page([title, ...partsOf(entry, `socketplane ${entry.name}`), more]);
  const leaves = leavesOf(entry);
  const list = leaves.map(({ path, command }) => {
    const { aliases, describe } = command;
    const also = aliases.length === 0 ? "" : `; also \`${aliases.join("`, `")}\``;
    const name = path.slice(1).join(" ");
    return `- [\`${name}\`](#socketplane-${path.join("-")}): ${describe}${also}`;
  });
  return page([
    title,
    ...paragraphs(about(entry)),
    list.join("\n"),
    examples(entry.examples),
    ...leaves.flatMap(({ path, command }) => {
      const name = ["socketplane", ...path].join(" ");
      return [`## ${name}`, ...partsOf(command, name)];
    }),
    more,
  ]);
}

const more =
  "The options that every command takes, and the exit status: [the commands](README.md).";

function partsOf(command: Command, name: string): readonly string[] {
  const rows = Object.entries(command.arguments).map(([key, one]) => [key, one.describe] as const);
  const options = optionRows(command.options);
  return [
    fenced([usageOf(command, name)], "text"),
    ...paragraphs(about(command)),
    ...(rows.length > 0 ? [table("Argument", rows)] : []),
    ...(options.length > 0 ? [table("Option", options)] : []),
    examples(command.examples),
  ];
}

const paragraphs = (text: string): readonly string[] => text.split("\n\n").map(plain);

const table = (title: string, rows: readonly (readonly [string, string])[]): string =>
  [
    `| ${title} | |`,
    "|---|---|",
    ...rows.map(([left, right]) => `| \`${cell(left.trim())}\` | ${cell(plain(right))} |`),
  ].join("\n");

const examples = (lines: readonly Example[]): string =>
  fenced(
    lines.flatMap(([line, what]) => [`# ${what}`, line]),
    "sh",
  );

const fenced = (lines: readonly string[], language: string): string =>
  [`\`\`\`${language}`, ...lines, "```"].join("\n");

/** What stands between <> is no HTML, and a star begins nothing. */
const plain = (text: string): string => text.replace(/[<*_]/g, "\\$&");

const cell = (text: string): string => text.replaceAll("|", "\\|");

const page = (parts: readonly string[]): string => `${parts.join("\n\n")}\n`;
