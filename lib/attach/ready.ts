/** Whether the switch would take an ADD now. */
import type { Deadline } from "../deadline.ts";
import { everyFlow } from "../overlay/cookies.ts";
import type { Host } from "./host.ts";
import { selectBridge } from "./rows.ts";

/** Throws Failure "try-again" where ovsdb-server, or ovs-vswitchd, is away or does not answer. */
export function confirmSwitch(host: Host, deadline: Deadline): void {
  const select = [selectBridge(host.config.ovs.bridge)];
  const [found] = host.database(deadline).transact(select, deadline);
  // Before the first ADD there is no bridge, and so no socket of it.
  if (found?.rows?.[0] !== undefined) host.flows(deadline).aggregate(everyFlow, deadline);
}
