/**
 * Writes down, in the run directory, what the store says of the networks that this node uses: what
 * ADD goes by, and what the switch's flows are made from.
 */
import { leaveNetwork } from "../attach/drop.ts";
import type { Host } from "../attach/host.ts";
import type { Deadline } from "../deadline.ts";
import { blockName, type HeldBlock } from "../ipam/assignment.ts";
import { freshMs, unmarkFresh } from "../ipam/freshness.ts";
import { heldNow, type NodeIpam, readCache, writeCache } from "../ipam/held.ts";
import type { Network } from "../ipam/network.ts";
import { refresh } from "../ipam/refresh.ts";
import { type Holding, holdingOf } from "../ipam/view.ts";
import { writeHeld } from "../ipam/write-held.ts";
import type { Revision } from "../store/store.ts";
import { type Patience, underNetworkLock } from "./locks.ts";
import type { Cluster } from "./model.ts";

/** "left": it was deleted, and nothing of it is here any more. */
export type TakenIn = "here" | "not here" | "left";

export interface Knowledge {
  readonly cluster: Cluster;
  /** When it was certain that nothing is missing, milliseconds since boot. */
  readonly at: number;
  /** Whether the watches are trusted, or the store is asked again. */
  readonly how: "ask" | "watched";
}

/** Brings one network up to date. Throws what the store throws when it has to be asked. */
export async function takeIn(
  host: Host,
  name: string,
  knowledge: Knowledge,
  patience: Patience,
): Promise<TakenIn> {
  const { ipam } = host;
  const { deadline } = patience;
  const before = heldNow(ipam.dirs, name);
  const holding = holdingNow(ipam, name, knowledge);
  const network = holding?.held.stored.network ?? before?.stored.network;
  const isHere = before !== undefined || (holding?.held.blocks.length ?? 0) > 0;
  if (network === undefined || !isHere) return "not here";
  if (holding === undefined || network.deleting) {
    const left = await leave(host, network, deadline);
    if (left || holding === undefined) return left ? "left" : "here";
  }
  const same = before !== undefined && sameBlocks(before.blocks, holding.held.blocks);
  const wanted = { name, spec: undefined };
  await underNetworkLock(ipam, name, patience, async (folder) => {
    // Blocks are found or lost by the store's own word only: a watch may be late.
    if (knowledge.how === "watched" && same) {
      const now = writeHeld(ipam, folder, holding.held, holding.peers);
      if (now.revision === holding.held.revision) return;
      // What a command has read since may lack what was seen of the nodes, and is kept.
    }
    await refresh(ipam, folder, wanted, "able", deadline);
  });
  return "here";
}

/**
 * Has the next command ask the store of every network here: what is written down stays, for the
 * flows are made from it, but is not taken for fresh.
 */
export async function distrustAll(host: Host, patience: Patience): Promise<void> {
  const { ipam } = host;
  unmarkFresh(ipam);
  for (const name of ipam.dirs.networks.list()) {
    if (heldNow(ipam.dirs, name) === undefined) continue;
    await underNetworkLock(ipam, name, patience, async (folder) => {
      const held = readCache(folder);
      if (held !== undefined) writeCache(folder, { ...held, readAt: -freshMs });
    });
  }
}

/** What the node holds according to what is known; undefined where there is no such network. */
function holdingNow(ipam: NodeIpam, name: string, { cluster, at }: Knowledge): Holding | undefined {
  const self = ipam.node();
  const stored = cluster.networks.get(name);
  const node = cluster.nodes.get(self.name);
  if (stored === undefined || node === undefined) return undefined;
  return holdingOf({
    stored: { network: stored.network, revision: stored.revision },
    node: { name: node.name, createRevision: node.createRevision },
    tunnel: self.vtep,
    leases: [...(cluster.leases.get(name)?.values() ?? [])].sort(
      (a, b) => a.prefix.base - b.prefix.base,
    ),
    nodes: cluster.nodes,
    revision: Math.max(cluster.certain, cluster.revisions.leases) as Revision,
    readAt: at,
  });
}

const sameBlocks = (some: readonly HeldBlock[], others: readonly HeldBlock[]): boolean =>
  some.length === others.length &&
  some.every((one) => others.some((other) => blockName(one) === blockName(other)));

/** False where a container is attached to it: then all of it stays until that is gone. */
async function leave(host: Host, network: Network, deadline: Deadline): Promise<boolean> {
  if ((await leaveNetwork(host, network, deadline)) === "left") return true;
  const { name } = network;
  if (network.deleting) host.log.warn("a network is being deleted, and in use here", { name });
  else host.log.error("a network was deleted, and is in use here", { name });
  return false;
}
