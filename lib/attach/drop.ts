/** Takes a network away: from this node's switch and firewall, its blocks, and the store. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import {
  type Assignment,
  blockName,
  type HeldBlock,
  parseBlockName,
  sameAttachment,
} from "../ipam/assignment.ts";
import { dropCache, underLock } from "../ipam/held.ts";
import { releaseLeases } from "../ipam/leases.ts";
import type { Network } from "../ipam/network.ts";
import { deleteNetwork, readNetwork } from "../ipam/networks.ts";
import { assign, find, listAssignments, release } from "../ipam/pool.ts";
import { removeGateway } from "./gateway.ts";
import type { Host } from "./host.ts";
import { gatewayAttachment, gatewayLinkName } from "./names.ts";

/**
 * Deletes a network that no container is attached to; false if there was none. Throws Failure
 * "network-conflict" if one is, and then leaves all as it was.
 */
export async function dropNetwork(host: Host, name: string, deadline: Deadline): Promise<boolean> {
  const { ipam } = host;
  const registry = await ipam.registry();
  // Looked at before the locks too, which leave files for a name that is mistyped.
  if ((await readNetwork(registry, name, deadline)) === undefined) return false;
  // Before the network's lock, as an ADD does it that makes the gateway.
  const unlock = host.run.lock("switch.lock", "exclusive", deadline);
  try {
    return await underLock(ipam, name, deadline, async (folder) => {
      const stored = await readNetwork(registry, name, deadline);
      if (stored === undefined) return false;
      const own = find(ipam.dirs, gatewayAttachment(name));
      const blocks = folder
        .list()
        .map(parseBlockName)
        .filter((block) => block !== undefined);
      const putBack = freeBlocks(host, stored.network, own, { folder, blocks });
      // The link alone is there where a delete was killed.
      const stands = own !== undefined || host.links().get(gatewayLinkName(name)) !== undefined;
      try {
        if (stands) await removeGateway(host, stored.network, deadline);
      } catch (fault) {
        putBack();
        throw fault;
      }
      dropCache(folder);
      folder.remove("last");
      await releaseLeases(registry, name, blocks, deadline);
      return deleteNetwork(registry, name, deadline);
    });
  } finally {
    unlock();
  }
}

/**
 * Removes the blocks' folders: from then on no ADD gets an address of them. If one of them is in
 * use, all are put back; afterwards, the function that it gives does so.
 */
function freeBlocks(
  host: Host,
  network: Network,
  own: Assignment | undefined,
  held: { readonly folder: Dir; readonly blocks: readonly HeldBlock[] },
): () => void {
  const { dirs } = host.ipam;
  const { folder, blocks } = held;
  // The node's own may be begun and no more, by an ADD that was killed.
  const ownId = gatewayAttachment(network.name);
  const users = listAssignments(dirs).filter(
    (one) => one.network === network.name && !sameAttachment(one.id, ownId),
  );
  if (users.length > 0) throw inUse(network, users);
  const putBack = () => {
    for (const block of blocks) folder.make(blockName(block)).close();
    if (own === undefined) return;
    const { id, address, workload } = own;
    assign(dirs, { id, address, network, blocks, port: "give", workload });
  };
  release(dirs, ownId);
  const busy = blocks.some((block) => folder.removeDir(blockName(block)) === "not-empty");
  if (!busy) return putBack;
  putBack();
  throw inUse(network, []);
}

function inUse(network: Network, users: readonly Assignment[]): Failure {
  const named = users.map(({ id }) => `${id.containerId} (${id.ifname})`).join(", ");
  const count = users.length > 1 ? `${users.length} containers are` : "a container is";
  return new Failure(
    "network-conflict",
    `Cannot delete network "${network.name}": ${count} attached to it`,
    { details: named === "" ? undefined : `Call DEL first for ${named}` },
  );
}
