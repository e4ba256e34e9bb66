/**
 * Runs: commands in network namespaces of their own, on our networks, with no container engine.
 *
 * Invariants: what a run has of the network is made by ADD and taken away by DEL, under a CNI name of
 * its own, so that agent, GC and `network delete` treat it as any other; nothing holds its namespace
 * but the process that watches over it and the command's own processes, so that one that is killed
 * leaves no namespace behind; its record is written before there is anything to take away, and
 * removed after that is gone; who watches over it holds its name's lock, and whoever finds that lock
 * free, and no command running, takes away what is left.
 * Why a process that watches, in the background too: somebody has to see how the command ends, and
 * to give its address back then.
 * Source: the first SocketPlane's `socketplane run`, `stop`, `rm` and `info`.
 */
import type { Host } from "../attach/host.ts";
import type { Netns } from "../sys/kernel.ts";
import type { ExitStatus, Program, Relay } from "../sys/processes.ts";
import { claimName } from "./claim.ts";
import { NotStarted } from "./not-started.ts";
import { attachmentsOf, logsOf, type RunRecord, writeRun } from "./record.ts";
import { addRequest, type Wanted } from "./request.ts";
import { finish } from "./settle.ts";
import { settleAll } from "./settle-all.ts";
import type { RunTools } from "./world.ts";

export interface Wish {
  /** By default one that is made of the command's. */
  readonly name: string | undefined;
  readonly argv: readonly string[];
  readonly env: Program["env"];
  /** One interface for each: eth0, eth1, ... */
  readonly networks: readonly Wanted[];
  /** In the background, what it writes goes into a log. */
  readonly detached: boolean;
  readonly stdin: "empty" | "kept open";
  readonly kept: boolean;
}

export interface Ended {
  readonly status: ExitStatus;
  /** Why all of it could not be taken away; who comes next tries again. */
  readonly fault: unknown;
}

/**
 * Runs a command to its end, and takes everything away again; calls `onStarted` when it runs. Throws
 * a Failure where it can't be started: then nothing is left of it.
 */
export async function supervise(
  host: Host,
  tools: RunTools,
  wish: Wish,
  onStarted: (run: RunRecord) => void,
): Promise<Ended> {
  // From here on a signal ends the run, and not us in the midst of it.
  const relay = tools.programs.relay();
  try {
    await settleAll(host, tools);
    const claimed = await claimName(host, tools, wish.name, wish.argv[0] ?? "");
    try {
      return await superviseAs(host, tools, wish, claimed.name, relay, onStarted);
    } finally {
      claimed.release();
    }
  } finally {
    relay.release();
  }
}

async function superviseAs(
  host: Host,
  tools: RunTools,
  wish: Wish,
  name: string,
  relay: Relay,
  onStarted: (run: RunRecord) => void,
): Promise<Ended> {
  const netns = host.kernel.createNetns();
  let run = recordOf(host, name, wish, netns);
  try {
    writeRun(host, run);
    let status: ExitStatus;
    let limited: (() => void) | undefined;
    try {
      const started = await startIn(host, tools, run, wish, netns, relay);
      if (started.how === "interrupted") return await leave(host, tools, run, started.status);
      run = { ...run, process: started.process };
      writeRun(host, run);
      onStarted(run);
      if (run.detached) limited = await limitLog(host, tools, run.name);
      status = await started.ended;
    } catch (fault) {
      await finish(host, tools, { ...run, kept: false }, undefined);
      throw fault;
    } finally {
      limited?.();
    }
    return await leave(host, tools, run, status);
  } finally {
    host.kernel.closeNetns(netns);
  }
}

async function leave(
  host: Host,
  tools: RunTools,
  run: RunRecord,
  status: ExitStatus,
): Promise<Ended> {
  try {
    await finish(host, tools, run, status);
    return { status, fault: undefined };
  } catch (fault) {
    return { status, fault };
  }
}

function recordOf(host: Host, name: string, wish: Wish, netns: Netns): RunRecord {
  const { argv, detached, kept } = wish;
  return {
    name,
    argv,
    interfaces: wish.networks.map(({ network }, index) => ({ ifname: `eth${index}`, network })),
    boot: host.kernel.bootId(),
    netns: netns.id,
    detached,
    kept,
    began: host.kernel.sinceBoot(),
  };
}

/** It is in memory: as much again is in the part before. */
const limit = { bytes: 10 << 20, everyMs: 50 } as const;

const limitLog = (host: Host, { programs }: RunTools, name: string) =>
  programs.limitLog(...logsOf(host, name), limit);

const loopback = 1;

async function startIn(
  host: Host,
  { plugin, programs }: RunTools,
  run: RunRecord,
  wish: Wish,
  netns: Netns,
  relay: Relay,
) {
  const links = host.kernel.links(netns);
  try {
    links.apply([{ do: "set link", index: loopback, up: true }]);
  } finally {
    links.close();
  }
  const wanted = attachmentsOf(run).map((id, index) => ({ id, ...wish.networks[index] }));
  for (const { id, network = "", address, mac } of wanted) {
    await plugin.add(addRequest(id, { network, address, mac }, netns));
  }
  const interrupted = relay.caught();
  if (interrupted !== undefined) return { how: "interrupted", status: interrupted } as const;
  const streams = run.detached ? { log: logsOf(host, run.name)[0], stdin: wish.stdin } : "ours";
  const started = await programs.start({ argv: run.argv, env: wish.env, netns, streams });
  if (started.how === "refused") throw new NotStarted(run.argv[0] ?? "", started.errno);
  relay.to(started.process);
  return started;
}
