/** What has to be changed so that a switch has the flows it should: pure. */
import type { Flow, Ofport } from "../ovs/flow.ts";
import { flowKey } from "../ovs/flow-text.ts";
import type { FlowChange } from "../ovs/switch.ts";
import { attachmentCookie, ofNetwork, only, peersCookie } from "./cookies.ts";
import { tables } from "./state.ts";

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

/**
 * Without the flows of these ports and of the networks that they are in, as far as the switch's own
 * flows tell.
 */
export function withoutPorts(have: readonly Flow[], ports: ReadonlySet<Ofport>): readonly Flow[] {
  if (ports.size === 0) return have;
  const vnis = new Set<number>();
  for (const { table, match, actions } of have) {
    if (table !== tables.classify || !ports.has(match.inPort ?? -1)) continue;
    for (const one of actions) if (one.do === "set reg0") vnis.add(one.value);
  }
  const filters = [
    ...[...ports].map((port) => only(attachmentCookie(port))),
    ...[...vnis].flatMap((vni) => [ofNetwork(vni), only(peersCookie(vni))]),
  ];
  return have.filter(
    (flow) => !filters.some(({ cookie, mask }) => (flow.cookie & mask) === (cookie & mask)),
  );
}
