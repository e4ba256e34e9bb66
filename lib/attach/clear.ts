/** Takes all of ours off this machine: for who leaves a cluster, or never came to be in one. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { type AttachmentId, ownerName } from "../ipam/assignment.ts";
import { listAssignments } from "../ipam/assignments.ts";
import { everyFlow } from "../overlay/cookies.ts";
import { listOf, recordOf } from "../ovs/ovsdb-json.ts";
import { removeBridge, selectBridgeWithPorts } from "./bridge-rows.ts";
import type { Host } from "./host.ts";
import { isGatewayLink, isOuterLink, isOwnAddress, tunnelName } from "./names.ts";
import { lockAttachment } from "./node.ts";
import { disconnect } from "./remove.ts";
import { removeRow } from "./rows.ts";
import { ourPorts } from "./sync.ts";

/** All attachments of containers here, those with an address alone among them. */
export function attachedHere(host: Host, deadline: Deadline): readonly AttachmentId[] {
  const written = listAssignments(host.ipam.dirs).filter(({ id }) => !isOwnAddress(id));
  const plugged = ourPorts(host, deadline).attachments;
  return [...new Map([...written, ...plugged].map(({ id }) => [ownerName(id), id])).values()];
}

/** For messages: "web-1 (eth0), db (eth0)". */
export const shownAttachments = (ids: readonly AttachmentId[]): string =>
  ids.map(({ containerId, ifname }) => `${containerId} (${ifname})`).join(", ");

/** Takes these away, as their DELs would. */
export function detachAll(host: Host, ids: readonly AttachmentId[], deadline: Deadline): void {
  for (const id of ids) {
    const unlock = lockAttachment(host, id, deadline);
    try {
      disconnect(host, id, deadline);
    } finally {
      unlock();
    }
  }
}

/** Milliseconds between two looks. */
const pauseMs = 20;

/**
 * Removes the bridge and the firewall's tables, and waits until the links are gone. A bridge that
 * has others' ports loses ours. The caller holds the switch's lock exclusively.
 */
export async function clearSwitch(host: Host, deadline: Deadline): Promise<void> {
  const { bridge } = host.config.ovs;
  const database = host.database(deadline);
  const [found, all] = database
    .transact(selectBridgeWithPorts(bridge), deadline)
    .map(({ rows }) => rows ?? []);
  const [row] = found ?? [];
  if (row?._uuid !== undefined && recordOf(row.external_ids).socketplane !== undefined) {
    const ids = listOf(row.ports).map(String);
    const ports = (all ?? []).filter(({ _uuid }) => ids.includes(String(_uuid)));
    const ours = ports.filter(({ name }) => name !== bridge && isOurs(String(name)));
    if (ours.length + 1 >= ports.length) {
      database.transact([removeBridge(row._uuid)], deadline);
    } else {
      host
        .flows(deadline)
        .stage([{ do: "delete", cookies: everyFlow }], deadline)
        .commit(deadline);
      const removals = ours.flatMap(({ _uuid }) => (_uuid === undefined ? [] : [removeRow(_uuid)]));
      if (removals.length > 0) database.transact(removals, deadline);
    }
    awaitGone(host, ours.length + 1 >= ports.length ? bridge : tunnelName, deadline);
  }
  (await host.filter()).removeAll();
}

const isOurs = (port: string): boolean =>
  isOuterLink(port) || isGatewayLink(port) || port === tunnelName;

/** The switch acts after the database's commit. */
function awaitGone(host: Host, bridge: string, deadline: Deadline): void {
  const isThere = ({ name }: { readonly name: string }) => name === bridge || isGatewayLink(name);
  while (host.links().list().some(isThere)) {
    if (deadline.left() === 0) {
      throw new Failure("try-again", `Cannot remove bridge "${bridge}": its links do not go`, {
        details:
          "See whether ovs-vswitchd runs (systemctl status openvswitch-switch), and its log.",
      });
    }
    host.kernel.sleep(pauseMs);
  }
}
