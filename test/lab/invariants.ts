/**
 * What must hold of every node at any moment between commands, and after the last DEL.
 *
 * Pure: facts in, problems in words out, so that they can be shown to fail. End-to-end tests end
 * with `assertSound` and, where all containers are gone, `assertNothingLeft`.
 */
import { type AssignmentFact, factsOf, type LeaseFact, type NodeFacts } from "./facts.ts";
import type { LabNode } from "./node.ts";

/** The node's own address in a network belongs to an attachment of this name. */
const ownName = "@node";

export interface Allowances {
  /**
   * A command was killed: what it was writing may lie about under temporary names, and the node's
   * own address may be begun and not taken; the next ADD in its network goes on with that.
   */
  readonly killed?: true;
}

/** Throws an Error that names every problem of these nodes, which share their networks. */
export async function assertSound(
  nodes: readonly LabNode[],
  allowances: Allowances = {},
): Promise<void> {
  settle("Not sound", unsound(await Promise.all(nodes.map(factsOf)), allowances));
}

/** The same of one node, and what was seen of it: for those who look on. */
export async function soundFactsOf(node: LabNode, allowances: Allowances = {}): Promise<NodeFacts> {
  const facts = await factsOf(node);
  settle("Not sound", unsound([facts], allowances));
  return facts;
}

/** Throws an Error that names all that DELs of every container have left on these nodes. */
export async function assertNothingLeft(
  nodes: readonly LabNode[],
  allowances: Allowances = {},
): Promise<void> {
  const facts = await Promise.all(nodes.map(factsOf));
  settle("Something is left", facts.flatMap(leftOvers));
  settle("Not sound", unsound(facts, allowances));
}

const unsound = (facts: readonly NodeFacts[], allowances: Allowances): readonly string[] => [
  ...heldTwice(facts),
  ...overlapping(facts),
  ...facts.flatMap((one) => [
    ...astray(one, allowances),
    ...unlike(one, allowances),
    ...outsideLeases(one),
  ]),
];

/** No address is held twice, by files or by links, on one node or on two. */
export function heldTwice(nodes: readonly NodeFacts[]): readonly string[] {
  const files = nodes.flatMap(({ node, taken }) =>
    taken.map((one) => ({ what: `${one.network} ${one.address}`, who: `${node}:${holder(one)}` })),
  );
  // A container has the same address once, even on two links, or on a link of another network.
  const links = nodes.flatMap(({ node, inner }) =>
    inner.flatMap(({ containerId, ifname, mac, addresses }) => {
      const who = `${node}:${containerId}:${ifname}`;
      return [...addresses, mac].map((what) => ({ what, who }));
    }),
  );
  return [...repeated(files), ...repeated(links)];
}

/** Leases are apart, and of nodes that know of them. */
export function overlapping(nodes: readonly Pick<NodeFacts, "leases">[]): readonly string[] {
  const leases = uniqueLeases(nodes.flatMap((one) => one.leases));
  return leases.flatMap((one, index) =>
    leases
      .slice(index + 1)
      .filter(
        (two) => one.network === two.network && one.first <= two.last && two.first <= one.last,
      )
      .map((two) => `leases ${one.block} of ${one.node} and ${two.block} of ${two.node} overlap`),
  );
}

/** Addresses are given only from blocks that are this node's at that revision. */
export function outsideLeases({ node, taken, leases }: NodeFacts): readonly string[] {
  return taken
    .filter(({ network, file }) => {
      const [, , block = ""] = file.split("/");
      const lease = leases.find((one) => one.network === network && one.block === block);
      return lease?.node !== node;
    })
    .map((one) => `${one.file} of ${holder(one)} is in no block of ${node}`);
}

/** Files that a command that came to its end never leaves. */
export function astray(facts: NodeFacts, allowances: Allowances = {}): readonly string[] {
  const files = [...facts.strays, ...(allowances.killed ? [] : facts.temporaries)];
  return files.map((file) => `${facts.node}: ${file} is not in its place, or not whole`);
}

/** Files, links, rows and flows speak of the same attachments, with the same addresses. */
export function unlike(facts: NodeFacts, allowances: Allowances = {}): readonly string[] {
  const { node, taken, ports, flowPorts, inner, links } = facts;
  const takenBy = new Map(taken.map((one) => [holder(one), one]));
  const isTaken = (one: AssignmentFact) => isSame(one, takenBy.get(holder(one)));
  const isBegun = (one: AssignmentFact) => one.name === ownName && !isTaken(one);
  const begun = allowances.killed ? facts.owners.filter(isBegun) : [];
  const owners = facts.owners.filter((one) => !begun.includes(one));
  const numbers = facts.numbers.filter((number) => !begun.some(({ ofport }) => ofport === number));
  const owned = new Map(owners.map((one) => [holder(one), one]));
  const attached = taken.filter(({ ofport }) => ofport !== undefined);
  const bound = attached.filter(({ name }) => name !== ownName);
  const rows = ports.filter(({ ids }) => ids.role === "attachment");
  const problems = [
    ...taken
      .filter((one) => !isSame(one, owned.get(holder(one))))
      .map((one) => `${one.file} is not what the owner's file of ${holder(one)} says`),
    ...owners.filter((one) => !isTaken(one)).map((one) => `${one.file} has no address linked`),
    ...bound.flatMap((one) => {
      const row = rows.find(({ ofport }) => ofport === one.ofport);
      const link = inner.find(
        ({ containerId, ifname }) => containerId === one.containerId && ifname === one.ifname,
      );
      return [
        ...(row?.ids.address === one.address && links.includes(row.link)
          ? []
          : [`${holder(one)} has no port of its own on the switch`]),
        ...(flowPorts.includes(one.ofport ?? 0) ? [] : [`${holder(one)} has no flows`]),
        ...(link?.addresses.includes(one.address) && link.mac === one.mac
          ? []
          : [`${holder(one)} has not ${one.address} and ${one.mac} on its link`]),
      ];
    }),
    ...apart(
      "port number",
      numbers,
      attached.map(({ ofport }) => ofport ?? 0),
    ),
    ...apart(
      "flows of port",
      flowPorts,
      bound.map(({ ofport }) => ofport ?? 0),
    ),
    ...facts.meterPorts
      .filter((number) => !bound.some(({ ofport }) => ofport === number))
      .map((number) => `meters of port ${number} are nobody's`),
    ...apart(
      "row of link",
      rows.map(({ link }) => link),
      links.filter((name) => name.startsWith("spv")),
    ),
  ];
  return problems.map((problem) => `${node}: ${problem}`);
}

/** What only attachments of containers have. */
export function leftOvers(facts: NodeFacts): readonly string[] {
  const { node, taken, owners, links, ports, flowPorts } = facts;
  const own = new Set(owners.filter(({ name }) => name === ownName).map(({ ofport }) => ofport));
  const left = [
    ...[...taken, ...owners].filter(({ name }) => name !== ownName).map(({ file }) => file),
    ...facts.numbers.filter((number) => !own.has(number)).map((number) => `ports/${number}`),
    ...links.filter((name) => name.startsWith("spv")).map((name) => `link ${name}`),
    ...ports.filter(({ ids }) => ids.role === "attachment").map(({ link }) => `port ${link}`),
    ...flowPorts.map((number) => `flows of port ${number}`),
    ...facts.meterPorts.map((number) => `meters of port ${number}`),
    ...inFirewall(facts),
  ];
  return left.map((what) => `${node}: ${what}`);
}

/** What the firewall names that is not there. */
function inFirewall({ node, links, leases, firewall }: NodeFacts): readonly string[] {
  const own = leases.filter((lease) => lease.node === node);
  // Leases side by side are one span.
  const isHeld = (address: number) =>
    own.some(({ first, last }) => first <= address && address <= last);
  const stray = firewall.local.filter(({ first, last }) => !isHeld(first) || !isHeld(last));
  return [
    ...firewall.networks.filter((link) => !links.includes(link)).map((link) => `rules for ${link}`),
    ...stray.map(({ first }) => `rules for addresses from 0x${first.toString(16)} on`),
    ...firewall.links.map((link) => `rules for link ${link}`),
  ];
}

const holder = ({ name, containerId, ifname }: AssignmentFact): string =>
  `${name}:${containerId}:${ifname}`;

const isSame = (one: AssignmentFact, other: AssignmentFact | undefined): boolean =>
  other !== undefined &&
  JSON.stringify({ ...one, file: "" }) === JSON.stringify({ ...other, file: "" });

function repeated(claims: readonly { readonly what: string; readonly who: string }[]) {
  const byWhat = Map.groupBy(claims, ({ what }) => what);
  return [...byWhat]
    .filter(([, holders]) => holders.length > 1)
    .map(([what, holders]) => `${what} is held by ${holders.map(({ who }) => who).join(" and ")}`);
}

/** Things of one of two lists that should be the same. */
function apart<T>(what: string, found: readonly T[], expected: readonly T[]): readonly string[] {
  return [
    ...found.filter((one) => !expected.includes(one)).map((one) => `${what} ${one} is nobody's`),
    ...expected.filter((one) => !found.includes(one)).map((one) => `${what} ${one} is missing`),
  ];
}

/** Nodes that share a store see the same leases. */
const uniqueLeases = (leases: readonly LeaseFact[]): readonly LeaseFact[] => [
  ...new Map(leases.map((one) => [`${one.network} ${one.node} ${one.block}`, one])).values(),
];

/** Throws an Error that names all problems, if there is one. */
export function settle(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`${what}:\n${problems.join("\n")}`);
}
