/** What the switch's database says of one port. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { isTimedOut } from "../ovs/ovsdb.ts";
import { listOf, type OperationResult, recordOf } from "../ovs/ovsdb-json.ts";
import type { Pending } from "../ovs/switch.ts";
import type { Host } from "./host.ts";
import { selectPort } from "./rows.ts";

/** A port's row in the switch's database. */
export function readPort(host: Host, link: string, deadline: Deadline) {
  const select = selectPort(host.config.ovs.bridge, link);
  const results = host.database(deadline).transact(select, deadline);
  const [bridge, port, wire] = results.map(({ rows }) => rows?.[0]);
  return {
    /** Whether there is a bridge at all. */
    bridge: bridge !== undefined,
    onBridge: listOf(bridge?.ports).some((one) => String(one) === String(port?._uuid)),
    uuid: port?._uuid,
    ids: recordOf(wire?.external_ids),
    options: recordOf(wire?.options),
    ...ofportOf(results),
  };
}

/**
 * What `awaitOfport` has seen of a port: its number, or why it has none. Throws Failure "try-again"
 * where the switch did not act in time.
 */
export function givenPort(awaited: Pending, link: string, deadline: Deadline) {
  try {
    return ofportOf(awaited.results(deadline));
  } catch (fault) {
    if (!isTimedOut(fault)) throw fault;
    throw new Failure("try-again", `Cannot make port "${link}": ovs-vswitchd does not take it up`, {
      details: "See whether it runs (systemctl status openvswitch-switch), and its log.",
      cause: fault,
    });
  }
}

/** What the last result, a select of an interface, says of its number. */
function ofportOf(results: readonly OperationResult[]) {
  const row = results[results.length - 1]?.rows?.[0];
  const [ofport] = listOf(row?.ofport);
  const [error] = listOf(row?.error);
  return {
    ofport: typeof ofport === "number" ? ofport : undefined,
    error: typeof error === "string" && error !== "" ? error : undefined,
  };
}
