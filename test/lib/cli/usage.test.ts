import { describe, expect, test } from "vitest";
import { command, type Entry } from "../../../lib/cli/command.ts";
import { find } from "../../../lib/cli/find.ts";
import { parse } from "../../../lib/cli/parse.ts";
import { explain, explainNoCommand } from "../../../lib/cli/usage.ts";

const leaf = (name: string, more = {}) =>
  command({ name, describe: "Does it", examples: [], run: async () => {}, ...more });

const entries: readonly Entry[] = [
  {
    name: "network",
    describe: "Networks",
    examples: [],
    commands: [
      leaf("create", {
        arguments: { name: { describe: "Its name" }, subnet: { describe: "x", optional: true } },
        options: {
          subnet6: { type: "text", describe: "x" },
          noMasquerade: { type: "flag", describe: "x" },
        },
      }),
      leaf("list", { aliases: ["ls"] }),
      leaf("allow", {
        arguments: { one: { describe: "x" }, other: { describe: "x" } },
        options: { label: { type: "list", describe: "x" } },
      }),
    ],
  },
  {
    name: "cluster",
    describe: "The cluster",
    examples: [],
    commands: [
      leaf("join"),
      leaf("leave"),
      {
        name: "token",
        describe: "Tokens",
        examples: [],
        commands: [leaf("create", { options: { valid: { type: "text", describe: "x" } } })],
      },
    ],
  },
  leaf("run", {
    arguments: { command: { describe: "x", rest: true } },
    options: {
      env: { type: "list", alias: "e", describe: "x" },
      network: { type: "text", alias: "n", describe: "x" },
      interactive: { type: "flag", alias: "i", describe: "x" },
      tty: { type: "flag", alias: "t", describe: "x" },
    },
  }),
  leaf("exec", {
    arguments: { name: { describe: "x" }, command: { describe: "x", rest: true } },
  }),
];

const words = (line: string) => (line === "" ? [] : line.split(" "));

/** What is said of a line; or what it is read as. */
async function read(line: string): Promise<unknown> {
  const found = find(words(line), entries);
  const { entry, rest } = found;
  if (entry === undefined || "commands" in entry || found.unknown !== undefined) {
    return explainNoCommand(found, entries);
  }
  try {
    const complain = (complaint: string) => new Error(explain(complaint, rest, entry));
    return await parse(entry, rest, complain);
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

test.each([
  ["", "give a command"],
  ["netwrok list", 'there is no command "netwrok": did you mean "network"?'],
  ["frobnicate", 'there is no command "frobnicate"'],
  ["list", 'there is no command "list": did you mean "network list"?'],
  ["start", 'there is no command "start": did you mean "run"?'],
  ["networks", 'there is no command "networks": did you mean "network"?'],
  ["init", 'there is no command "init": did you mean "network create" or "cluster token create"?'],
  ["cluster token", "give a command of cluster token: create"],
  ["cluster token crate", 'there is no command "crate": did you mean "create"?'],
  ["network add", 'there is no command "add": did you mean "create"?'],
  ["cluster list", 'there is no command "list"'],
  ["leave", 'there is no command "leave": did you mean "cluster leave"?'],
  ["attach", 'there is no command "attach": did you mean "exec"?'],
  ["network lits", 'there is no command "lits": did you mean "list"?'],
  ["network join", 'there is no command "join"'],
  ["network list now", '"now" is one argument too many'],
  ["--config x network lits", 'there is no command "lits": did you mean "list"?'],
  ["--confg", 'there is no option "--confg": did you mean "--config"?'],
  ["network create web --subnt6=x", 'there is no option "--subnt6": did you mean "--subnet6"?'],
  [
    "network create web --no-masqerade --colour",
    'there is no option "--no-masqerade": did you mean "--no-masquerade"?; there is no option "--colour"',
  ],
  ["network list -x", 'there is no option "-x"'],
  ["network list -o", "-o needs a value"],
  ["network list --config", "--config needs a value"],
  ["network list -o yaml", '--output must be one of "json", "table", not "yaml"'],
  ["network create", "<name> is missing"],
  ["network allow", "<one> and <other> are missing"],
  ["network allow web", "<other> is missing"],
  ["run -it", "<command> is missing"],
  ["network", "give a command of network: create, list or allow"],
])("%s", async (line, expected) => {
  expect(await read(line)).toBe(expected);
});

describe("is read as it was meant:", () => {
  test.each([
    ["network create web --no-masquerade", { name: "web", noMasquerade: true }],
    [
      "network create web 10.2.0.0/16 -o json",
      { name: "web", subnet: "10.2.0.0/16", output: "json" },
    ],
    ["-o json network --config x ls", { output: "json", config: "x" }],
    [
      "run -n web -it -e A=1 -e B=2 ls -n -o json",
      {
        network: "web",
        interactive: true,
        tty: true,
        env: ["A=1", "B=2"],
        command: ["ls", "-n", "-o", "json"],
      },
    ],
    ["run -e A=1 -itn web sh -c ls", { network: "web", env: ["A=1"], command: ["sh", "-c", "ls"] }],
    ["network allow --label red web db", { label: ["red"], one: "web", other: "db" }],
    ["network allow web db", { label: [], one: "web", other: "db" }],
    ["network create web --subnet6 a --subnet6 b", { subnet6: "b" }],
    ["run -- sh -h", { command: ["sh", "-h"] }],
    ["exec 1e3 007 -n 0x1", { name: "1e3", command: ["007", "-n", "0x1"] }],
    ["exec web -- sh -- -x", { name: "web", command: ["sh", "--", "-x"] }],
  ])("%s", async (line, expected) => {
    expect(await read(line)).toMatchObject(expected);
  });
});

describe("the words that were understood", () => {
  test.each([
    ["", ""],
    ["netwrok list", ""],
    ["network", "network"],
    ["network lits", "network"],
    ["network create list", "network create"],
    ["--config network network ls", "network list"],
    ["cluster --valid token token create", "cluster token create"],
    ["toString", ""],
  ])("of %j are %j", (line, expected) => {
    expect(find(words(line), entries).path.join(" ")).toBe(expected);
  });
});
