/** A further command in a run's namespace. See supervise.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import { Failure } from "../errors.ts";
import type { Netns } from "../sys/kernel.ts";
import type { ExitStatus, Program } from "../sys/processes.ts";
import { NotStarted } from "./not-started.ts";
import { isRunning } from "./settle.ts";
import { knownRun } from "./stop.ts";
import type { RunTools } from "./world.ts";

/** Runs it with our own streams, to its end. Throws a Failure where it can't be started. */
export async function enter(
  host: Host,
  tools: RunTools,
  name: string,
  { argv, env }: Pick<Program, "argv" | "env">,
): Promise<ExitStatus> {
  const relay = tools.programs.relay();
  const netns = openNetnsOf(host, tools, name);
  try {
    const started = await tools.programs.start({ argv, env, netns, streams: "ours" });
    if (started.how === "refused") throw new NotStarted(argv[0] ?? "", started.errno);
    relay.to(started.process);
    return await started.ended;
  } finally {
    host.kernel.closeNetns(netns);
    relay.release();
  }
}

function openNetnsOf(host: Host, tools: RunTools, name: string): Netns {
  const run = knownRun(host, "run a command in", name);
  const pid = isRunning(host, tools, run) ? run.process?.pid : undefined;
  const netns = pid === undefined ? undefined : host.kernel.openNetns(`/proc/${pid}/ns/net`);
  if (netns?.id === run.netns) return netns;
  if (netns !== undefined) host.kernel.closeNetns(netns);
  const state =
    run.end === undefined && run.process === undefined ? "it only starts" : "it has ended";
  throw new Failure("unknown-container", `Cannot run a command in "${name}": ${state}`);
}
