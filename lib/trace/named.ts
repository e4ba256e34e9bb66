/** A and B, as they are told of: pure. */
import { textOf } from "./packet-text.ts";
import { type Party, partyWords } from "./parties.ts";
import type { Address } from "./way.ts";

/** What is known of one of both, for programs. */
export interface Named {
  readonly kind: "container" | "node" | "address";
  /** Of a container, or a node. */
  readonly name?: string;
  /** Where it has the address; absent for one of no network. */
  readonly network?: string;
  readonly address?: Address;
  /** Where it is. */
  readonly node?: string;
}

/** "container web-1 (10.2.0.3)" */
export const named = (party: Party, address: Address): string =>
  party.is === "address" ? textOf(address) : `${partyWords(party)} (${textOf(address)})`;

/** `where` is what is known of the one of its interfaces that is meant. */
export function namedFacts(
  party: Party,
  address: Address | undefined,
  where: { readonly node: string; readonly network: string } | undefined,
): Named {
  const at = address === undefined ? {} : { address };
  const network = where === undefined ? {} : { network: where.network };
  switch (party.is) {
    case "container": {
      const node = where?.node ?? party.holders[0]?.node;
      return {
        kind: "container",
        name: party.name,
        ...network,
        ...at,
        ...(node !== undefined && { node }),
      };
    }
    case "host":
      return { kind: "node", name: party.node, ...network, ...at, node: party.node };
    case "address":
      return { kind: "address", ...at };
  }
}
