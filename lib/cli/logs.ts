/** `socketplane logs`: what a run in the background has written. */
import type { Host } from "../attach/host.ts";
import { Failure } from "../errors.ts";
import { logsOf, readRun } from "../run/record.ts";
import { isRunning } from "../run/settle.ts";
import { knownRun } from "../run/stop.ts";
import type { Tail } from "../sys/tail.ts";
import { countOf } from "./agent-logs.ts";
import { command } from "./command.ts";
import { onNode } from "./on-node.ts";
import type { CliWorld } from "./world.ts";

export const logsCommand = command({
  name: "logs",
  describe: "Show what a command in the background has written",
  about: "Show what a command that socketplane run -d has started has written, and its errors.",
  arguments: { name: { describe: "The run's name", completes: "run" } },
  options: {
    follow: {
      type: "flag",
      alias: "f",
      describe: "Go on with what it writes, until it ends or you press Ctrl-C",
    },
    lines: {
      type: "text",
      alias: "n",
      value: "N",
      describe: "Begin with the last N lines [default: all]",
    },
  },
  examples: [
    ["socketplane logs web-1", "All of it"],
    ["socketplane logs -f -n 10 web-1", "The last ten lines, and what comes"],
  ],
  run: (world, args) =>
    onNode(world, args, async (host) => {
      const lines = args.lines === undefined ? undefined : countOf(args.lines);
      const { detached } = knownRun(host, "show the log of", args.name);
      const [newest, older] = logsOf(host, args.name);
      const file = detached ? await world.openTail(newest) : undefined;
      if (file === undefined) {
        throw new Failure("io", `Cannot show the log of "${args.name}": it has none`, {
          details: "It is in the foreground: what it writes is where it was started.",
        });
      }
      const text = (world.readFile(older) ?? "") + (await file.readOn());
      world.terminal.stdout(lastOf(text, lines));
      if (args.follow) await follow(world, host, args.name, file);
      await file.close();
    }),
});

/** Milliseconds between two looks. */
const lookMs = 100;

async function follow(world: CliWorld, host: Host, name: string, file: Tail): Promise<void> {
  const interrupted = world.interrupted();
  while (!interrupted.aborted) {
    const run = readRun(host, name);
    const running = run !== undefined && isRunning(host, world, run);
    // Looked at before this: what has ended writes no more.
    const text = await file.readOn();
    if (text !== "") world.terminal.stdout(text);
    if (!running) return;
    await world.pause(lookMs);
  }
}

/** The last lines, as they are; the very last may have no end. */
function lastOf(text: string, count: number | undefined): string {
  if (count === undefined) return text;
  const lines = text.split(/(?<=\n)/);
  return lines.slice(lines.length - Math.min(count, lines.length)).join("");
}
