/** Who is meant by the words of a command line: pure. See way.ts for the folder's note. */
import { Failure } from "../errors.ts";
import type { Network } from "../ipam/network.ts";
import { parseVtep } from "../ipam/nodes.ts";
import { formatIp4 } from "../net/ip4.ts";
import { ip6Of } from "../net/mac.ts";
import { contains4 } from "../net/prefix.ts";
import { type Facts, type Holder, networkNamed } from "./facts.ts";
import { meantBy } from "./meant.ts";
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

/** The words of a command line for a trace. */
export interface Asked {
  readonly from: string;
  readonly to: string;
  readonly network: string | undefined;
}

/** Throws Failure "unknown-container" that names all words that mean nothing, or too much. */
export function partiesOf(
  facts: Facts,
  { from, to, network }: Asked,
): { readonly from: Party; readonly to: Party } {
  const a = partyOf(facts, from);
  const b = partyOf(facts, to);
  const faults = [a, ...(to === from ? [] : [b]), networkFault(facts, network)].filter(isFault);
  if (isFault(a) || isFault(b) || faults.length > 0) {
    throw new Failure(
      "unknown-container",
      `Cannot trace ${faults.map(({ subject, state }) => `${subject}: ${state}`).join("; ")}`,
      { details: [...new Set(faults.flatMap(({ details }) => details))].join("\n") },
    );
  }
  return { from: a, to: b };
}

interface Fault {
  readonly subject: string;
  readonly state: string;
  /** What to do, a line each. */
  readonly details: readonly string[];
}

const isFault = (one: Party | Fault | undefined): one is Fault =>
  one !== undefined && "subject" in one;

/** Of two that a word may mean, the one that is called so in full counts. */
function partyOf(facts: Facts, word: string): Party | Fault {
  const address = parseVtep(word);
  if (address !== undefined) return ofAddress(facts, address);
  const all = facts.holders.filter(({ isOwn }) => !isOwn);
  const exact = all.filter(({ name, id }) => name === word || id.containerId === word);
  if (exact.length > 0) return containers(exact, word);
  if (facts.nodes.some(({ name }) => name === word)) return { is: "host", node: word };
  const pods = all.filter(({ name }) => name.endsWith(`/${word}`));
  if (pods.length > 0) return containers(pods, word);
  const begun = all.filter(({ id }) => id.containerId.startsWith(word));
  if (begun.length > 0) return containers(begun, word);
  const near = meantBy(
    word,
    all.map(({ name }) => name),
    facts.nodes.map(({ name }) => name),
  );
  return {
    subject: `"${word}"`,
    state: `no container, address or node is called so${asFarAs(facts)}`,
    details: [
      ...(near.length === 0 ? [] : [`Did you mean ${near.map(quoted).join(" or ")}?`]),
      ...facts.gaps,
      // The leases of others are cached, with their addresses; their containers are not.
      ...(facts.isWhole ? [] : ["A container of another node is found by its address: use that."]),
      "See which there are: socketplane address list; socketplane node list",
    ],
  };
}

function networkFault(facts: Facts, name: string | undefined): Fault | undefined {
  if (name === undefined || networkNamed(facts, name) !== undefined) return undefined;
  const known = facts.networks.map((one) => one.name);
  return {
    subject: `in network "${name}"`,
    state: `there is none${asFarAs(facts)}`,
    details: [
      known.length === 0 ? "There are no networks." : `Networks: ${known.join(", ")}`,
      ...facts.gaps,
    ],
  };
}

const asFarAs = ({ isWhole }: Facts): string => (isWhole ? "" : ", as far as this node knows");
const quoted = (name: string): string => `"${name}"`;

function containers(found: readonly Holder[], word: string): Party | Fault {
  const each = new Map(found.map((one) => [`${one.node} ${one.id.containerId}`, one]));
  const [first] = found;
  if (first === undefined || each.size > 1) {
    const some = [...each.values()].slice(0, 4);
    return {
      subject: `"${word}"`,
      state: `${each.size} containers are called so`,
      details: [
        `Name it in full, or by its address: ${some
          .map(({ name, address }) => `${name} (${formatIp4(address)})`)
          .join(", ")}${each.size > some.length ? ", ..." : ""}`,
      ],
    };
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
