/** Brings what was changed of networks' policies to this node at once, agent or none. */
import type { Deadline } from "../deadline.ts";
import { readCache, underLock } from "../ipam/held.ts";
import { refresh } from "../ipam/refresh.ts";
import { ensureGateway } from "./gateway.ts";
import type { Host } from "./host.ts";

/** Of networks that don't stand here, nothing is done: their first use finds all of it. */
export async function bringPolicies(
  host: Host,
  networks: readonly string[],
  deadline: Deadline,
): Promise<void> {
  const { ipam } = host;
  for (const name of networks) {
    // Looked at before the lock too, which makes a folder.
    const folder = ipam.dirs.networks.open(name);
    const isHere = folder !== undefined && readCache(folder) !== undefined;
    folder?.close();
    if (!isHere) continue;
    const wanted = { name, spec: undefined };
    const held = await underLock(ipam, name, deadline, (locked) =>
      refresh(ipam, locked, wanted, "able", deadline),
    );
    if (held.blocks.length > 0) await ensureGateway(host, held, undefined, deadline);
  }
}
