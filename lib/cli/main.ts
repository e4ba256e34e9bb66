/**
 * The operator's command: what people type.
 *
 * Invariants: stdout has the answer only, as a table on a terminal and JSON otherwise; errors go to
 * stderr and say what to do; the exit status is 0, 1 (it failed) or 2 (it was called wrongly).
 * Why apart: yargs and all of this are loaded only here, never by a CNI command.
 */
import yargs from "yargs";
import { asFailure, Failure } from "../errors.ts";
import { addressCommand, addressWords } from "./address.ts";
import { agentCommand, agentWords } from "./agent.ts";
import { leaseCommand, leaseWords } from "./lease.ts";
import { networkCommand, networkWords } from "./network.ts";
import { nodeCommand, nodeWords } from "./node.ts";
import { formatFailure } from "./output.ts";
import { commandIn, explain, type Words } from "./usage.ts";
import type { CliWorld } from "./world.ts";

const exitStatus = { done: 0, failed: 1, usage: 2 } as const;

const epilogue = `Exit status: 0 when it is done, 1 when it failed, 2 when it was called wrongly.
Called with CNI_COMMAND in its environment, it is a CNI plugin instead.`;

const all: readonly Words[] = [networkWords, nodeWords, leaseWords, addressWords, agentWords];

const words: Words = {
  commands: Object.fromEntries([
    ["completion", []],
    ...all.flatMap(({ commands }) => Object.entries(commands)),
  ]),
  options: ["config", "output", "help", "version", ...all.flatMap(({ options }) => options)],
};

/** Runs one command line (without the program's name) and gives back the exit status. */
export async function runCli(world: CliWorld, args: readonly string[]): Promise<number> {
  const { terminal } = world;
  try {
    await parserOf(world, args).parseAsync([...args], {}, (_error, _argv, output) => {
      if (output !== "") terminal.stdout(`${output}\n`);
    });
    return exitStatus.done;
  } catch (thrown) {
    const failure = asFailure(thrown);
    terminal.stderr(formatFailure(failure));
    return failure.kind === "usage" ? exitStatus.usage : exitStatus.failed;
  }
}

function parserOf(world: CliWorld, args: readonly string[]) {
  return yargs([])
    .scriptName("socketplane")
    .usage("$0 <command>\n\nOne flat network for containers on many machines.")
    .locale("en")
    .parserConfiguration({ "boolean-negation": false, "duplicate-arguments-array": false })
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
    .command(nodeCommand(world))
    .command(leaseCommand(world))
    .command(addressCommand(world))
    .command(agentCommand(world))
    .completion("completion", "Print a completion script for bash or zsh")
    .demandCommand(1, "give a command")
    .strict()
    .help()
    .alias("help", "h")
    .version(world.version)
    .wrap(world.terminal.width)
    .example("$0 network create web 10.2.0.0/16", "Create a network")
    .example("$0 network list -o json", "Show all, for programs")
    .example("$0 completion >> ~/.bashrc", "Complete words with Tab")
    .epilogue(epilogue)
    .exitProcess(false)
    .fail((complaint, error) => {
      // What yargs itself throws comes with a complaint.
      throw complaint ? usageFailure(complaint, args) : error;
    });
}

const usageFailure = (complaint: string, args: readonly string[]): Failure =>
  new Failure("usage", `Cannot understand the command line: ${explain(complaint, args, words)}`, {
    details: `Try: ${commandIn(args, words)} --help`,
  });
