/** The options that every command takes. See main.ts for the folder's note. */
import type { Command, Option } from "./command.ts";

export const globalOptions = {
  config: {
    type: "text",
    value: "FILE",
    describe: "Path of node.json [default: /etc/socketplane/node.json]",
    completes: "file",
  },
  output: {
    type: "text",
    alias: "o",
    oneOf: ["json", "table"],
    describe: "How to show the answer [default: table on a terminal, else json]",
  },
  quiet: { type: "flag", describe: "Say nothing but errors" },
  help: { type: "flag", alias: "h", describe: "Show help" },
  version: { type: "flag", describe: "Show the version" },
} as const satisfies Record<string, Option>;

/** Those that a command does not define in its own way. */
export const commonOptionsOf = (
  command: Pick<Command, "options">,
): Readonly<Record<string, Option>> =>
  Object.fromEntries(
    Object.entries<Option>(globalOptions).filter(([name]) => !(name in command.options)),
  );
