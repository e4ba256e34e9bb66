/** What we keep in the switch's database, and the operations that put it there: pure. Read by stored-rows.ts. */
import type { AttachmentId } from "../ipam/assignment.ts";
import { formatLimit, type Limits } from "../limits.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6, type Ip6 } from "../net/ip6.ts";
import { formatMac, type Mac } from "../net/mac.ts";
import type { Ofport } from "../ovs/flow.ts";
import { map, named, type Operation, type Row, set, type Value } from "../ovs/ovsdb-json.ts";
import { selectBridge } from "./bridge-rows.ts";

/** A container's port: all that is needed to make its flows again. */
export interface AttachmentRow {
  readonly role: "attachment";
  readonly link: string;
  readonly id: AttachmentId;
  readonly network: string;
  readonly address: Ip4;
  readonly address6: Ip6 | undefined;
  readonly mac: Mac;
  readonly ofport: Ofport;
  /** The kernel's boot that the port's link is of. */
  readonly boot: string;
  readonly limits?: Limits | undefined;
}

/** A network's own port. */
export interface GatewayRow {
  readonly role: "gateway";
  readonly link: string;
  readonly network: string;
  /** The node's own address in the network. */
  readonly address: Ip4;
  readonly ofport: Ofport;
}

export type PortRow = AttachmentRow | GatewayRow;

/** The external id that says so of a port of ours. */
export const idKey = (name: string): string => `socketplane-${name}`;

/** Adds a port to the bridge; its last operation's count is 0 when there is no such bridge. */
export function addPort(
  bridge: string,
  row: Row & { readonly name: string },
): readonly Operation[] {
  return [
    { op: "insert", table: "Interface", row, "uuid-name": "interface" },
    {
      op: "insert",
      table: "Port",
      row: { name: row.name, interfaces: named("interface") },
      "uuid-name": "port",
    },
    {
      op: "mutate",
      table: "Bridge",
      where: [["name", "==", bridge]],
      mutations: [["ports", "insert", named("port")]],
    },
  ];
}

export function addAttachment(bridge: string, row: AttachmentRow): readonly Operation[] {
  const { id } = row;
  return addPort(bridge, {
    name: row.link,
    ofport_request: row.ofport,
    external_ids: map({
      socketplane: row.role,
      [idKey("name")]: id.name,
      [idKey("container")]: id.containerId,
      [idKey("ifname")]: id.ifname,
      [idKey("network")]: row.network,
      [idKey("address")]: formatIp4(row.address),
      ...(row.address6 !== undefined && { [idKey("address6")]: formatIp6(row.address6) }),
      [idKey("mac")]: formatMac(row.mac),
      [idKey("port")]: `${row.ofport}`,
      [idKey("boot")]: row.boot,
      ...(row.limits?.send && { [idKey("send")]: formatLimit(row.limits.send) }),
      ...(row.limits?.receive && { [idKey("receive")]: formatLimit(row.limits.receive) }),
    }),
  });
}

export function addGateway(
  bridge: string,
  row: GatewayRow,
  link: { readonly mac: Mac; readonly mtu: number },
): readonly Operation[] {
  return addPort(bridge, {
    name: row.link,
    type: "internal",
    mac: formatMac(link.mac),
    // An MTU set on the link alone was lost when vswitchd restarted.
    mtu_request: link.mtu,
    ofport_request: row.ofport,
    external_ids: map({
      socketplane: row.role,
      [idKey("network")]: row.network,
      [idKey("address")]: formatIp4(row.address),
      [idKey("port")]: `${row.ofport}`,
    }),
  });
}

/** Waits until the switch has given the interface its number, or said why not. */
export function awaitOfport(link: string, timeoutMs: number): readonly Operation[] {
  const where = [["name", "==", link]] as const;
  return [
    {
      op: "wait",
      table: "Interface",
      where,
      columns: ["ofport"],
      until: "!=",
      rows: [{ ofport: set([]) }],
      timeout: Math.ceil(timeoutMs),
    },
    { op: "select", table: "Interface", where, columns: ["ofport", "error"] },
  ];
}

export const selectPort = (bridge: string, link: string): readonly Operation[] => [
  selectBridge(bridge),
  selectPortNamed(link),
  {
    op: "select",
    table: "Interface",
    where: [["name", "==", link]],
    columns: ["name", "type", "ofport", "error", "external_ids", "options"],
  },
];

export const selectPortNamed = (name: string): Operation => ({
  op: "select",
  table: "Port",
  where: [["name", "==", name]],
  columns: ["_uuid"],
});

export const selectBridgeOf = (port: Value): Operation => ({
  op: "select",
  table: "Bridge",
  where: [["ports", "includes", port]],
  columns: ["name"],
});

/** Port and Interface aren't root tables: without the bridge's reference they are gone. */
export const removeRow = (port: Value): Operation => ({
  op: "mutate",
  table: "Bridge",
  // Whichever it is on: the configuration may have named another one then.
  where: [["ports", "includes", port]],
  mutations: [["ports", "delete", port]],
});

/** Every port of ours, of all bridges. */
export const selectOurPorts = (): readonly Operation[] =>
  ["attachment", "gateway"].map((role) => ({
    op: "select",
    table: "Interface",
    where: [["external_ids", "includes", map({ socketplane: role })]],
    columns: ["name", "ofport", "external_ids"],
  }));
