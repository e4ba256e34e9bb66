/** `socketplane agent`: runs the node agent, and has it run in the background. */
import { loadNodeConfig } from "../attach/node.ts";
import { Failure } from "../errors.ts";
import type { NodeConfig } from "../node-config.ts";
import type { ServiceStatus, Services } from "../service/services.ts";
import { askHealth, awaitHealth } from "./agent-health.ts";
import { agentLogsCommand } from "./agent-logs.ts";
import { type Common, command, type Group } from "./command.ts";
import { type Shown, show } from "./output.ts";
import type { CliWorld } from "./world.ts";

// A paragraph is one line: it is wrapped to the terminal's width.
const about = [
  "Run the agent of this node, until SIGTERM or SIGINT.\n\n",
  "It keeps the switch in step with the cluster: without it a change elsewhere reaches this node ",
  "with the next ADD here. Traffic does not depend on it: when it ends, nothing in the switch is ",
  "changed. It answers /healthz and /metrics (Prometheus) on 127.0.0.1:9478, or where ",
  '"agent.listen" in node.json says, and logs to standard error, one JSON object a line. Where ',
  'node.json has a key "etcd", it runs that etcd as its child.',
].join("");

const runCommand = command({
  name: "run",
  describe: "Run the agent of this node, until SIGTERM or SIGINT",
  about,
  options: {
    logFile: {
      type: "text",
      value: "FILE",
      describe: "Log to a file, renamed at 10 MiB; three are kept",
      completes: "file",
    },
  },
  examples: [
    ["socketplane agent run --config node.json", "With a configuration of its own"],
    ["SOCKETPLANE_LOG=info socketplane agent run", "Say what it does"],
    ["curl 127.0.0.1:9478/healthz", "Ask it whether it is well"],
  ],
  run: (world, args) => world.runAgent(loadNodeConfig(world, args.config, undefined), args.logFile),
});

const background = [
  "With systemd it is the unit socketplane-agent.service, unless --config or SOCKETPLANE_CONFIG ",
  "names another node.json than the usual one. Elsewhere it is a process of its own, which logs ",
  'to /var/log/socketplane/agent.log, or where "agent.logFile" in node.json says.',
].join("");

const patience = [
  "Where it is not well after 10 seconds, it goes on trying, and what is wrong is shown as its ",
  "health.\n\n",
].join("");

const startCommand = command({
  name: "start",
  describe: "Start the agent in the background",
  about: `Start the agent in the background, and wait until it does its work.\n\n${patience}${background}`,
  options: {
    enable: { type: "flag", describe: "Also whenever this machine starts; with systemd only" },
  },
  examples: [["socketplane agent start", "Start it; if it runs, that is well"]],
  run: (world, args) =>
    onServices(world, args, async (services, config) => {
      if (args.enable) {
        needSystemd(services, "--enable");
        await services.enable("agent");
      }
      world.terminal.progress("Starting the agent");
      const started = await services.start("agent");
      const shown = { ...(await atWork(world, services, config)), started };
      show(world.terminal, args.output, shown, Object.keys(shown));
    }),
});

const stopCommand = command({
  name: "stop",
  describe: "End the agent that runs in the background",
  about: `End the agent of this node, and wait for its end. Traffic goes on. Without systemd, the etcd that it runs for the cluster ends with it.\n\n${background}`,
  options: {
    disable: {
      type: "flag",
      describe: "No longer start it with this machine either; with systemd only",
    },
  },
  examples: [["socketplane agent stop", "End it; if it doesn't run, that is well"]],
  run: (world, args) =>
    onServices(world, args, async (services, config) => {
      if (args.disable) {
        needSystemd(services, "--disable");
        await services.disable("agent");
      }
      world.terminal.progress("Ending the agent");
      const stopped = await services.stop("agent");
      const takesEtcd = services.kind === "processes" && config.etcd !== undefined;
      const shown = { agent: "stopped", stopped, ...(takesEtcd && { etcd: "stopped" }) };
      show(world.terminal, args.output, shown, Object.keys(shown));
    }),
});

const restartCommand = command({
  name: "restart",
  describe: "End the agent if it runs, and start it",
  about: `End the agent of this node if it runs, start it anew, and wait until it does its work.\n\n${patience}${background}`,
  examples: [["socketplane agent restart", "Have it read node.json again"]],
  run: (world, args) =>
    onServices(world, args, async (services, config) => {
      world.terminal.progress("Restarting the agent");
      await services.restart("agent");
      const shown = { ...(await atWork(world, services, config)), restarted: true };
      show(world.terminal, args.output, shown, Object.keys(shown));
    }),
});

const statusCommand = command({
  name: "status",
  describe: "Show whether the agent runs, and is well",
  about:
    "Show whether the agent runs, since when, and what it says of itself. The exit status is 1 where it does not run, or is not well.",
  examples: [["socketplane agent status -o json", "For programs"]],
  run: (world, args) =>
    onServices(world, args, async (services, config) => {
      const agent = await services.status("agent");
      const etcd = await services.status("etcd");
      const isRunning = agent.state === "running";
      const health = isRunning ? await askHealth(world, config) : undefined;
      const shown: Shown = {
        agent: agent.state,
        pid: agent.pid,
        since: agent.since && new Date(agent.since).toISOString(),
        health: health?.words,
        reason: agent.reason,
        atBoot: agent.enabled,
        ...(isEtcdHere(etcd, config) && { etcd: etcd.state, etcdPid: etcd.pid }),
        by: services.kind,
      };
      const known = Object.keys(shown).filter((key) => shown[key] !== undefined);
      show(world.terminal, args.output, shown, known);
      if (health?.isWell) return 0;
      if (health !== undefined) {
        throw new Failure("io", `Cannot rely on the agent: ${health.words}`, {
          details: "It goes on trying. What it says: socketplane agent logs",
        });
      }
      throw new Failure("io", `Cannot find the agent: it ${wordsOf(agent)}`, {
        details: "Start it: socketplane agent start",
      });
    }),
});

const wordsOf = ({ state, reason }: ServiceStatus): string => {
  const words = state === "starting" ? "is starting" : "does not run";
  return reason === undefined ? words : `${words} (${reason})`;
};

const isEtcdHere = ({ state }: ServiceStatus, { etcd }: NodeConfig): boolean =>
  etcd !== undefined || (state !== "absent" && state !== "stopped");

/** One that was just started, when it is well, or does not get so in time. */
async function atWork(world: CliWorld, services: Services, config: NodeConfig) {
  const isThere = async () => (await services.status("agent")).state === "running";
  const health = await awaitHealth(world, config, isThere);
  const agent = await services.status("agent");
  const hasMore = health.words !== "ok";
  return { agent: agent.state, pid: agent.pid, ...(hasMore && { health: health.words }) };
}

function needSystemd({ kind }: Services, option: string): void {
  if (kind === "systemd") return;
  throw new Failure("usage", `Cannot use ${option}: no systemd runs the agent here`, {
    details: "Have this machine's own way of starting things call: socketplane agent start",
  });
}

const onServices = async <T>(
  world: CliWorld,
  args: Common,
  body: (services: Services, config: NodeConfig) => Promise<T>,
): Promise<T> => {
  const config = loadNodeConfig(world, args.config, undefined);
  return body(await world.openServices(config, args.config), config);
};

export const agentGroup: Group = {
  name: "agent",
  describe: "Run the node agent",
  commands: [
    runCommand,
    startCommand,
    stopCommand,
    restartCommand,
    statusCommand,
    agentLogsCommand,
  ],
  examples: [
    ["socketplane agent start", "Run it in the background"],
    ["socketplane agent logs -f", "Follow what it says"],
    ["socketplane agent run", "Run it here, until it is told to end"],
  ],
};
