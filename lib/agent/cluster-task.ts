/** Brings what has changed in the store into the run directory, and from there into the switch. */
import { Failure } from "../errors.ts";
import { unmarkAway } from "../ipam/freshness.ts";
import { heldNow } from "../ipam/held.ts";
import { rememberNames } from "../ipam/known-names.ts";
import { changesBetween, type NetworkChange } from "./changes.ts";
import type { Patience } from "./locks.ts";
import { type Cluster, lastRevision } from "./model.ts";
import { bringChanges } from "./put-right.ts";
import type { Here } from "./situation.ts";
import { takeIn } from "./take-in.ts";

/** Gives the networks that have other peers now. */
export async function followCluster(here: Here, patience: Patience): Promise<readonly string[]> {
  const { host, situation, metrics } = here;
  const { cluster, ask, changedAt, heard } = situation;
  if (cluster === undefined) return [];
  const self = host.ipam.node().name;
  const changes = changesBetween(situation.applied, cluster, self);
  situation.changedAt = undefined;
  situation.ask = false;
  // It has just answered, whatever was found before.
  if (ask) unmarkAway(host.ipam);
  try {
    const known = { cluster, at: situation.seenAt, how: ask ? "ask" : "watched" } as const;
    const all = ask ? withAll(here, cluster, changes) : changes;
    const standing: NetworkChange[] = [];
    const faults: unknown[] = [];
    for (const change of all) {
      try {
        const outcome = await takeIn(host, change.network, known, patience);
        if (outcome === "here") standing.push(change);
      } catch (fault) {
        // The others are none the worse for it.
        faults.push(fault);
      }
    }
    const changed = await bringChanges(host, standing, patience);
    if (faults.length > 0) throw Failure.join("try-again", "Cannot follow the cluster", faults);
    situation.applied = cluster;
    situation.heardApplied = heard;
    rememberNames(host.run, {
      networks: [...cluster.networks.keys()],
      nodes: [...cluster.nodes.keys()],
    });
    tell(here, cluster, self);
    if (changed.length > 0) metrics.count("socketplane_changes_total", {}, changed.length);
    if (changedAt !== undefined) {
      metrics.set("socketplane_change_seconds", (host.ipam.sinceBoot() - changedAt) / 1_000);
    }
    return changed;
  } catch (fault) {
    situation.changedAt = changedAt;
    situation.ask = ask;
    throw fault;
  }
}

/** The networks that have not changed as well, as far as there is anything of them here. */
function withAll(
  { host }: Here,
  cluster: Cluster,
  changes: readonly NetworkChange[],
): readonly NetworkChange[] {
  const changed = new Set(changes.map(({ network }) => network));
  const others = host.ipam.dirs.networks
    .list()
    .filter((name) => !changed.has(name) && !cluster.unreadable.has(name))
    .filter((name) => heldNow(host.ipam.dirs, name) !== undefined);
  return [...changes, ...others.map(unchanged)];
}

const unchanged = (network: string): NetworkChange => ({
  network,
  record: "same",
  peers: { added: [], removed: [] },
  gained: [],
  lost: [],
});

function tell({ metrics }: Here, cluster: Cluster, self: string): void {
  const leases = [...cluster.leases.values()].flatMap((one) => [...one.values()]);
  const own = leases.filter(({ node }) => node === self).length;
  metrics.set("socketplane_revision_applied", lastRevision(cluster));
  metrics.set("socketplane_networks", cluster.networks.size);
  metrics.set("socketplane_nodes", cluster.nodes.size);
  metrics.set("socketplane_leases", own, { of: "own" });
  metrics.set("socketplane_leases", leases.length - own, { of: "peer" });
  metrics.set("socketplane_unreadable_keys", cluster.unreadable.size);
}
