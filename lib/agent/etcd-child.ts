/**
 * The etcd that is a child of the agent, where no service manager looks after it: started anew when
 * it ends, ended with the agent, and what it says in the agent's log. See agent.ts.
 */
import { Failure, reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { EtcdChildConfig } from "../node-config.ts";
import { readEtcdLine } from "../service/etcd-line.ts";
import { parseProcess, processFile } from "../service/process-file.ts";
import { etcdPrograms } from "../service/services.ts";
import { type Child, howEnded, isSameProcess } from "../sys/background.ts";
import { backOff, pause } from "./pause.ts";
import type { Records } from "./records.ts";
import type { AgentWorld, ThisNode } from "./world.ts";

export interface EtcdDeps {
  readonly node: Pick<ThisNode, "use">;
  readonly log: Log;
  readonly records: Records;
}

/** Milliseconds. One that ran for so long and ended is no longer failing from its start. */
const steadyMs = 30_000;
const retries = { first: 250, last: 15_000 } as const;
/** How long it may take to close its data. */
const endMs = 5_000;

/** How many of its last lines are told of one that has ended. */
const told = 5;

/**
 * Starts it, and keeps it running until the function that this gives is called, which ends it.
 * Throws Failure "io" where its program or its settings are not there.
 */
export async function keepEtcd(
  world: AgentWorld,
  config: EtcdChildConfig,
  { node, log, records }: EtcdDeps,
): Promise<() => Promise<void>> {
  const path = programOf(world, config);
  if (!world.isThere(config.config)) {
    throw new Failure("io", `Cannot run etcd: its settings ${config.config} are not there`, {
      details: '"etcd.config" in node.json names them.',
    });
  }
  await endFormer(world, node, log);
  const ending = new AbortController();
  let child: Child | undefined;
  const keeping = (async () => {
    const wait = backOff(retries, world.random);
    while (!ending.signal.aborted) {
      const began = world.clock();
      const last: string[] = [];
      const how = await once(last);
      if (ending.signal.aborted) break;
      if (world.clock() - began > steadyMs) wait.reset();
      const ms = Math.round(wait.next());
      log.error("etcd has ended, and is started again", { how, said: last, in: `${ms} ms` });
      await pause(ms, ending.signal);
    }
  })();
  /** Runs it once, and gives how it ended. */
  async function once(last: string[]): Promise<string> {
    child = world.startChild({ path, args: ["--config-file", config.config], env }, (line) => {
      if (last.push(line) > told) last.shift();
      const { level, message, fields } = readEtcdLine(line);
      log[level](message, fields);
    });
    try {
      const { pid, ended } = child;
      // It runs by way of another program, so which it is, is not told by that.
      const found = pid === undefined ? undefined : world.processes.find(pid);
      if (found !== undefined) {
        await records.put("etcd", { ...found, program: undefined });
        log.info("etcd runs", { process: pid });
      }
      return howEnded(await ended);
    } catch (fault) {
      return reasonOf(fault);
    }
  }
  return async () => {
    ending.abort();
    child?.send("SIGTERM");
    const late = setTimeout(() => child?.send("SIGKILL"), endMs);
    await keeping;
    clearTimeout(late);
    await records.put("etcd", undefined);
  };
}

/** Of etcd on machines where it asks to be told that it may run there; ignored on others. */
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ETCD_UNSUPPORTED_ARCH: "arm64" } as const;

function programOf(world: AgentWorld, { program }: EtcdChildConfig): string {
  const candidates = program === undefined ? etcdPrograms : [program];
  const found = candidates.find(world.isThere);
  if (found !== undefined) return found;
  const places = candidates.join(" nor ");
  throw new Failure("io", `Cannot run etcd: there is no program ${places}`, {
    details:
      'Install it (Debian and Ubuntu: apt install etcd-server), or name it by "etcd.program" in node.json.',
  });
}

/** One that a killed agent has left, where the kernel did not see to it, has the data still open. */
async function endFormer(world: AgentWorld, node: EtcdDeps["node"], log: Log): Promise<void> {
  const text = await node.use(({ run }) => run.read(processFile("etcd")));
  const former = text === undefined ? undefined : parseProcess(text);
  if (former === undefined) return;
  const lives = () => isSameProcess(former, world.processes.find(former.pid));
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!lives()) return;
    log.warn("ends the etcd of an agent that was killed", { process: former.pid, signal });
    world.processes.send(former, signal);
    const until = world.clock() + endMs;
    const never = new AbortController().signal;
    while (lives() && world.clock() < until) await pause(50, never);
  }
}
