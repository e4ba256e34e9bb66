/** Brings what was changed of networks' policies to this node at once, agent or none. */
import type { Deadline } from "../deadline.ts";
import { asFailure } from "../errors.ts";
import { readCache, underLock } from "../ipam/held.ts";
import { refresh } from "../ipam/refresh.ts";
import { ensureGateway } from "./gateway.ts";
import type { Host } from "./host.ts";

/**
 * Of networks that don't stand here, nothing is done: their first use finds all of it. They are
 * changed in the store already, so what fails here is said: the next ADD does it.
 */
export async function bringPolicies(
  host: Host,
  networks: readonly string[],
  deadline: Deadline,
): Promise<void> {
  for (const network of networks) {
    try {
      await bring(host, network, deadline);
    } catch (thrown) {
      const { message: reason } = asFailure(thrown);
      host.log.warn("this node does not know yet what a network reaches", { network, reason });
    }
  }
}

async function bring(host: Host, name: string, deadline: Deadline): Promise<void> {
  const { ipam } = host;
  // Looked at before the lock too, which makes a folder.
  const folder = ipam.dirs.networks.open(name);
  const isHere = folder !== undefined && readCache(folder) !== undefined;
  folder?.close();
  if (!isHere) return;
  const wanted = { name, spec: undefined };
  const held = await underLock(ipam, name, deadline, (locked) =>
    refresh(ipam, locked, wanted, "able", deadline),
  );
  if (held.blocks.length > 0) await ensureGateway(host, held, undefined, deadline);
}
