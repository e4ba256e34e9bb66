/** `socketplane agent`: runs the node agent. */
import { loadNodeConfig } from "../attach/node.ts";
import { command, type Group } from "./command.ts";

// A paragraph is one line: it is wrapped to the terminal's width.
const about = [
  "Run the agent of this node, until SIGTERM or SIGINT.\n\n",
  "It keeps the switch in step with the cluster: without it a change elsewhere reaches this node ",
  "with the next ADD here. Traffic does not depend on it: when it ends, nothing in the switch is ",
  "changed. It answers /healthz and /metrics (Prometheus) on 127.0.0.1:9478, or where ",
  '"agent.listen" in node.json says, and logs to standard error, one JSON object a line.',
].join("");

const runCommand = command({
  name: "run",
  describe: "Run the agent of this node, until SIGTERM or SIGINT",
  about,
  examples: [
    ["socketplane agent run --config node.json", "With a configuration of its own"],
    ["SOCKETPLANE_LOG=info socketplane agent run", "Say what it does"],
    ["curl 127.0.0.1:9478/healthz", "Ask it whether it is well"],
  ],
  run: (world, args) => world.runAgent(loadNodeConfig(world, args.config, undefined)),
});

export const agentGroup: Group = {
  name: "agent",
  describe: "Run the node agent",
  commands: [runCommand],
  examples: [["socketplane agent run", "Run it, until it is told to end"]],
};
