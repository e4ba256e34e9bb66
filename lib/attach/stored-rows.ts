/** Reads what rows.ts has put into the switch's database: pure. */
import { type Limits, limitsOf, parseLimit } from "../limits.ts";
import { parseIp4 } from "../net/ip4.ts";
import { parseIp6 } from "../net/ip6.ts";
import { parseMac } from "../net/mac.ts";
import { listOf, type Row, recordOf } from "../ovs/ovsdb-json.ts";
import { idKey, type PortRow } from "./rows.ts";

/** Reads a row back; undefined if it is not one of ours, or not whole. */
export function parsePortRow(row: Row): PortRow | undefined {
  const ids = recordOf(row.external_ids);
  const text = (name: string) => ids[idKey(name)] ?? "";
  const [given] = listOf(row.ofport);
  const ofport = typeof given === "number" && given > 0 ? given : Number(text("port"));
  const address = parseIp4(text("address"));
  const link = String(row.name);
  const network = text("network");
  if (address === undefined || network === "" || !(ofport > 0)) return undefined;
  if (ids.socketplane === "gateway") return { role: "gateway", link, network, address, ofport };
  const mac = parseMac(text("mac"));
  if (ids.socketplane !== "attachment" || mac === undefined) return undefined;
  const id = { name: text("name"), containerId: text("container"), ifname: text("ifname") };
  const address6 = parseIp6(text("address6"));
  return {
    role: "attachment",
    link,
    id,
    network,
    address,
    address6,
    mac,
    ofport,
    boot: text("boot"),
    limits: limitsIn(ids),
  };
}

/** The limits of a container's port, by its row's external ids. */
export const limitsIn = (ids: Readonly<Record<string, string>>): Limits | undefined =>
  limitsOf(parseLimit(ids[idKey("send")] ?? ""), parseLimit(ids[idKey("receive")] ?? ""));
