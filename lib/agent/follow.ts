/** What leads to what: events of the store, of the switch and of the clock, and what is done then. */
import { deadlineIn } from "../deadline.ts";
import type { Failure } from "../errors.ts";
import { markFresh } from "../ipam/freshness.ts";
import type { Log } from "../log.ts";
import { followCluster } from "./cluster-task.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { type Cluster, lastRevision } from "./model.ts";
import { isUserspace, probeVteps, vtepsHere } from "./neighbours.ts";
import { pause } from "./pause.ts";
import { putAllRight } from "./put-right.ts";
import { type Here, openSituation, type Situation } from "./situation.ts";
import { followStore, type StoreEvents } from "./store-watch.ts";
import { followDaemon, followDatabase, type SwitchEvents } from "./switch-watch.ts";
import { distrustAll } from "./take-in.ts";
import { upkeep } from "./upkeep.ts";
import { openWork, type Work } from "./work.ts";
import type { AgentWorld, ThisNode } from "./world.ts";

/** In the order in which they are done. */
const tasks = [
  "switch",
  "cluster",
  "fresh",
  "stale",
  "neighbours",
  "attachments",
  "minute",
] as const;
type Task = (typeof tasks)[number];

export interface Followed {
  readonly node: ThisNode;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly signal: AbortSignal;
}

/** How long one task may take, milliseconds. */
const taskMs = 10_000;
const minuteMs = 60_000;
/** From the first of some changes until something is done about them all, milliseconds. */
const gatherMs = 300;

/** Follows everything until the signal aborts. */
export async function follow(world: AgentWorld, followed: Followed): Promise<void> {
  const { node, log, signal, health, metrics } = followed;
  const { sinceBoot } = world.kernel;
  const situation = openSituation();
  const work: Work<Task> = openWork({
    order: tasks,
    random: world.random,
    perform: (task, why) =>
      node.use((host) => perform(task, why, { ...followed, host, situation }, work.ask)),
    failed: (task, { message, details }) => {
      metrics.count("socketplane_failures_total", { what: task });
      log.error(`cannot bring the ${task} up to date`, { reason: message, details });
      if (task === "switch" || task === "cluster") health.report(task, message);
    },
  });
  const { runDir, bridge } = node.config.ovs;
  const deps = { connect: world.connect, random: world.random };
  const switchEvents = onSwitch(followed, work, signal);
  const session = () => ({ revision: lastRevision(situation.applied) });
  work.ask("switch", "start");
  world.onHurry(() => {
    for (const task of ["switch", "minute"] as const) work.ask(task, "hurry");
  });
  await Promise.all([
    work.run(signal),
    followDaemon(deps, `${runDir}/${bridge}.mgmt`, switchEvents.daemon, signal),
    followDatabase(deps, `${runDir}/db.sock`, switchEvents, signal),
    followStore(
      { node, sinceBoot, random: world.random, session },
      onStore(world, followed, situation, work),
      signal,
    ),
    eachMinute(work, signal),
  ]);
}

async function perform(task: Task, why: string, here: Here, ask: Work<Task>["ask"]): Promise<void> {
  const { host, situation, health, signal, metrics } = here;
  const deadline = deadlineIn(host.clock, taskMs);
  switch (task) {
    case "switch": {
      await putSwitchRight(here, why);
      health.report("switch", undefined);
      return ask("neighbours", why);
    }
    case "cluster": {
      const changed = await followCluster(here, { deadline, signal });
      health.report("cluster", undefined);
      if (changed.length > 0) ask("neighbours", "changes");
      return;
    }
    case "fresh": {
      // Written down is what was heard before; what is heard now is none the older for it.
      const isApplied = situation.heardApplied >= situation.heardSeen;
      const age = host.ipam.sinceBoot() - situation.seenAt;
      if (isApplied && age < taskMs) markFresh(host.ipam);
      return;
    }
    case "stale":
      return distrustAll(host, { deadline, signal });
    case "neighbours": {
      const vteps = vtepsHere(host);
      const count = vteps.length > 0 && isUserspace(host, deadline) ? probeVteps(host, vteps) : 0;
      return metrics.set("socketplane_vteps", count);
    }
    case "attachments":
    case "minute":
      return upkeep(here, task, deadline);
  }
}

/** Whatever may have forgotten everything gets everything; else only what differs. */
async function putSwitchRight({ host, metrics, signal }: Here, why: string): Promise<void> {
  const began = host.clock();
  const what = ["start", "daemon", "database"].includes(why) ? "all" : "if different";
  const deadline = deadlineIn(host.clock, taskMs);
  const put = await putAllRight(host, what, { deadline, signal });
  const result = put.changes > 0 || put.ports.length > 0 ? "changed" : "same";
  metrics.count("socketplane_syncs_total", { why, result });
  metrics.count("socketplane_sync_seconds_total", {}, (host.clock() - began) / 1_000);
  metrics.set("socketplane_flows", put.flows);
  metrics.set("socketplane_networks_here", put.networks);
  metrics.set("socketplane_attachments", put.attachments);
}

function onStore(
  world: AgentWorld,
  { log, health, metrics }: Followed,
  situation: Situation,
  work: Work<Task>,
): StoreEvents {
  const { sinceBoot } = world.kernel;
  return {
    known: (cluster, how) => {
      const before = situation.cluster;
      situation.cluster = cluster;
      metrics.set("socketplane_revision_seen", lastRevision(cluster));
      if (how !== "watched") {
        metrics.count("socketplane_store_reads_total", { why: how });
        situation.ask = true;
        situation.seenAt = sinceBoot();
      }
      situation.heard += 1;
      if (how === "watched" && isChanged(before, cluster)) {
        situation.changedAt ??= sinceBoot();
      }
      work.ask("cluster", how);
    },
    seen: (at, lagMs) => {
      situation.seenAt = at;
      situation.heardSeen = situation.heard;
      metrics.set("socketplane_watch_lag_seconds", lagMs / 1_000);
      metrics.set("socketplane_store_up", 1);
      metrics.set("socketplane_seen_timestamp_seconds", world.wallClock() / 1_000);
      if (health.report("store", undefined)) {
        log.info("the store is followed");
        work.ask("minute", "store");
      }
      work.ask("fresh", "seen");
    },
    away: ({ kind, message, details }: Failure) => {
      metrics.set("socketplane_store_up", 0);
      metrics.count("socketplane_failures_total", { what: "store" });
      const isNews = health.report("store", message);
      if (!isNews) return;
      log[kind === "try-again" ? "warn" : "error"]("cannot follow the store", {
        reason: message,
        details,
      });
      // Of another store, or one that knows us no longer, nothing is to be taken for true.
      if (kind === "store-refused") work.ask("stale", "refused");
    },
  };
}

const isChanged = (before: Cluster | undefined, now: Cluster): boolean =>
  before?.networks !== now.networks || before.nodes !== now.nodes || before.leases !== now.leases;

function onSwitch(
  { log, health, metrics }: Followed,
  work: Work<Task>,
  signal: AbortSignal,
): SwitchEvents {
  const gather = openGathering(signal);
  const seen = new Set<string>();
  // The first time, it is that which the start has seen to.
  const why = (what: string) => {
    if (seen.has(what)) return what;
    seen.add(what);
    return "first sight";
  };
  return {
    daemon: (state) => {
      metrics.set("socketplane_switch_up", state === "here" ? 1 : 0);
      log.info(`the switch is ${state}`);
      if (state === "away") health.report("switch", "ovs-vswitchd does not answer");
      else work.ask("switch", why("daemon"));
    },
    database: (state) => {
      if (state === "here") work.ask("switch", why("database"));
    },
    rows: ({ attachments, surroundings }) => {
      if (attachments) gather("attachments", () => work.ask("attachments", "rows"));
      if (surroundings) gather("switch", () => work.ask("switch", "rows"));
    },
  };
}

/** Does something a while after it was first asked for, once. */
function openGathering(signal: AbortSignal) {
  const gathering = new Set<string>();
  return (what: string, act: () => void): void => {
    if (gathering.has(what)) return;
    gathering.add(what);
    void pause(gatherMs, signal).then(() => {
      gathering.delete(what);
      if (!signal.aborted) act();
    });
  };
}

async function eachMinute(work: Work<Task>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(minuteMs, signal);
    work.ask("switch", "minute");
    work.ask("minute", "minute");
  }
}
