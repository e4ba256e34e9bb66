/** The configuration that people are given in conf/. */
import { readFileSync } from "node:fs";
import type { List } from "./aftermath.ts";

export const sampleText = (name: string): string =>
  readFileSync(new URL(`../../conf/${name}`, import.meta.url), "utf8");

/** Ours alone. */
export const list: List = JSON.parse(sampleText("10-socketplane.conflist"));

/** With portmap and bandwidth after ours. */
export const chain: List = JSON.parse(sampleText("10-socketplane-chain.conflist"));

/** The same with IPv6, fd00:2::/64. */
export function inBothFamilies({ plugins: [ours, ...others], ...rest }: List): List {
  return { ...rest, plugins: [{ ...ours, subnet6: "fd00:2::/64" }, ...others] };
}
