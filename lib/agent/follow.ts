/** Sets the agent going: what it listens to, and what it does. */
import type { Log } from "../log.ts";
import { onStore, onSwitch } from "./events.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { lastRevision } from "./model.ts";
import { pause } from "./pause.ts";
import { openSituation } from "./situation.ts";
import { followStore } from "./store-watch.ts";
import { followDaemon, followDatabase } from "./switch-watch.ts";
import { perform, type Task, tasks } from "./tasks.ts";
import { openWork, type Work } from "./work.ts";
import type { AgentWorld, ThisNode } from "./world.ts";

export interface Followed {
  readonly node: ThisNode;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly signal: AbortSignal;
}

const minuteMs = 60_000;

/** Follows everything until the signal aborts. */
export async function follow(world: AgentWorld, followed: Followed): Promise<void> {
  const { node, log, signal, health, metrics } = followed;
  const { sinceBoot } = world.kernel;
  const situation = openSituation();
  const told = new Map<Task, string>();
  const work: Work<Task> = openWork({
    order: tasks,
    random: world.random,
    perform: async (task, why) => {
      await node.use((host) => perform(task, why, { ...followed, host, situation }, work.ask));
      told.delete(task);
    },
    failed: (task, { message, details }) => {
      metrics.count("socketplane_failures_total", { what: task });
      // Tried again and again, it is said once.
      const level = told.get(task) === message ? "debug" : "error";
      told.set(task, message);
      log[level](`cannot bring the ${task} up to date`, { reason: message, details });
      if (task === "switch" || task === "cluster") health.report(task, message);
    },
  });
  const { runDir, bridge } = node.config.ovs;
  const deps = { connect: world.connect, random: world.random };
  const listening = { ...followed, world, situation, work };
  const switchEvents = onSwitch(listening);
  const session = () => ({ revision: lastRevision(situation.applied) });
  work.ask("switch", "start");
  world.onHurry(() => {
    for (const task of ["switch", "minute"] as const) work.ask(task, "hurry");
  });
  await Promise.all([
    work.run(signal),
    followDaemon(deps, `${runDir}/${bridge}.mgmt`, switchEvents.daemon, signal),
    followDatabase(deps, `${runDir}/db.sock`, switchEvents, signal),
    followStore({ node, sinceBoot, random: world.random, session }, onStore(listening), signal),
    eachMinute(work, signal),
  ]);
}

async function eachMinute(work: Work<Task>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(minuteMs, signal);
    work.ask("switch", "minute");
    work.ask("minute", "minute");
  }
}
