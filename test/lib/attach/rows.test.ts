import { describe, expect, test } from "vitest";
import { createBridge } from "../../../lib/attach/bridge-rows.ts";
import {
  type AttachmentRow,
  addAttachment,
  addGateway,
  awaitOfport,
  type GatewayRow,
  removeRow,
} from "../../../lib/attach/rows.ts";
import { parsePortRow } from "../../../lib/attach/stored-rows.ts";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import type { Operation, Row } from "../../../lib/ovs/ovsdb-json.ts";

const address = parseIp4("10.2.0.66") as Ip4;
const attachment: AttachmentRow = {
  role: "attachment",
  link: "spvabc",
  id: { name: "net", containerId: "c1.a_b-c", ifname: "eth0" },
  network: "web",
  address,
  address6: parseIp6("fd00:2::a02:42"),
  mac: macOfIp4(address),
  ofport: 20,
  boot: "5e2c-1",
};
const gateway: GatewayRow = {
  role: "gateway",
  link: "sp-web",
  network: "web",
  address,
  ofport: 19,
};

/** The interface that operations insert, as the database would give it back. */
function insertedBy(operations: readonly Operation[]): Row {
  const [row] = operations.flatMap((one) =>
    one.op === "insert" && one.table === "Interface" ? [one.row] : [],
  );
  if (row === undefined) throw new Error("no interface is inserted");
  return row;
}

describe("a port's row", () => {
  test.each<[string, AttachmentRow]>([
    ["an attachment's", attachment],
    ["one without IPv6", { ...attachment, address6: undefined }],
  ])("%s comes back as it went in", (_, row) => {
    expect(parsePortRow(insertedBy(addAttachment("sp0", row)))).toEqual(row);
  });

  test("a gateway's comes back too", () => {
    const row = insertedBy(addGateway("sp0", gateway, { mac: attachment.mac, mtu: 1450 }));
    expect(row).toMatchObject({ type: "internal", mac: "02:42:0a:02:00:42", mtu_request: 1450 });
    expect(parsePortRow(row)).toEqual(gateway);
  });

  test("has the number that the switch has given, else the one asked for", () => {
    const row = insertedBy(addAttachment("sp0", attachment));
    expect(parsePortRow({ ...row, ofport: 33 })?.ofport).toBe(33);
    expect(parsePortRow({ ...row, ofport: -1 })?.ofport).toBe(20);
    expect(parsePortRow({ ...row, ofport: ["set", []] })?.ofport).toBe(20);
  });

  const without = (key: string): Row => {
    const row = insertedBy(addAttachment("sp0", attachment));
    const [, pairs] = row.external_ids as unknown as ["map", [string, string][]];
    return { ...row, external_ids: ["map", pairs.filter(([name]) => name !== key)] } as Row;
  };
  test.each([
    "socketplane",
    "socketplane-network",
    "socketplane-address",
    "socketplane-mac",
    "socketplane-port",
  ])("without %s is none of ours", (key) => {
    expect(parsePortRow(without(key))).toBeUndefined();
  });

  test("of somebody else is none of ours", () => {
    expect(parsePortRow({ name: "eth0", ofport: 1, external_ids: ["map", []] })).toBeUndefined();
  });
});

describe("what is asked of the database", () => {
  test("a port goes to the bridge in the same transaction, which says if there is none", () => {
    const operations = addAttachment("sp0", attachment);
    expect(operations.map(({ op }) => op)).toEqual(["insert", "insert", "mutate"]);
    expect(operations.at(-1)).toMatchObject({
      table: "Bridge",
      where: [["name", "==", "sp0"]],
      mutations: [["ports", "insert", ["named-uuid", "port"]]],
    });
    expect(insertedBy(operations)).toMatchObject({ name: "spvabc", ofport_request: 20 });
    expect(removeRow(["uuid", "x"])).toMatchObject({
      mutations: [["ports", "delete", ["uuid", "x"]]],
    });
  });

  test("a bridge that has forgotten its flows is silent, and speaks OpenFlow 1.5", () => {
    const bridge = createBridge("sp0", "netdev").find(
      ({ op, ...one }) => "table" in one && one.table === "Bridge" && op === "insert",
    );
    expect(bridge).toMatchObject({
      row: { name: "sp0", datapath_type: "netdev", fail_mode: "secure" },
    });
    expect(JSON.stringify(bridge)).toContain("OpenFlow15");
  });

  test("a wait ends after whole milliseconds", () => {
    expect(awaitOfport("spvabc", 12.3)[0]).toMatchObject({ op: "wait", timeout: 13, until: "!=" });
  });
});
