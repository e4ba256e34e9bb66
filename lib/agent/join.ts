/**
 * Brings this node into the cluster's networks that it has no part in yet: with a block, an address
 * of its own and the gateway's, so that its host reaches their containers, and the first ADD has
 * nothing to make. (An API server calls containers of nodes where it has none itself.)
 */
import { makeGateway } from "../attach/gateway-make.ts";
import { asFailure } from "../errors.ts";
import { countFree } from "../ipam/choose-block.ts";
import { heldNow } from "../ipam/held.ts";
import { refresh } from "../ipam/refresh.ts";
import { type Patience, underNetworkLock, underSwitchLock } from "./locks.ts";
import type { Cluster } from "./model.ts";
import type { Here } from "./situation.ts";

/** Gives the networks that were joined. One that can't be is said once, and tried each minute. */
export async function joinNetworks(here: Here, patience: Patience): Promise<readonly string[]> {
  const joined: string[] = [];
  for (const network of outside(here)) {
    if (here.signal.aborted) break;
    try {
      await join(here, network, patience);
      here.situation.notJoined.delete(network);
      here.host.log.info("joined a network", { network });
      joined.push(network);
    } catch (thrown) {
      const { message } = asFailure(thrown);
      if (here.situation.notJoined.get(network) === message) continue;
      here.situation.notJoined.set(network, message);
      here.host.log.warn("cannot join a network", { network, reason: message });
    }
  }
  return joined;
}

/** The networks that this node could join. Alone with its store, it has no peers to reach. */
function outside({ host, situation }: Here): readonly string[] {
  const { dirs, node } = host.ipam;
  const self = node();
  const { cluster } = situation;
  if (cluster === undefined || self.vtep === undefined || !cluster.nodes.has(self.name)) return [];
  const names = joinable(cluster, self.name);
  return names.filter((name) => (heldNow(dirs, name)?.blocks.length ?? 0) === 0);
}

/**
 * Pure: the networks that the node has no part in, and that have blocks enough for every node that
 * has none; else containers come first. One that a network of this node reaches takes a block
 * anyhow: its containers are reached by way of the node's port in it.
 */
export function joinable({ networks, nodes, leases }: Cluster, self: string): readonly string[] {
  const isHere = (name: string) =>
    [...(leases.get(name)?.values() ?? [])].some(({ node }) => node === self);
  return [...networks.values()].flatMap(({ network }) => {
    if (network.deleting) return [];
    const held = [...(leases.get(network.name)?.values() ?? [])];
    const holders = new Set(held.map(({ node }) => node));
    if (holders.has(self)) return [];
    const without = [...nodes.keys()].filter((name) => !holders.has(name)).length;
    const needed = network.allowed?.some(isHere) ? 1 : without;
    return countFree(network, held) >= needed ? [network.name] : [];
  });
}

async function join({ host }: Here, network: string, patience: Patience): Promise<void> {
  const { deadline } = patience;
  const wanted = { name: network, spec: undefined };
  const held = await underNetworkLock(host.ipam, network, patience, (folder) =>
    refresh(host.ipam, folder, wanted, "able", deadline),
  );
  if (held.stored.network.deleting) return;
  await underSwitchLock(host.run, patience, () => makeGateway(host, held, undefined, deadline));
}
