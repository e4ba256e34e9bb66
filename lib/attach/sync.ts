/** The whole switch from what is known: for a switch that forgot its flows, or has others. */
import type { Deadline } from "../deadline.ts";
import { anybodysFlow, everyFlow, isOurs } from "../overlay/cookies.ts";
import { differences, withoutPorts } from "../overlay/differences.ts";
import { meterDifferences, metersOf } from "../overlay/meters.ts";
import { allFlows } from "../overlay/pipeline.ts";
import type { SwitchAttachment, SwitchState } from "../overlay/state.ts";
import type { Flow, Ofport } from "../ovs/flow.ts";
import type { Row } from "../ovs/ovsdb-json.ts";
import type { CookieFilter, FlowChange, Meter } from "../ovs/switch.ts";
import type { Host } from "./host.ts";
import { type AttachmentRow, selectOurPorts } from "./rows.ts";
import { parsePortRow } from "./stored-rows.ts";
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
export const wantedFlows = (host: Host, deadline: Deadline): readonly Flow[] =>
  lookAround(host, deadline).wanted;

/**
 * Whether the switch has other flows or meters than those. What it has of a network that has a port
 * and is not known is left as it is: the run directory may have been removed just now, and its
 * containers live on.
 */
export function isDifferent(host: Host, deadline: Deadline): boolean {
  const around = lookAround(host, deadline);
  const { before, after } = metersTo(host, around, deadline);
  return before.length + after.length > 0 || differencesTo(host, around, deadline).length > 0;
}

/**
 * What would have to be changed, and of how many flows, and those in the bridge that nobody here put
 * in, which are never changed: for who only looks.
 */
export function differentFlows(host: Host, deadline: Deadline) {
  const around = lookAround(host, deadline);
  const changes = differencesTo(host, around, deadline);
  return { wanted: around.wanted.length, changes, foreign: foreignFlows(host, deadline) };
}

/** Counted first: reading all flows a second time takes long where there are many. */
function foreignFlows(host: Host, deadline: Deadline): readonly Flow[] {
  const switched = host.flows(deadline);
  const count = (cookies: CookieFilter) => switched.aggregate(cookies, deadline).flows;
  if (count(anybodysFlow) === count(everyFlow)) return [];
  return switched.dump(anybodysFlow, deadline).filter((flow) => !isOurs(flow));
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
  const around = lookAround(host, deadline);
  const { wanted, unknown } = around;
  const meters = metersTo(host, around, deadline);
  if (meters.before.length > 0) host.flows(deadline).changeMeters(meters.before, deadline);
  const changes: readonly FlowChange[] =
    what === "if different" || unknown.size > 0
      ? differencesTo(host, around, deadline)
      : [
          { do: "delete", cookies: everyFlow },
          ...wanted.map((flow) => ({ do: "add", flow }) as const),
        ];
  if (changes.length > 0) host.flows(deadline).stage(changes, deadline).commit(deadline);
  if (meters.after.length > 0) host.flows(deadline).changeMeters(meters.after, deadline);
  const count = changes.length + meters.before.length + meters.after.length;
  if (count === 0) return 0;
  host.log.info("put the switch's flows right", { flows: wanted.length, changes: count });
  return count;
}

interface Around {
  readonly wanted: readonly Flow[];
  readonly meters: readonly Meter[];
  /** Numbers of ports of networks that are not known. */
  readonly unknown: ReadonlySet<Ofport>;
}

function differencesTo(host: Host, { wanted, unknown }: Around, deadline: Deadline) {
  const have = host.flows(deadline).dump(everyFlow, deadline);
  return differences(withoutPorts(have, unknown), wanted);
}

function metersTo(host: Host, { meters, unknown }: Around, deadline: Deadline) {
  return meterDifferences(host.flows(deadline).meters(deadline), meters, unknown);
}

function lookAround(host: Host, deadline: Deadline): Around {
  const { attachments, gateways } = ourPorts(host, deadline);
  const networks = gateways.flatMap(({ network: name, ofport, address }) => {
    const network = networkNow(host, name, { ofport, address });
    return network === undefined ? [] : [{ ...network, name }];
  });
  const known = new Set(networks.map(({ name }) => name));
  const strange = [...gateways, ...attachments].filter(({ network }) => !known.has(network));
  const state = stateOf(networks, attachments);
  return {
    wanted: allFlows(state),
    meters: state.attachments.flatMap(metersOf),
    unknown: new Set(strange.map(({ ofport }) => ofport)),
  };
}

/** Pure: which ports belong to which network. A port of a network that is not known has no flows. */
export function stateOf(
  networks: readonly (SwitchState["networks"][number] & { readonly name: string })[],
  rows: readonly Pick<AttachmentRow, "network" | keyof Omit<SwitchAttachment, "vni">>[],
): SwitchState {
  const vnis = new Map(networks.map(({ name, vni }) => [name, vni]));
  return {
    networks,
    attachments: rows.flatMap((row): SwitchAttachment[] => {
      const vni = vnis.get(row.network);
      const { ofport, address, address6, mac, limits } = row;
      return vni === undefined ? [] : [{ vni, ofport, address, address6, mac, limits }];
    }),
  };
}
