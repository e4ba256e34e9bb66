/** Who is meant by the words of a command line: pure. See way.ts for the folder's note. */
import { Failure } from "../errors.ts";
import { nearest } from "../faults.ts";
import type { Network } from "../ipam/network.ts";
import { parseVtep } from "../ipam/nodes.ts";
import { ip6Of } from "../net/mac.ts";
import { contains4 } from "../net/prefix.ts";
import { type Facts, type Holder, networkNamed } from "./facts.ts";
import { ip4Of, textOf } from "./packet-text.ts";
import type { Address } from "./way.ts";

/** What a word may mean. */
export type Party =
  /** All interfaces of a container; `family` where it was named by an address. */
  | {
      readonly is: "container";
      readonly name: string;
      readonly holders: readonly Holder[];
      readonly family?: Address["family"];
    }
  | { readonly is: "host"; readonly node: string; readonly family?: Address["family"] }
  /** Of nobody that is known. */
  | { readonly is: "address"; readonly address: Address };

/** A word that means nothing throws Failure "unknown-container", with the nearest that there is. */
export function partyOf(facts: Facts, word: string): Party {
  const address = parseVtep(word);
  if (address !== undefined) return ofAddress(facts, address);
  const all = facts.holders.filter(({ isOwn }) => !isOwn);
  const exact = all.filter(({ name, id }) => name === word || id.containerId === word);
  if (exact.length > 0) return containers(exact, word);
  if (facts.nodes.some(({ name }) => name === word)) return { is: "host", node: word };
  const begun = all.filter(({ id }) => id.containerId.startsWith(word));
  if (begun.length > 0) return containers(begun, word);
  const names = [...all.map(({ name }) => name), ...facts.nodes.map(({ name }) => name)];
  const near = nearest(word, names);
  throw new Failure(
    "unknown-container",
    `Cannot trace "${word}": no container, address or node is called so${facts.isWhole ? "" : ", as far as this node knows"}`,
    {
      details: [
        ...(near === undefined ? [] : [`Did you mean "${near}"?`]),
        ...facts.gaps,
        "See which there are: socketplane address list; socketplane node list",
      ].join("\n"),
    },
  );
}

function containers(found: readonly Holder[], word: string): Party {
  const ids = new Set(found.map(({ id, node }) => `${node} ${id.containerId}`));
  const [first] = found;
  if (first === undefined || ids.size > 1) {
    throw new Failure(
      "unknown-container",
      `Cannot trace "${word}": ${ids.size} containers are called so`,
      { details: "Name it by its id, or by its address." },
    );
  }
  return { is: "container", name: first.name, holders: found };
}

function ofAddress(facts: Facts, address: Address): Party {
  const holder = facts.holders.find(
    (one) => addressIn(facts, one, address.family)?.address === address.address,
  );
  const { family } = address;
  if (holder?.isOwn === true) return { is: "host", node: holder.node, family };
  if (holder !== undefined) {
    return { is: "container", name: holder.name, holders: [holder], family };
  }
  const node = facts.nodes.find(
    ({ vtep }) => vtep?.family === address.family && vtep.address === address.address,
  );
  return node === undefined ? { is: "address", address } : { is: "host", node: node.name, family };
}

/** A holder's address of the family; undefined in a network without IPv6. */
export function addressIn(
  facts: Facts,
  { network, address }: Pick<Holder, "network" | "address">,
  family: Address["family"],
): Address | undefined {
  if (family === 4) return { family, address };
  const subnet6 = networkNamed(facts, network)?.subnet6;
  return subnet6 === undefined ? undefined : { family, address: ip6Of(subnet6, address) };
}

/** Whether the address is on the network's own link: it is asked for, and not routed. */
export const isOnLink = ({ subnet, subnet6 }: Network, one: Address): boolean =>
  one.family === 4
    ? contains4(subnet, one.address)
    : subnet6 !== undefined && ip6Of(subnet6, ip4Of(one)) === one.address;

export const partyWords = (party: Party): string => {
  switch (party.is) {
    case "container":
      return `container ${party.name}`;
    case "host":
      return `node ${party.node}`;
    case "address":
      return textOf(party.address);
  }
};
