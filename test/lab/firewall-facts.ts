/** What a node's firewall names, as nft(8) shows it: of attachments it should name nothing. */
import { must } from "./run.ts";

export interface FirewallFacts {
  /** Links of networks that it knows. */
  readonly networks: readonly string[];
  /** Addresses that it takes for this node's containers, as numbers. */
  readonly local: readonly { readonly first: number; readonly last: number }[];
  /** Links of containers, in whoever's rule. */
  readonly links: readonly string[];
}

export const noFirewall: FirewallFacts = { networks: [], local: [], links: [] };

interface NftSet {
  readonly table: string;
  readonly name: string;
  readonly elem?: readonly unknown[];
}

export async function firewallOf(netns: string): Promise<FirewallFacts> {
  const text = await must({ netns, argv: ["nft", "-j", "list", "ruleset"] });
  const { nftables } = JSON.parse(text) as { nftables: readonly { readonly set?: NftSet }[] };
  const ours = nftables.flatMap(({ set }) => (set?.table === "socketplane" ? [set] : []));
  const elements = (name: string) => ours.find((set) => set.name === name)?.elem ?? [];
  const pairs = elements("allowed") as readonly { readonly concat: readonly string[] }[];
  return {
    networks: [...new Set(pairs.flatMap(({ concat }) => concat))],
    local: elements("local4").map(spanOf),
    links: Array.from(text.matchAll(/"(spv[0-9a-v]{12})"/g), ([, link = ""]) => link),
  };
}

interface Interval {
  readonly prefix?: { readonly addr: string; readonly len: number };
  readonly range?: readonly [string, string];
}

/** "10.2.0.9", a prefix or a range. */
function spanOf(element: unknown): { readonly first: number; readonly last: number } {
  if (typeof element === "string") return { first: numberOf(element), last: numberOf(element) };
  const { prefix, range } = element as Interval;
  if (range !== undefined) return { first: numberOf(range[0]), last: numberOf(range[1]) };
  const first = numberOf(prefix?.addr ?? "");
  return { first, last: first + 2 ** (32 - (prefix?.len ?? 32)) - 1 };
}

const numberOf = (dotted: string): number =>
  dotted.split(".").reduce((value, byte) => value * 256 + Number(byte), 0);
