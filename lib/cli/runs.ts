/** `socketplane ps`, `stop`, `rm` and `logs`: what was started by `socketplane run`. */
import type { Host } from "../attach/host.ts";
import { removeGone } from "../attach/sweep.ts";
import type { Deadline } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import { tryLock } from "../run/claim.ts";
import { listRuns, type RunRecord, readRun } from "../run/record.ts";
import { isRunning } from "../run/settle.ts";
import { settleAll } from "../run/settle-all.ts";
import { removeRun, stopRun } from "../run/stop.ts";
import type { RunTools } from "../run/world.ts";
import { command } from "./command.ts";
import { chosenOf, containersHere } from "./containers.ts";
import { onNode } from "./on-node.ts";
import { show, withThose } from "./output.ts";
import { type RunState, runColumns, runOptional, shownRun } from "./run-shown.ts";
import { toolsOf } from "./run-tools.ts";

export const psCommand = command({
  name: "ps",
  describe: "List the commands that run on networks",
  about:
    "List what socketplane run has started on this machine. What was killed is cleaned up on the way.",
  options: {
    all: { type: "flag", alias: "a", describe: "Those in the background that have ended, too" },
  },
  examples: [["socketplane ps --all", "Those that have ended, too"]],
  run: (world, args) =>
    onNode(world, args, async (host) => {
      const tools = toolsOf(world, args);
      await settleAll(host, tools);
      const runs = listRuns(host).filter(({ end }) => args.all || end === undefined);
      const shown = runs.map((run) =>
        shownRun(host, run, stateOf(host, tools, run), world.wallClock()),
      );
      show(world.terminal, args.output, shown, withThose(runColumns, runOptional, shown));
    }),
});

function stateOf(host: Host, tools: RunTools, run: RunRecord): RunState {
  if (run.end !== undefined) return "ended";
  if (isRunning(host, tools, run)) return "running";
  const release = tryLock(host, run.name);
  release?.();
  return release === undefined ? "starting" : "lost";
}

const namesArgument = { describe: "Their names", many: true, completes: "run" } as const;

/** Seconds. */
const patience = 10;

export const stopCommand = command({
  name: "stop",
  describe: "End commands that run on networks",
  about: "End runs by SIGTERM, and those that have not ended in time by SIGKILL.",
  arguments: { names: namesArgument },
  options: {
    time: {
      type: "text",
      alias: "t",
      value: "SECONDS",
      describe: `Wait for so long [default: ${patience}]`,
    },
  },
  examples: [
    ["socketplane stop web-1 db", "End two"],
    ["socketplane stop -t 60 db", "With a minute's patience"],
  ],
  run: (world, args) =>
    onNode(world, args, async (host) => {
      const ms = 1000 * secondsOf(args.time);
      const tools = toolsOf(world, args);
      await each("stop", args.names, (name) => stopRun(host, tools, name, ms));
    }),
});

export const rmCommand = command({
  name: "rm",
  describe: "Forget commands in the background that have ended",
  about: [
    "Forget what socketplane run -d has started and what has ended, with its log.\n\n",
    "With --force also what any container has left whose network namespace was deleted, and for which ",
    'nobody calls DEL: socketplane info shows such a one as "gone". It gives its address back.',
  ].join(""),
  arguments: { names: namesArgument },
  options: { force: { type: "flag", alias: "f", describe: "End those that run, by SIGKILL" } },
  examples: [
    ["socketplane rm web-1", "Forget one that has ended"],
    ["socketplane rm --force web-1", "Whether it has ended or not"],
    ["socketplane rm --force shop/web-0", "What a container has left that is gone"],
  ],
  run: (world, args) =>
    onNode(world, args, async (host, deadline) => {
      const tools = toolsOf(world, args);
      const running = args.force ? "end" : "refuse";
      await each("remove", args.names, (name) =>
        args.force && readRun(host, name) === undefined
          ? removeLeft(host, name, deadline)
          : removeRun(host, tools, name, running),
      );
    }),
});

/** Of a container that is no run. */
async function removeLeft(host: Host, name: string, deadline: Deadline): Promise<void> {
  for (const { id } of chosenOf(containersHere(host), name, "remove")) {
    await removeGone(host, id, deadline);
  }
}

/** Does all that can be done, and then says what could not. */
async function each(
  action: string,
  names: readonly string[],
  act: (name: string) => Promise<unknown>,
): Promise<void> {
  const faults: unknown[] = [];
  const all = new Set(names);
  for (const name of all) {
    try {
      await act(name);
    } catch (fault) {
      faults.push(fault);
    }
  }
  if (faults.length === 1) throw faults[0];
  if (faults.length === 0) return;
  const state = `${faults.length} of ${all.size} could not be`;
  throw new Failure("io", `Cannot ${action} all: ${state}`, {
    details: faults.map(reasonOf).join("\n"),
    cause: faults[0],
  });
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return patience;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new Failure("usage", `Cannot wait: --time must be a number of seconds, not "${text}"`);
}
