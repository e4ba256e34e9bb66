/**
 * The operator's command: what people type.
 *
 * Invariants: stdout has the answer only, as a table on a terminal and JSON otherwise; errors go to
 * stderr and say what to do; the exit status is 0, 1 (it failed) or 2 (it was called wrongly). What
 * can be typed is data (command.ts), listed in groups.ts: all that reads, completes or describes a
 * command line is made of that.
 * Why apart: all of this is loaded only here, never by a CNI command; and yargs, which takes longer
 * to load than most commands to run, only when there is something to parse.
 * Why above the others: what explains (doctor, topology, trace) is pure or asks by what it is handed;
 * only here it meets a command line.
 */
import { asFailure, Failure } from "../errors.ts";
import { refusedWith } from "../sys/errno.ts";
import { isGroup } from "./command.ts";
import { completeHere, completing } from "./complete-here.ts";
import { type Found, find, optionsIn } from "./find.ts";
import { entries } from "./groups.ts";
import { helpOf } from "./help.ts";
import { formatFailure, quiet } from "./output.ts";
import { explain, explainNoCommand } from "./usage.ts";
import type { CliWorld } from "./world.ts";

const exitStatus = { done: 0, failed: 1, usage: 2 } as const;

/** Runs one command line (without the program's name) and gives back the exit status. */
export async function runCli(world: CliWorld, args: readonly string[]): Promise<number> {
  try {
    return await runLine(world, args);
  } catch (thrown) {
    // Who read the answer has enough of it, as head does: that needs no words.
    if (refusedWith(thrown, "EPIPE") && thrown.subject === "stdout") return exitStatus.failed;
    const failure = asFailure(world.isRoot ? thrown : withSudo(thrown, args));
    world.terminal.stderr(formatFailure(failure));
    return failure.kind === "usage" ? exitStatus.usage : exitStatus.failed;
  } finally {
    world.terminal.progress(undefined);
  }
}

async function runLine(world: CliWorld, args: readonly string[]): Promise<number> {
  const { terminal, version } = world;
  const [first, ...words] = args;
  if (first === completing) {
    await completeHere(world, words, entries);
    return exitStatus.done;
  }
  // As with git, docker and kubectl: `socketplane help network` is `socketplane network --help`.
  const found = find(first === "help" ? [...words, "--help"] : args, entries);
  const { entry, rest } = found;
  const asked = optionsIn(rest);
  if (found.unknown === undefined && asked.some((word) => word === "--help" || word === "-h")) {
    terminal.stdout(helpOf(found, terminal.width));
    return exitStatus.done;
  }
  if (asked.includes("--version")) {
    terminal.stdout(`${version}\n`);
    return exitStatus.done;
  }
  if (args.length === 0) {
    terminal.stderr(helpOf(found, terminal.width));
    return exitStatus.usage;
  }
  if (entry === undefined || isGroup(entry) || found.unknown !== undefined) {
    throw usageFailure(explainNoCommand(found, entries), found);
  }
  const { parse } = await import("./parse.ts");
  const complain = (complaint: string) => usageFailure(explain(complaint, rest, entry), found);
  const values = await parse(entry, rest, complain);
  const spoken = asked.includes("--quiet") ? { ...world, terminal: quiet(terminal) } : world;
  return (await entry.run(spoken, values)) ?? exitStatus.done;
}

/** What only root may do is nearly always refused for want of that. */
function withSudo(thrown: unknown, args: readonly string[]): unknown {
  if (!refusedWith(thrown, "EACCES", "EPERM")) return thrown;
  const { path } = find(args, entries);
  return new Failure(thrown.kind, thrown.message, {
    details: `SocketPlane must run as root: ${["sudo socketplane", ...path].join(" ")}`,
    cause: thrown,
  });
}

const usageFailure = (state: string, { path }: Found): Failure =>
  new Failure("usage", `Cannot understand the command line: ${state}`, {
    details: `Try: ${["socketplane", ...path, "--help"].join(" ")}`,
  });
