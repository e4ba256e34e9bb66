import { describe, expect, test } from "vitest";
import { command, type Entry } from "../../../lib/cli/command.ts";
import { complete, formatCompletion } from "../../../lib/cli/complete.ts";
import { bash, fish, zsh } from "../../../lib/cli/shells.ts";
import { run } from "../../lab/run.ts";

const leaf = (name: string, more = {}) =>
  command({ name, describe: `What ${name} does`, examples: [], run: async () => {}, ...more });

const network = { describe: "x", completes: "network" } as const;

const entries: readonly Entry[] = [
  {
    name: "network",
    describe: "Networks",
    examples: [],
    commands: [
      leaf("create", {
        arguments: { name: { describe: "x" } },
        options: {
          ipRange: { type: "text", describe: "x" },
          label: { type: "list", alias: "l", describe: "x", oneOf: ["red", "green"] },
          force: { type: "flag", alias: "f", describe: "x" },
        },
      }),
      leaf("list", { aliases: ["ls"] }),
      leaf("allow", { arguments: { one: network, other: network } }),
      leaf("delete", { arguments: { names: { ...network, many: true } } }),
    ],
  },
  leaf("run", {
    arguments: { command: { describe: "x", rest: true } },
    options: { network: { type: "text", alias: "n", describe: "x", completes: "network" } },
  }),
  leaf("exec", {
    arguments: {
      name: { describe: "x", completes: "run" },
      command: { describe: "x", rest: true },
    },
  }),
];

const names = {
  network: ["db", "web"],
  node: ["host-a"],
  container: [],
  party: [],
  run: ["nginx-1"],
  interface: [],
};

/** The last word of the line is the one to complete. */
async function completed(line: string): Promise<unknown> {
  const completion = await complete(line.split(" "), entries, async (what) => names[what]);
  return typeof completion === "string" ? completion : completion.map(({ word }) => word);
}

const always = ["--config", "--output", "--quiet", "--help", "--version"];

test.each([
  ["", ["network", "run", "exec"]],
  ["ne", ["network"]],
  ["-", always],
  ["--o", ["--output"]],
  ["frobnicate ", []],
  ["network ", ["create", "list", "allow", "delete"]],
  ["network l", ["list"]],
  ["network -", always],
  ["network ls ", []],
  ["network create ", []],
  ["network create -", [...always, "--ip-range", "--label", "--force"]],
  ["network create web --ip", ["--ip-range"]],
  [
    "network create web --force --label red --",
    ["--config", "--output", "--quiet", "--help", "--version", "--ip-range", "--label"],
  ],
  ["network create --label ", ["red", "green"]],
  ["network create -l g", ["green"]],
  ["network create -fl g", ["green"]],
  ["network create --label=g", ["--label=green"]],
  // As bash parts the words.
  ["network create --label = g", ["green"]],
  ["network create --label =", ["red", "green"]],
  ["network create --ip-range ", []],
  ["network list -o ", ["json", "table"]],
  ["--config ", "files"],
  ["--config x netw", ["network"]],
  ["network allow ", ["db", "web"]],
  ["network allow web d", ["db"]],
  ["network allow web db ", []],
  ["network delete web ", ["db", "web"]],
  ["run -n ", ["db", "web"]],
  ["run --network=w", ["--network=web"]],
  ["run ", "commands"],
  ["run -n web ", "commands"],
  ["run ls ", "files"],
  ["run ls -", "files"],
  ["run ls -n ", "files"],
  ["run -- ls", "commands"],
  ["run -- ls -n ", "files"],
  ["exec ", ["nginx-1"]],
  ["exec nginx-1 ", "commands"],
  ["exec nginx-1 ls -", "files"],
] as const)("%j", async (line, expected) => {
  expect(await completed(line)).toEqual(expected);
});

test("a shell gets a line for each candidate, or is told that it knows better", () => {
  const candidates = [
    { word: "list", describe: "List them" },
    { word: "web", describe: "" },
  ];
  expect(formatCompletion(candidates)).toBe("list\tList them\nweb\t\n");
  expect(formatCompletion([])).toBe("");
  expect(formatCompletion("files")).toBe(":files\n");
});

test.each(Object.entries({ bash, zsh, fish }))(
  "%s asks, and is told what it knows",
  (_n, script) => {
    // CNI_COMMAND would make a plugin of it, which waits for its input.
    expect(script).toMatch(/CNI_COMMAND= \S+ __complete /);
    for (const told of ["files", "commands"] as const) {
      expect(script).toMatch(new RegExp(`^ +(case )?${formatCompletion(told).trim()}\\b`, "m"));
    }
  },
);

describe("bash, with what an executable would answer,", () => {
  /** Completes the line in bash; `answer` is what the executable is made to say. */
  async function inBash(words: readonly string[], answer: string) {
    const program = `socketplane() { printf '[%s]' "$@" >&3; printf '${answer}'; }`;
    const ask = `exec 3>&2; ${program}
${bash}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}) COMP_CWORD=${words.length - 1}
_socketplane
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = await run({ argv: ["bash", "--norc", "-c", ask] });
    expect(status).toBe(0);
    return { offered: stdout.trim().split("\n"), asked: stderr };
  }

  test("hands on the words, an empty one too, and offers what comes", async () => {
    const { offered, asked } = await inBash(
      ["socketplane", "network", "a name", ""],
      "list\\tList them\\nweb\\t\\n",
    );
    expect(asked).toBe("[__complete][network][a name][]");
    expect(offered).toEqual(["list", "web"]);
  });

  test("completes files and programs by itself", async () => {
    const files = await inBash(["socketplane", "--config", "/etc/host"], ":files\\n");
    expect(files.offered).toEqual(expect.arrayContaining(["/etc/hosts", "/etc/hostname"]));
    const programs = await inBash(["socketplane", "run", "bas"], ":commands\\n");
    expect(programs.offered).toContain("bash");
  });

  test("offers nothing where nothing comes", async () => {
    expect((await inBash(["socketplane", "x", ""], "")).offered).toEqual([""]);
  });
});
