/** `socketplane agent logs`: what the agent says. */
import { loadNodeConfig } from "../attach/node.ts";
import { Failure } from "../errors.ts";
import { command } from "./command.ts";
import { formatLogLine } from "./log-line.ts";

export const agentLogsCommand = command({
  name: "logs",
  describe: "Show what the agent that runs in the background says",
  about:
    "Show the last lines of the agent's log: from systemd's journal, or from its log file. On a terminal they are made readable; elsewhere they are JSON, one object a line, as they were written.",
  options: {
    follow: { type: "flag", alias: "f", describe: "Go on with what is added, until Ctrl-C" },
    lines: { type: "text", alias: "n", value: "N", describe: "How many lines [default: 50]" },
  },
  examples: [
    ["socketplane agent logs -f", "Follow it"],
    ["socketplane agent logs -n 1000 -o json", "More of it, for programs"],
  ],
  run: async (world, args) => {
    const { terminal } = world;
    const lines = countOf(args.lines ?? "50");
    const config = loadNodeConfig(world, args.config, undefined);
    const services = await world.openServices(config, args.config);
    const isForPeople = (args.output ?? (terminal.interactive ? "table" : "json")) === "table";
    const zone = -new Date(world.wallClock()).getTimezoneOffset();
    const onLine = (line: string) =>
      terminal.stdout(`${isForPeople ? formatLogLine(line, zone) : line}\n`);
    await services.logs("agent", { lines, follow: args.follow }, onLine, world.interrupted());
  },
});

export function countOf(text: string): number {
  const count = Number(text);
  if (/^\d{1,9}$/.test(text)) return count;
  throw new Failure("usage", `Cannot show "${text}" lines: it must be a number from 0 on`);
}
