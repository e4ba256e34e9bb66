/** Takes a network away: from this node's switch and firewall, its blocks, and the store. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { type Assignment, ownerName, parseBlockName, sameAttachment } from "../ipam/assignment.ts";
import { find, listAssignments } from "../ipam/assignments.ts";
import { deleteUnheld, deleteWhenLeft } from "../ipam/delete-network.ts";
import { endGivingBack, markGiven } from "../ipam/give-back.ts";
import { dropCache, going, underLock } from "../ipam/held.ts";
import { readLeases } from "../ipam/leases.ts";
import type { Network } from "../ipam/network.ts";
import { readNetwork } from "../ipam/networks.ts";
import { removeAllOf, restore } from "../ipam/release.ts";
import { removeGateway } from "./gateway-remove.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment, gatewayLinkName, runCniName } from "./names.ts";
import { bringPolicies } from "./policy.ts";
import { isGone } from "./sweep.ts";

/**
 * Deletes a network that no container is attached to; false if there was none. Throws Failure
 * "network-conflict" if one is, on whichever node, and then the network stays.
 */
export async function dropNetwork(host: Host, name: string, deadline: Deadline): Promise<boolean> {
  const { ipam } = host;
  const registry = await ipam.registry();
  // Looked at before the locks too, which leave files for a name that is mistyped.
  const stored = await readNetwork(registry, name, deadline);
  if (stored === undefined) return false;
  // Under the locks, so that no ADD of this node comes in between.
  const left = await leaving(host, stored.network, deadline, () =>
    deleteUnheld(registry, name, deadline),
  );
  if (left.outcome === "in use") throw inUse(host, name, left.users);
  const isGone = left.after || (await deleteWhenLeft(registry, name, host.clock, deadline));
  if (isGone) await bringPolicies(host, stored.network.allowed ?? [], deadline);
  return isGone;
}

/**
 * Takes a network that is being deleted off this node, and gives its blocks back; "in use" if a
 * container is attached to it: then all is as it was.
 */
export async function leaveNetwork(
  host: Host,
  network: Network,
  deadline: Deadline,
): Promise<"left" | "in use"> {
  return (await leaving(host, network, deadline, async () => undefined)).outcome;
}

type Left<T> =
  | { readonly outcome: "left"; readonly after: T }
  | { readonly outcome: "in use"; readonly users: readonly Assignment[] };

/** Does what comes `after` that under the same locks. */
async function leaving<T>(
  host: Host,
  network: Network,
  deadline: Deadline,
  after: () => Promise<T>,
): Promise<Left<T>> {
  const { ipam } = host;
  const { name } = network;
  // Before the network's lock, as an ADD does it that makes the gateway.
  const unlock = host.run.lock("switch.lock", "exclusive", deadline);
  try {
    return await underLock(ipam, name, deadline, async (folder) => {
      const stands = standsHere(host, name);
      const freed = freeBlocks(host, network, folder);
      if (freed.outcome === "in use") return freed;
      try {
        if (stands) await removeGateway(host, network, deadline);
      } catch (fault) {
        freed.putBack();
        throw fault;
      }
      dropCache(folder);
      folder.remove("last");
      const registry = await ipam.registry();
      // By the store: a delete that was killed has removed folders of leases that it still held.
      const leases = await readLeases(registry, name, deadline);
      const own = ipam.node().name;
      markGiven(
        folder,
        leases.filter(({ node }) => node === own),
      );
      await endGivingBack(registry, folder, { network: name, node: own }, deadline);
      return { outcome: "left", after: await after() };
    });
  } finally {
    unlock();
  }
}

/** Whether anything of the network is on this node, be it what a killed delete has left. */
function standsHere(host: Host, name: string): boolean {
  const link = gatewayLinkName(name);
  const own = find(host.ipam.dirs, gatewayAttachment(name));
  return own !== undefined || host.links().get(link) !== undefined || host.isFiltered(link);
}

/**
 * Removes the blocks' folders: from then on no ADD gets an address of them. If one of them is in
 * use, all are put back; afterwards, what it gives does so.
 *
 * A folder is first moved out of sight, and only then the node's own address taken out of it: as
 * long as an ADD could find the folder, it saw that address as taken. What an ADD has linked that
 * had the folder open keeps it from being removed.
 */
function freeBlocks(host: Host, network: Network, folder: Dir): Freed {
  const { dirs } = host.ipam;
  const ownId = gatewayAttachment(network.name);
  const users = listAssignments(dirs).filter(
    (one) => one.network === network.name && !sameAttachment(one.id, ownId),
  );
  if (users.length > 0) return { outcome: "in use", users };
  const own = find(dirs, ownId);
  const blocks = folder.list().filter((name) => parseBlockName(name) !== undefined);
  const putBack = () => {
    const left = folder.list();
    for (const block of blocks) {
      if (left.includes(going(block))) folder.rename(going(block), block);
      else folder.make(block).close();
    }
    if (own !== undefined && !restore(dirs, own)) {
      host.log.error("the node's own address was taken", { network: network.name });
    }
  };
  // First, so that an ADD that comes after a delete that was killed here makes the network anew.
  if (own !== undefined) dirs.owners.remove(ownerName(ownId));
  for (const block of blocks) folder.rename(block, going(block));
  removeAllOf(dirs.ports, ownId);
  // Those of a delete that was killed are among them.
  const leaving = folder.list().filter((name) => name.endsWith(going("")));
  for (const name of leaving) {
    const block = folder.open(name);
    if (block !== undefined) removeAllOf(block, ownId);
    block?.close();
  }
  const busy = leaving.some((name) => folder.removeDir(name) === "not-empty");
  if (!busy) return { outcome: "freed", putBack };
  putBack();
  return { outcome: "in use", users: [] };
}

type Freed =
  | { readonly outcome: "freed"; readonly putBack: () => void }
  | { readonly outcome: "in use"; readonly users: readonly Assignment[] };

function inUse(host: Host, network: string, users: readonly Assignment[]): Failure {
  const count = users.length > 1 ? `${users.length} containers are` : "a container is";
  const isRun = ({ id }: Assignment) => id.name === runCniName;
  const runs = users.filter(isRun).map(({ id }) => id.containerId);
  const noRuns = users.filter((one) => !isRun(one));
  const others = noRuns.filter(({ id, ofport }) => ofport === undefined || !isGone(host, id));
  const gone = noRuns.filter((one) => !others.includes(one)).map(({ id }) => id.containerId);
  const named = others.map(({ id }) => `${id.containerId} (${id.ifname})`).join(", ");
  const details = [
    ...(others.length === 0 ? [] : [`Call DEL first for ${named}`]),
    ...(gone.length === 0
      ? []
      : [`Remove first, whose namespace is gone: ${forced([...new Set(gone)])}`]),
    ...(runs.length === 0 ? [] : [`End first: ${forced(runs)}`]),
  ];
  return new Failure(
    "network-conflict",
    `Cannot delete network "${network}": ${count} attached to it`,
    { details: details.length === 0 ? undefined : details.join("\n") },
  );
}

const forced = (names: readonly string[]): string => `socketplane rm --force ${names.join(" ")}`;
