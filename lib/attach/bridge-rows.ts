/** The bridge in the switch's database, and the operations on it: pure. Its ports are in rows.ts. */
import {
  listOf,
  map,
  named,
  type Operation,
  type Row,
  set,
  type Value,
} from "../ovs/ovsdb-json.ts";

/** OpenFlow 1.5 is ours; the others are for people and their tools. */
const protocols = ["OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"];

/**
 * What a bridge of ours is like. Without flows nothing passes: a switch that forgot is silent,
 * never a learning one.
 */
const bridgeSettings = { fail_mode: "secure", protocols: set(protocols) } as const;

/** Makes the bridge. `datapath` is "system" or "netdev". */
export function createBridge(bridge: string, datapath: string): readonly Operation[] {
  const local = { name: bridge, type: "internal" };
  return [
    { op: "insert", table: "Interface", row: local, "uuid-name": "local" },
    {
      op: "insert",
      table: "Port",
      row: { name: bridge, interfaces: named("local") },
      "uuid-name": "localport",
    },
    {
      op: "insert",
      table: "Bridge",
      row: {
        name: bridge,
        datapath_type: datapath,
        ...bridgeSettings,
        ports: named("localport"),
        external_ids: map({ socketplane: "bridge" }),
      },
      "uuid-name": "bridge",
    },
    {
      op: "mutate",
      table: "Open_vSwitch",
      where: [],
      mutations: [["bridges", "insert", named("bridge")]],
    },
  ];
}

/** Whether a bridge is as ours are: one that was handed over is not, until it is told. */
export const hasOurSettings = ({ fail_mode, protocols }: Row): boolean =>
  isAsOurs({ failMode: listOf(fail_mode)[0], protocols: listOf(protocols) });

/** The same of what was read of it. */
export const isAsOurs = (bridge: {
  readonly failMode: Value | undefined;
  readonly protocols: readonly Value[];
}): boolean =>
  bridge.failMode === "secure" &&
  protocols.every((protocol) => bridge.protocols.includes(protocol));

export const giveOurSettings = (bridge: string): Operation => ({
  op: "update",
  table: "Bridge",
  where: [["name", "==", bridge]],
  row: bridgeSettings,
});

export const selectBridge = (bridge: string): Operation => ({
  op: "select",
  table: "Bridge",
  where: [["name", "==", bridge]],
  columns: ["datapath_type", "external_ids", "fail_mode", "ports", "protocols"],
});

/** The bridge, and every port of the switch. */
export const selectBridgeWithPorts = (bridge: string): readonly Operation[] => [
  {
    op: "select",
    table: "Bridge",
    where: [["name", "==", bridge]],
    columns: ["_uuid", "external_ids", "ports"],
  },
  { op: "select", table: "Port", where: [], columns: ["_uuid", "name"] },
];

/** Its ports go with it. */
export const removeBridge = (bridge: Value): Operation => ({
  op: "mutate",
  table: "Open_vSwitch",
  where: [],
  mutations: [["bridges", "delete", bridge]],
});

/** Whether there is a bridge, and of which datapath: without its ports, which may be many. */
export const selectDatapath = (bridge: string): Operation => ({
  op: "select",
  table: "Bridge",
  where: [["name", "==", bridge]],
  columns: ["datapath_type"],
});
