/** `socketplane agent`: runs the node agent. */
import type { CommandModule } from "yargs";
import { loadNodeConfig } from "../attach/node.ts";
import type { Words } from "./usage.ts";
import type { CliWorld } from "./world.ts";

/** What can be typed here, for those who mistype it. */
export const agentWords: Words = { commands: { agent: ["run"] }, options: [] };

export function agentCommand(world: CliWorld): CommandModule {
  return {
    command: "agent",
    describe: "Run the node agent",
    builder: (parser) =>
      parser
        .usage("$0 agent <command>\n\nRun the node agent.")
        .command(runCommand(world))
        .demandCommand(1, "give a command of agent: run")
        .strict()
        .example("$0 agent run", "Run it, until it is told to end"),
    handler: () => undefined,
  };
}

// A paragraph is one line: it is wrapped to the terminal's width.
const about = [
  "Run the agent of this node, until SIGTERM or SIGINT.\n\n",
  "It keeps the switch in step with the cluster: without it a change elsewhere reaches this node ",
  "with the next ADD here. Traffic does not depend on it: when it ends, nothing in the switch is ",
  "changed. It answers /healthz and /metrics (Prometheus) on 127.0.0.1:9478, or where ",
  '"agent.listen" in node.json says, and logs to standard error, one JSON object a line.',
].join("");

interface RunArgs {
  readonly config?: string | undefined;
}

function runCommand(world: CliWorld): CommandModule<object, RunArgs> {
  return {
    command: "run",
    describe: "Run the agent of this node, until SIGTERM or SIGINT",
    builder: (parser) =>
      parser
        .usage(`$0 agent run\n\n${about}`)
        .example("$0 agent run --config node.json", "With a configuration of its own")
        .example("SOCKETPLANE_LOG=info $0 agent run", "Say what it does")
        .example("curl 127.0.0.1:9478/healthz", "Ask it whether it is well"),
    handler: (args) => world.runAgent(loadNodeConfig(world, args.config, undefined)),
  };
}
