/** What has to be changed so that a switch has the flows it should: pure. */
import type { Flow } from "../ovs/flow.ts";
import { flowKey } from "../ovs/flow-text.ts";
import type { FlowChange } from "../ovs/switch.ts";

/** None if they are the same. What is too much goes first: an add may take its place. */
export function differences(have: readonly Flow[], wanted: readonly Flow[]): readonly FlowChange[] {
  const missing = new Map(wanted.map((flow) => [flowKey(flow), flow]));
  const changes: FlowChange[] = [];
  for (const flow of have) {
    if (!missing.delete(flowKey(flow))) changes.push({ do: "delete flow", flow });
  }
  for (const flow of missing.values()) changes.push({ do: "add", flow });
  return changes;
}
