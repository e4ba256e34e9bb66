/** Makes switch and firewall what the run directory says: all of it, or what has changed of a network. */

import { selectBridge } from "../attach/bridge-rows.ts";
import { putFirewallRight } from "../attach/firewall.ts";
import type { Host } from "../attach/host.ts";
import { applyPeerChanges } from "../attach/network-flows.ts";
import { recover } from "../attach/recover.ts";
import { restorePorts } from "../attach/restore.ts";
import { isDifferent, ourPorts, synchronise } from "../attach/sync.ts";
import type { Deadline } from "../deadline.ts";
import { everyFlow } from "../overlay/cookies.ts";
import type { NetworkChange } from "./changes.ts";
import { type Patience, underSwitchLock } from "./locks.ts";

export interface PutRight {
  /** How many flows were not as they should be. */
  readonly changes: number;
  /** Ports that had gone from the switch. */
  readonly ports: readonly string[];
  readonly networks: number;
  readonly attachments: number;
  readonly flows: number;
}

/**
 * Everything: assignments whose files were lost, rows of another boot, ports and their addresses
 * that went with the switch or its database, and all flows, in one atomic bundle.
 */
export async function putAllRight(
  host: Host,
  what: "all" | "if different",
  patience: Patience,
): Promise<PutRight> {
  const { deadline } = patience;
  // Thousands of flows take a while to be read, and ADDs wait for the lock: where nothing differs,
  // which is nearly always, they don't have to.
  const differs = what === "all" || hasDifferences(host, deadline);
  return underSwitchLock(host.run, patience, async () => {
    await recover(host, deadline);
    const ports = await restorePorts(host, deadline);
    const { attachments, gateways } = ourPorts(host, deadline);
    await putFirewallRight(
      host,
      gateways.map(({ network }) => network),
    );
    const here = { ports, networks: gateways.length, attachments: attachments.length };
    // Before the first ADD there is no bridge, and nothing to do.
    if (!hasBridge(host, deadline)) return { ...here, changes: 0, flows: 0 };
    const changes = differs || ports.length > 0 ? synchronise(host, deadline, what) : 0;
    const { flows } = host.flows(deadline).aggregate(everyFlow, deadline);
    return { ...here, changes, flows };
  });
}

/** An ADD or DEL under way may make it seem so. */
function hasDifferences(host: Host, deadline: Deadline): boolean {
  if (!hasBridge(host, deadline)) return false;
  return isDifferent(host, deadline);
}

function hasBridge(host: Host, deadline: Deadline): boolean {
  const select = [selectBridge(host.config.ovs.bridge)];
  const [found] = host.database(deadline).transact(select, deadline);
  return found?.rows?.[0] !== undefined;
}

/** What has changed of some networks, each in a bundle of its own. */
export function bringChanges(
  host: Host,
  changes: readonly NetworkChange[],
  patience: Patience,
): Promise<readonly string[]> {
  return underSwitchLock(host.run, patience, async () => {
    const own = changes.filter((change) => !isOfPeersOnly(change));
    await putFirewallRight(
      host,
      own.map(({ network }) => network),
    );
    return changes
      .filter(
        ({ network, peers }) =>
          applyPeerChanges(host, network, peers, patience.deadline) !== "unchanged",
      )
      .map(({ network }) => network);
  });
}

/** Of those the firewall knows nothing. What says nothing of its own may be anything. */
const isOfPeersOnly = ({ record, peers, gained, lost }: NetworkChange): boolean =>
  record === "same" &&
  gained.length + lost.length === 0 &&
  peers.added.length + peers.removed.length > 0;
