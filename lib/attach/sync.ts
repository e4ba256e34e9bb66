/** The whole switch from what is known: for a switch that forgot its flows. */
import type { Deadline } from "../deadline.ts";
import { heldNow } from "../ipam/held.ts";
import { everyFlow } from "../overlay/cookies.ts";
import {
  allFlows,
  type SwitchAttachment,
  type SwitchNetwork,
  type SwitchState,
} from "../overlay/pipeline.ts";
import type { Row } from "../ovs/ovsdb-json.ts";
import type { Host } from "./host.ts";
import { type AttachmentRow, type GatewayRow, parsePortRow, selectOurPorts } from "./rows.ts";

/** Every port of ours in the switch's database. */
export function ourPorts(host: Host, deadline: Deadline) {
  const results = host.database(deadline).transact(selectOurPorts(), deadline);
  const rows = results.flatMap((result): readonly Row[] => result.rows ?? []).map(parsePortRow);
  return {
    attachments: rows.filter((row) => row?.role === "attachment"),
    gateways: rows.filter((row) => row?.role === "gateway"),
  };
}

/**
 * Puts all flows into the switch, in one bundle. The caller holds the switch's lock exclusively:
 * otherwise the flows of an ADD under way would be deleted, or those of a DEL put back.
 */
export function synchronise(host: Host, deadline: Deadline): void {
  const { attachments, gateways } = ourPorts(host, deadline);
  const networks = gateways.map((row) => networkOf(host, row)).filter((one) => one !== undefined);
  const state = stateOf(networks, attachments);
  host
    .flows(deadline)
    .stage(
      [
        { do: "delete", cookies: everyFlow },
        ...allFlows(state).map((flow) => ({ do: "add", flow }) as const),
      ],
      deadline,
    )
    .commit(deadline);
  host.log.info("put all flows into the switch", {
    networks: state.networks.length,
    attachments: state.attachments.length,
  });
}

/** A network as this node's switch is to see it; undefined if the node no longer knows it. */
export function networkOf(
  host: Host,
  row: GatewayRow,
): (SwitchNetwork & { readonly name: string }) | undefined {
  const held = heldNow(host.ipam.dirs, row.network);
  if (held === undefined) return undefined;
  const { vni, subnet, subnet6, gateway } = held.stored.network;
  return {
    name: row.network,
    vni,
    subnet,
    subnet6,
    gateway,
    port: { ofport: row.ofport, address: row.address },
    leases: held.blocks.map(({ prefix }) => prefix),
  };
}

/** Pure: which ports belong to which network. A port of a network that is not known has no flows. */
export function stateOf(
  networks: readonly (SwitchNetwork & { readonly name: string })[],
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
