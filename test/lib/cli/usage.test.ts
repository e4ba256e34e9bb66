import { describe, expect, test } from "vitest";
import { commandIn, explain, type Words } from "../../../lib/cli/usage.ts";

const words: Words = {
  commands: { completion: [], network: ["create", "list", "ls"], cluster: ["join", "leave"] },
  options: ["config", "output", "subnet6", "no-masquerade"],
};
const typed = (line: string) => line.split(" ");

/** What yargs says of each line, as it says it. */
test.each([
  [
    "netwrok list",
    "Unknown arguments: netwrok, list",
    'there is no command "netwrok": did you mean "network"?',
  ],
  ["frobnicate", "Unknown argument: frobnicate", 'there is no command "frobnicate"'],
  ["list", "Unknown argument: list", 'there is no command "list": did you mean "network list"?'],
  ["network lits", "Unknown argument: lits", 'there is no command "lits": did you mean "list"?'],
  ["network join", "Unknown command: join", 'there is no command "join"'],
  ["network list now", "Unknown argument: now", '"now" is one argument too many'],
  [
    "--config x network lits",
    "Unknown argument: lits",
    'there is no command "lits": did you mean "list"?',
  ],
  [
    "network create web --subnt6=x",
    "Unknown argument: subnt6",
    'there is no option "--subnt6": did you mean "--subnet6"?',
  ],
  [
    "network create web --no-masqerade --colour",
    "Unknown arguments: no-masqerade, noMasqerade, colour",
    'there is no option "--no-masqerade": did you mean "--no-masquerade"?; there is no option "--colour"',
  ],
  ["network list -x", "Unknown argument: x", 'there is no option "-x"'],
  ["network list -o", "Not enough arguments following: o", "-o needs a value"],
  ["network list --config", "Not enough arguments following: config", "--config needs a value"],
  [
    "network list -o yaml",
    'Invalid values:\n  Argument: output, Given: "yaml", Choices: "json", "table"',
    '--output must be one of "json", "table", not "yaml"',
  ],
  [
    "network create",
    "Not enough non-option arguments: got 0, need at least 1",
    "an argument is missing",
  ],
  ["network", "Give a command of network", "give a command of network"],
])("%s", (line, complaint, expected) => {
  expect(explain(complaint, typed(line), words)).toBe(expected);
});

describe("the command whose help is meant", () => {
  test.each([
    ["", "socketplane"],
    ["netwrok list", "socketplane"],
    ["network", "socketplane network"],
    ["network lits", "socketplane network"],
    ["network create list", "socketplane network create"],
    ["--config network network list", "socketplane network list"],
    ["toString", "socketplane"],
  ])("of %j is %s", (line, expected) => {
    expect(commandIn(typed(line), words)).toBe(expected);
  });
});
