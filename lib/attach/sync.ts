/** The whole switch from what is known: for a switch that forgot its flows, or has others. */
import type { Deadline } from "../deadline.ts";
import { everyFlow } from "../overlay/cookies.ts";
import { differences } from "../overlay/differences.ts";
import { allFlows } from "../overlay/pipeline.ts";
import type { SwitchAttachment, SwitchState } from "../overlay/state.ts";
import type { Flow } from "../ovs/flow.ts";
import type { Row } from "../ovs/ovsdb-json.ts";
import type { FlowChange } from "../ovs/switch.ts";
import type { Host } from "./host.ts";
import { type AttachmentRow, parsePortRow, selectOurPorts } from "./rows.ts";
import { networkNow } from "./switch-network.ts";

/** Every port of ours in the switch's database. */
export function ourPorts(host: Host, deadline: Deadline) {
  const results = host.database(deadline).transact(selectOurPorts(), deadline);
  const rows = results.flatMap((result): readonly Row[] => result.rows ?? []).map(parsePortRow);
  return {
    attachments: rows.filter((row) => row?.role === "attachment"),
    gateways: rows.filter((row) => row?.role === "gateway"),
  };
}

/** All flows that the switch should have: of the networks and ports that are known and there. */
export function wantedFlows(host: Host, deadline: Deadline): readonly Flow[] {
  const { attachments, gateways } = ourPorts(host, deadline);
  const networks = gateways.flatMap(({ network: name, ofport, address }) => {
    const network = networkNow(host, name, { ofport, address });
    return network === undefined ? [] : [{ ...network, name }];
  });
  return allFlows(stateOf(networks, attachments));
}

/**
 * Gives the switch all of its flows, in one atomic bundle, or only those that differ; gives how
 * many changes that were. The caller holds the switch's lock exclusively: otherwise the flows of an
 * ADD under way would be deleted, or those of a DEL put back.
 */
export function synchronise(
  host: Host,
  deadline: Deadline,
  what: "all" | "if different" = "all",
): number {
  const wanted = wantedFlows(host, deadline);
  const flows = host.flows(deadline);
  const changes: readonly FlowChange[] =
    what === "if different"
      ? differences(flows.dump(everyFlow, deadline), wanted)
      : [
          { do: "delete", cookies: everyFlow },
          ...wanted.map((flow) => ({ do: "add", flow }) as const),
        ];
  if (changes.length === 0) return 0;
  flows.stage(changes, deadline).commit(deadline);
  host.log.info("put the switch's flows right", { flows: wanted.length, changes: changes.length });
  return changes.length;
}

/** Pure: which ports belong to which network. A port of a network that is not known has no flows. */
export function stateOf(
  networks: readonly (SwitchState["networks"][number] & { readonly name: string })[],
  rows: readonly AttachmentRow[],
): SwitchState {
  const vnis = new Map(networks.map(({ name, vni }) => [name, vni]));
  return {
    networks,
    attachments: rows.flatMap((row): SwitchAttachment[] => {
      const vni = vnis.get(row.network);
      const { ofport, address, address6, mac } = row;
      return vni === undefined ? [] : [{ vni, ofport, address, address6, mac }];
    }),
  };
}
