/** What follows from what is heard of the store and of the switch. */
import type { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { type Cluster, lastRevision } from "./model.ts";
import { pause } from "./pause.ts";
import type { StoreEvents } from "./round.ts";
import type { Situation } from "./situation.ts";
import type { SwitchEvents } from "./switch-watch.ts";
import type { Task } from "./tasks.ts";
import type { Work } from "./work.ts";
import type { AgentWorld } from "./world.ts";

export interface Listening {
  readonly world: Pick<AgentWorld, "kernel" | "wallClock">;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly situation: Situation;
  readonly work: Pick<Work<Task>, "ask">;
  readonly signal: AbortSignal;
}

/** From the first of some changes until something is done about them all, milliseconds. */
const gatherMs = 300;

export function onStore(listening: Listening): StoreEvents {
  const { world, log, health, metrics, situation, work } = listening;
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

export function onSwitch({ log, health, metrics, work, signal }: Listening): SwitchEvents {
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
