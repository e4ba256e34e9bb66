/** The switch as its database and its flows have it. See survey.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import type { PortRow } from "../attach/rows.ts";
import { parsePortRow } from "../attach/stored-rows.ts";
import type { Deadline } from "../deadline.ts";
import { everyFlow } from "../overlay/cookies.ts";
import type { Ofport } from "../ovs/flow.ts";
import {
  listOf,
  numbersOf,
  type Operation,
  type Row,
  recordOf,
  type Value,
} from "../ovs/ovsdb-json.ts";
import type { CountedFlow } from "../ovs/switch.ts";

export interface SwitchFacts {
  /** Of Open vSwitch, as "3.1.0"; undefined until its ovs-vswitchd has run once. */
  readonly version: string | undefined;
  readonly bridges: readonly SwitchBridge[];
  /** Of all bridges. */
  readonly ports: readonly SwitchPort[];
}

export interface SwitchBridge {
  readonly name: string;
  /** "system" or "netdev"; empty is "system". */
  readonly datapath: string;
  readonly failMode: string | undefined;
  readonly protocols: readonly string[];
  /** Whether we made it. */
  readonly isOurs: boolean;
}

export interface SwitchPort {
  readonly name: string;
  /** Its bridge; undefined for a row that none has. */
  readonly bridge: string | undefined;
  readonly type: string;
  /** Undefined while the switch has not taken it up; -1: it could not. */
  readonly ofport: Ofport | undefined;
  /** Why it has no number, in the switch's words. */
  readonly error: string | undefined;
  readonly adminState: string | undefined;
  readonly linkState: string | undefined;
  readonly mac: string | undefined;
  /** Bytes. */
  readonly mtu: number | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly ids: Readonly<Record<string, string>>;
  /** rx_bytes and others, seen from the switch: what a container sends is received. Some seconds old. */
  readonly statistics: Readonly<Record<string, number>>;
  /** What it is, if it is a container's or a network's of ours. */
  readonly row: PortRow | undefined;
}

const select = (table: string, columns: readonly string[]): Operation => ({
  op: "select",
  table,
  where: [],
  columns,
});

const everything: readonly Operation[] = [
  select("Open_vSwitch", ["ovs_version"]),
  select("Bridge", ["name", "datapath_type", "fail_mode", "protocols", "external_ids", "ports"]),
  select("Port", ["_uuid", "interfaces"]),
  select("Interface", [
    "_uuid",
    "name",
    "type",
    "ofport",
    "error",
    "admin_state",
    "link_state",
    "mac_in_use",
    "mtu",
    "options",
    "external_ids",
    "statistics",
  ]),
];

/** Throws Failure where the database is away. */
export function readSwitch(host: Host, deadline: Deadline): SwitchFacts {
  const results = host.database(deadline).transact(everything, deadline);
  const [root, bridges, ports, interfaces] = results.map(({ rows }) => rows ?? []);
  return switchOf({
    version: textIn(root?.[0]?.ovs_version),
    bridges: bridges ?? [],
    ports: ports ?? [],
    interfaces: interfaces ?? [],
  });
}

interface Rows {
  readonly version: string | undefined;
  readonly bridges: readonly Row[];
  readonly ports: readonly Row[];
  readonly interfaces: readonly Row[];
}

/** Pure: which interface is of which bridge. */
export function switchOf({ version, bridges, ports, interfaces }: Rows): SwitchFacts {
  // A reference is ["uuid", "..."], which is equal to another as a text.
  const bridgeOfPort = new Map(
    bridges.flatMap((row) => listOf(row.ports).map((port) => [String(port), String(row.name)])),
  );
  const bridgeOf = new Map(
    ports.flatMap((row) =>
      listOf(row.interfaces).map((one) => [String(one), bridgeOfPort.get(String(row._uuid))]),
    ),
  );
  return {
    version,
    bridges: bridges.map((row) => ({
      name: String(row.name),
      datapath: textIn(row.datapath_type) || "system",
      failMode: textIn(row.fail_mode),
      protocols: listOf(row.protocols).map(String),
      isOurs: recordOf(row.external_ids).socketplane === "bridge",
    })),
    ports: interfaces.map((row) => portOf(row, bridgeOf.get(String(row._uuid)))),
  };
}

const portOf = (row: Row, bridge: string | undefined): SwitchPort => ({
  name: String(row.name),
  bridge,
  type: textIn(row.type) || "system",
  ofport: numberIn(row.ofport),
  error: textIn(row.error) || undefined,
  adminState: textIn(row.admin_state),
  linkState: textIn(row.link_state),
  mac: textIn(row.mac_in_use),
  mtu: numberIn(row.mtu),
  options: recordOf(row.options),
  ids: recordOf(row.external_ids),
  statistics: numbersOf(row.statistics),
  row: parsePortRow(row),
});

/** Throws Failure where ovs-vswitchd is away, or has no such bridge. */
export const readFlows = (host: Host, deadline: Deadline): readonly CountedFlow[] =>
  host.flows(deadline).count(everyFlow, deadline);

function textIn(value: Value | undefined): string | undefined {
  const [one] = listOf(value);
  return typeof one === "string" ? one : undefined;
}

function numberIn(value: Value | undefined): number | undefined {
  const [one] = listOf(value);
  return typeof one === "number" ? one : undefined;
}
