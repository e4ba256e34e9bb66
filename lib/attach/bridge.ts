/** The one bridge of the node. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { recordOf } from "../ovs/ovsdb-json.ts";
import { refusedWith } from "../sys/errno.ts";
import {
  createBridge,
  giveOurSettings,
  hasOurSettings,
  selectBridge,
  selectDatapath,
} from "./bridge-rows.ts";
import type { Host } from "./host.ts";
import { givenPort } from "./ports.ts";
import { awaitOfport } from "./rows.ts";

/**
 * Makes the bridge, or gives it the settings that ours have. Throws Failure "invalid-config" where
 * it is there and nobody has handed it over.
 */
export function ensureBridge(host: Host, deadline: Deadline): void {
  const { bridge } = host.config.ovs;
  const database = host.database(deadline);
  const [found] = database.transact([selectBridge(bridge)], deadline);
  const row = found?.rows?.[0];
  if (row === undefined) {
    database.transact(createBridge(bridge, newDatapath(host)), deadline);
    givenPort(database.send(awaitOfport(bridge, deadline.left()), deadline), bridge, deadline);
    return;
  }
  if (recordOf(row.external_ids).socketplane !== undefined) {
    if (!hasOurSettings(row)) database.transact([giveOurSettings(bridge)], deadline);
    return;
  }
  throw new Failure("invalid-config", `Cannot use bridge "${bridge}": it is there, and not ours`, {
    details: `Give another name ("ovs.bridge" in node.json), or hand it over: ovs-vsctl set bridge ${bridge} external_ids:socketplane=bridge`,
  });
}

/** Which datapath the bridge gets when it is made. */
export function newDatapath({ config, kernel }: Pick<Host, "config" | "kernel">) {
  const { datapath } = config.ovs;
  if (datapath !== "auto") return datapath;
  return kernel.hasGenericFamily("ovs_datapath") ? "system" : "netdev";
}

/** Whether the bridge is there, and on the userspace datapath. */
export function isUserspace(host: Host, deadline: Deadline): boolean {
  const select = [selectDatapath(host.config.ovs.bridge)];
  const [found] = host.database(deadline).transact(select, deadline);
  return found?.rows?.[0]?.datapath_type === "netdev";
}

/**
 * Whether the switch can't be reached, as the fault says, because its database has no such bridge:
 * then nobody listens at the bridge's socket either.
 */
export function isGone(host: Host, fault: unknown, deadline: Deadline): boolean {
  const cause = fault instanceof Failure ? fault.cause : undefined;
  if (!refusedWith(cause, "ECONNREFUSED", "ENOENT")) return false;
  const select = [selectDatapath(host.config.ovs.bridge)];
  const [found] = host.database(deadline).transact(select, deadline);
  return found?.rows?.[0] === undefined;
}
