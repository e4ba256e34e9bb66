import { describe, expect, test } from "vitest";
import { type Entry, type Group, isGroup, leavesOf } from "../../../lib/cli/command.ts";
import { complete } from "../../../lib/cli/complete.ts";
import { dashed, find, optionsOf } from "../../../lib/cli/find.ts";
import { commonOptionsOf } from "../../../lib/cli/global-options.ts";
import { entries } from "../../../lib/cli/groups.ts";
import { helpOf } from "../../../lib/cli/help.ts";
import { parse } from "../../../lib/cli/parse.ts";

const commands = entries
  .flatMap((entry) => leavesOf(entry))
  .map(({ path, command }) => [path.join(" "), command] as const);
const groups = allGroups(entries, []);
const all = [...groups, ...commands];

function allGroups(
  scope: readonly Entry[],
  above: readonly string[],
): readonly (readonly [string, Group])[] {
  return scope.filter(isGroup).flatMap((group) => {
    const path = [...above, group.name];
    return [[path.join(" "), group] as const, ...allGroups(group.commands, path)];
  });
}

const twice = (names: readonly string[]): readonly string[] =>
  names.filter((name, at) => names.indexOf(name) !== at);

describe("what can be typed", () => {
  test("has a name of its own", () => {
    const scopes = [entries, ...groups.map(([, group]) => group.commands)];
    const names = scopes.map((scope) =>
      scope.flatMap((one) => (isGroup(one) ? [one.name] : [one.name, ...one.aliases])),
    );
    expect(names.flatMap(twice)).toEqual([]);
  });

  test.each(commands)("%s has options and arguments of different names", (_name, command) => {
    const given = Object.entries(optionsOf(command)).flatMap(([name, { alias }]) => [
      dashed(name),
      ...(alias === undefined ? [] : [dashed(alias)]),
    ]);
    const fields = [
      ...Object.keys(commonOptionsOf(command)),
      ...Object.keys(command.options),
      ...Object.keys(command.arguments),
    ];
    expect({ given: twice(given), fields: twice(fields) }).toEqual({ given: [], fields: [] });
  });

  test.each(commands)("%s has its optional arguments, and those of many words, last", (_n, one) => {
    const places = Object.values(one.arguments).map(({ optional, rest, many }) =>
      rest === true || many === true ? 2 : optional === true ? 1 : 0,
    );
    expect(places).toEqual([...places].sort());
    expect(places.filter((place) => place === 2).length).toBeLessThanOrEqual(1);
  });
});

describe("help", () => {
  test.each(all)("%s is described in a line, without a full stop", (_name, { describe }) => {
    expect(describe).toMatch(/^[A-Z][^\n]*[^.\n]$/);
    expect(describe.length).toBeLessThanOrEqual(80);
  });

  test.each(all)("%s has examples that can be typed", async (name, { examples }) => {
    expect(examples.length).toBeGreaterThan(0);
    for (const [line] of examples) {
      const typed = /(?:^|\(|\s)socketplane (.*?)(?:\)| [>|&<].*|$)/.exec(line)?.[1];
      // An example of agent's asks it by curl.
      if (typed === undefined) continue;
      expect(await complaintOf(typed), `${name}: ${line}`).toBe("");
    }
  });

  test.each(commands)("%s has each option once", (name, command) => {
    const help = helpOf(
      { path: name.split(" "), entry: command, unknown: undefined, rest: [] },
      80,
    );
    const shown = Array.from(
      help.matchAll(/^ {2}(?:-\w, | {4})(--[\w-]+)/gm),
      ([, option = ""]) => option,
    );
    expect(shown.sort()).toEqual(Object.keys(optionsOf(command)).map(dashed).sort());
  });

  test.each(all)("%s is wrapped to the terminal", (name, entry) => {
    const help = helpOf({ path: name.split(" "), entry, unknown: undefined, rest: [] }, 80);
    const [text = ""] = help.split("Examples:\n");
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

test("a command's own words for an option of all are what is completed and read", async () => {
  const offered = async (...words: readonly string[]) => {
    const found = await complete(words, entries, async () => []);
    return typeof found === "string" ? found : found.map(({ word }) => word);
  };
  expect(await offered("topology", "-o", "")).toEqual(["text", "json", "svg", "html"]);
  expect(await offered("topology", "--output=h")).toEqual(["--output=html"]);
  expect(await offered("network", "list", "-o", "")).toEqual(["json", "table"]);
  expect(await complaintOf("topology -o html")).toBe("");
  expect(await complaintOf("topology -o table")).toContain("must be one of");
  expect(await complaintOf("network list -o html")).toContain("must be one of");
});

/** What is wrong with a line; nothing, if it can be read. Words are apart by spaces, or in quotes. */
async function complaintOf(line: string): Promise<string> {
  const words = Array.from(line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), (match) =>
    match.slice(1).join(""),
  );
  const { entry, unknown, rest } = find(words, entries);
  if (unknown !== undefined) return `there is no ${unknown}`;
  if (words.includes("--version")) return "";
  if (entry === undefined || isGroup(entry)) return "there is no command in it";
  try {
    await parse(entry, rest, (complaint) => new Error(complaint));
    return "";
  } catch (error) {
    return String(error);
  }
}
