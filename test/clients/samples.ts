/** The configuration that people are given in conf/ and docs/clients.md. */
import { readFileSync } from "node:fs";
import type { List } from "./aftermath.ts";

export const sampleText = (name: string): string =>
  readFileSync(new URL(`../../conf/${name}`, import.meta.url), "utf8");

/** The code in that language in a section of docs/clients.md. */
export function documented(section: string, language: string): string {
  const page = readFileSync(new URL("../../docs/clients.md", import.meta.url), "utf8");
  const text = page.split("\n## ").find((part) => part.startsWith(`${section}\n`));
  const [, code] = text?.split(`\`\`\`${language}\n`) ?? [];
  const [block] = code?.split("```") ?? [];
  if (block === undefined) throw new Error(`Cannot find ${language} under "${section}"`);
  return block;
}

/** Ours alone. */
export const list: List = JSON.parse(sampleText("10-socketplane.conflist"));

/** With portmap and bandwidth after ours. */
export const chain: List = JSON.parse(sampleText("10-socketplane-chain.conflist"));

/** The same with IPv6, fd00:2::/64. */
export function inBothFamilies({ plugins: [ours, ...others], ...rest }: List): List {
  return { ...rest, plugins: [{ ...ours, subnet6: "fd00:2::/64" }, ...others] };
}
