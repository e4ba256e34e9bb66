/**
 * The operator's command: what people type.
 *
 * Invariants: stdout has the answer only, as a table on a terminal and JSON otherwise; errors go to
 * stderr and say what to do; the exit status is 0, 1 (it failed) or 2 (it was called wrongly).
 * Why apart: yargs and all of this are loaded only here, never by a CNI command.
 */
import yargs from "yargs";
import { asFailure, Failure } from "../errors.ts";
import { networkCommand } from "./network.ts";
import { formatFailure } from "./output.ts";
import type { CliWorld } from "./world.ts";

const exitStatus = { done: 0, failed: 1, usage: 2 } as const;

const epilogue = `Exit status: 0 when it is done, 1 when it failed, 2 when it was called wrongly.
Called with CNI_COMMAND in its environment, it is a CNI plugin instead.`;

/** Runs one command line (without the program's name) and gives back the exit status. */
export async function runCli(world: CliWorld, args: readonly string[]): Promise<number> {
  const { terminal } = world;
  try {
    await parserOf(world).parseAsync([...args], {}, (_error, _argv, output) => {
      if (output !== "") terminal.stdout(`${output}\n`);
    });
    return exitStatus.done;
  } catch (thrown) {
    const failure = asFailure(thrown);
    terminal.stderr(formatFailure(failure));
    return failure.kind === "usage" ? exitStatus.usage : exitStatus.failed;
  }
}

function parserOf(world: CliWorld) {
  return yargs([])
    .scriptName("socketplane")
    .usage("$0 <command>\n\nOne flat network for containers on many machines.")
    .locale("en")
    .option("config", {
      type: "string",
      requiresArg: true,
      describe: "Path of node.json [default: /etc/socketplane/node.json]",
    })
    .option("output", {
      alias: "o",
      choices: ["json", "table"] as const,
      requiresArg: true,
      describe: "How to show the answer [default: table on a terminal, else json]",
    })
    .command(networkCommand(world))
    .completion("completion", "Print a completion script for bash or zsh")
    .demandCommand(1, "give a command")
    .recommendCommands()
    .strict()
    .help()
    .alias("help", "h")
    .version(world.version)
    .wrap(world.terminal.width)
    .epilogue(epilogue)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? usageFailure(message);
    });
}

const usageFailure = (message: string): Failure =>
  new Failure("usage", `Cannot understand the command line: ${lowerFirst(message)}`, {
    details: "Try: socketplane --help",
  });

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
