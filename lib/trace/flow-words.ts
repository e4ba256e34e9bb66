/** What is read of a flow's text: pure. Source: ovs-fields(7), ovs-actions(7). */
import { parseVtep } from "../ipam/nodes.ts";
import { ip4OfMac, parseMac } from "../net/mac.ts";
import { type Prefix4, prefix4Of } from "../net/prefix.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Lookup } from "./switch-trace.ts";

/** The addresses whose computed MACs a match's field has; undefined for other MACs. */
export function macsIn(match: string, field: "dl_src" | "dl_dst"): Prefix4 | undefined {
  const found = new RegExp(`(?:^|,)${field}=([0-9a-f:]{17})(?:/([0-9a-f:]{17}))?`).exec(match);
  const mac = parseMac(found?.[1] ?? "");
  const address = mac === undefined ? undefined : ip4OfMac(mac);
  if (address === undefined) return undefined;
  const mask = found?.[2] === undefined ? 0xffff_ffff_ffff : (parseMac(found[2]) ?? 0);
  const hosts = 0xffff_ffff_ffff - mask;
  return prefix4Of(address, 32 - Math.round(Math.log2(hosts + 1)));
}

/** Whether it goes out by some port. */
export const isOutput = ({ actions }: Lookup): boolean =>
  actions.some((action) => action.startsWith("output:"));

/** Whether it says so itself; one of no actions drops too (ONF TS-025, 5.9). */
export const isDrop = ({ actions }: Lookup): boolean =>
  actions.every((action) => action === "drop");

/** Where the tunnel leads to. */
export function tunnelDstOf({ actions }: Lookup): VtepAddress | undefined {
  const set = /^set_field:([0-9a-f.:]+)->tun_(?:ipv6_)?dst$/;
  const found = actions.map((action) => set.exec(action)?.[1]);
  return parseVtep(found.find((one) => one !== undefined) ?? "");
}
