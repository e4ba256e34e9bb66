/** What the agent does, one at a time, each with an end. */
import { isUserspace } from "../attach/bridge.ts";
import { mostAsked, resolveVteps, vtepsHere } from "../attach/neighbours.ts";
import { underlayFault } from "../attach/tunnel.ts";
import { underlayLinkName } from "../attach/underlay.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { markFresh } from "../ipam/freshness.ts";
import { hexOfVtep } from "../store/keys.ts";
import { followCluster } from "./cluster-task.ts";
import { joinNetworks } from "./join.ts";
import type { Patience } from "./locks.ts";
import { dueVteps } from "./neighbours.ts";
import { putAllRight } from "./put-right.ts";
import type { Here } from "./situation.ts";
import { distrustAll } from "./take-in.ts";
import { upkeep } from "./upkeep.ts";
import type { Work } from "./work.ts";

/** In the order in which they are done. */
export const tasks = [
  "switch",
  "cluster",
  "fresh",
  "stale",
  "neighbours",
  "join",
  "attachments",
  "minute",
] as const;
export type Task = (typeof tasks)[number];

/**
 * How long one task may take, milliseconds: a switch that hangs is waited for in system calls, and
 * nothing else goes on meanwhile, the session's being kept included.
 */
const taskMs = 8_000;

/** Does one task; `why` it was asked for says how much of it. */
export async function perform(
  task: Task,
  why: string,
  here: Here,
  ask: Work<Task>["ask"],
): Promise<void> {
  const { host, situation, health, metrics, signal } = here;
  const deadline = deadlineIn(host.clock, taskMs);
  const patience = { deadline, signal };
  switch (task) {
    case "switch": {
      await putSwitchRight(here, why, patience);
      // One that was restarted has forgotten these too.
      if (why === "daemon") situation.probed.clear();
      health.report("switch", undefined);
      return ask("neighbours", why);
    }
    case "cluster": {
      const { ask: asked } = situation;
      const changed = await followCluster(here, patience);
      health.report("cluster", undefined);
      // What is written down now may be more than leases: another VTEP, a block claimed again.
      if (asked) ask("switch", "store read");
      if (changed.length > 0) ask("neighbours", "changes");
      return ask("join", "changes");
    }
    case "fresh": {
      return keepFresh(here);
    }
    case "stale":
      // What was heard last was heard of a store that is not to be followed.
      situation.seenAt = 0;
      return distrustAll(host, patience);
    case "neighbours":
      lookAtUnderlay(here, deadline);
      return keepResolved(here, why, patience);
    case "join": {
      const joined = await joinNetworks(here, patience);
      metrics.count("socketplane_joins_total", {}, joined.length);
      if (joined.length > 0) ask("neighbours", "joined");
      return;
    }
    case "minute":
      ask("join", why);
      return upkeep(here, task, deadline);
    case "attachments":
      return upkeep(here, task, deadline);
  }
}

/** A daemon that was restarted has forgotten everything; else only what differs is sent. */
async function putSwitchRight(
  { host, metrics }: Here,
  why: string,
  patience: Patience,
): Promise<void> {
  const began = host.clock();
  const put = await putAllRight(host, why === "daemon" ? "all" : "if different", patience);
  const result = put.changes > 0 || put.ports.length > 0 ? "changed" : "same";
  metrics.count("socketplane_syncs_total", { why, result });
  metrics.count("socketplane_sync_seconds_total", {}, (host.clock() - began) / 1_000);
  metrics.set("socketplane_flows", put.flows);
  metrics.set("socketplane_networks_here", put.networks);
  metrics.set("socketplane_attachments", put.attachments);
}

/** Written down is what was heard before; what is heard now is none the older for it. */
function keepFresh({ host, situation }: Here): void {
  const isApplied = situation.heardApplied >= situation.heardSeen;
  const age = host.ipam.sinceBoot() - situation.seenAt;
  if (isApplied && age < taskMs) markFresh(host.ipam);
}

/** Nothing else tells: ADD, the tunnel's port and the flows are all as they should be. */
function lookAtUnderlay({ host, health }: Here, deadline: Deadline): void {
  if (host.ipam.node().vtep === undefined) return;
  const link = underlayLinkName(host);
  const fault = link === undefined ? undefined : underlayFault(host, link, deadline);
  if (!health.report("underlay", fault) || fault === undefined) return;
  host.log.error("nothing reaches other nodes from here", {
    reason: fault,
    remedy: `move the address to a bridge: ovs-vsctl add-br br-phy -- set bridge br-phy datapath_type=netdev -- add-port br-phy ${link}`,
  });
}

/** Of what has come to be only the new ones; else each, for the switch forgets them. */
function keepResolved(
  { host, metrics, situation: { probed } }: Here,
  why: string,
  { deadline }: Patience,
): void {
  const vteps = vtepsHere(host);
  metrics.set("socketplane_vteps", vteps.length);
  if (vteps.length === 0 || !isUserspace(host, deadline)) return;
  const which = why === "changes" || why === "joined" ? "new" : "all";
  const most = mostAsked(host);
  const due = dueVteps(vteps, probed, which, most);
  resolveVteps(host, due, { which: "all", most }, deadline);
  const known = new Set(vteps.map(hexOfVtep));
  for (const key of probed.keys()) if (!known.has(key)) probed.delete(key);
  for (const vtep of due) probed.set(hexOfVtep(vtep), host.ipam.sinceBoot());
}
