/** DEL of the interface plugin. See config.ts for the folder's note. */

import { leave } from "../attach/leave.ts";
import { commandDeadline, loadNodeConfig, lockAttachment, openNode } from "../attach/node.ts";
import { disconnect } from "../attach/remove.ts";
import { delegateDel } from "../cni/delegate.ts";
import type { DelRequest } from "../cni/request.ts";
import type { PluginWorld } from "./add.ts";
import { attachmentOf } from "./address.ts";
import { foreignIpamOf, nodeConfigOf } from "./config.ts";

/**
 * Removes what the ADD made, wherever it stopped; nothing there is as good. It reads no more of
 * the configuration than where to look: a fault in anything else would only leave things behind.
 */
export async function del(world: PluginWorld, request: DelRequest): Promise<void> {
  const host = openNode(world, loadNodeConfig(world, undefined, nodeConfigOf(request.config)));
  const deadline = commandDeadline(host.clock);
  const id = attachmentOf(request);
  const unlock = lockAttachment(host, id, deadline);
  try {
    const released = disconnect(host, id, deadline);
    await leave(host, released, deadline);
    if (foreignIpamOf(request.config) !== undefined) await delegateDel(world, request, deadline);
  } finally {
    unlock();
    host.close();
  }
}
