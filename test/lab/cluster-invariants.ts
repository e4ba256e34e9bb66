/**
 * What must hold of a whole cluster: between its nodes, its store, its switches and its wire.
 *
 * Pure: facts in, problems in words out. Every end-to-end test of a cluster ends with
 * `assertClusterSound` and, where all containers are gone, `assertClusterEmpty`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, ClusterNode } from "./cluster.ts";
import {
  type ClusterFacts,
  clusterFactsOf,
  type LeaseFlow,
  type NetworkFact,
} from "./cluster-facts.ts";
import type { LeaseFact } from "./facts.ts";
import {
  type Allowances,
  astray,
  heldTwice,
  leftOvers,
  outsideLeases,
  overlapping,
  settle,
  unlike,
} from "./invariants.ts";
import type { WireFrame } from "./wire.ts";

export interface ClusterAllowances extends Allowances {
  /** Nodes that are not looked at: switched off, or their store is not the cluster's. */
  readonly without?: readonly ClusterNode[];
  /** Names of nodes whose switches know of the store's changes only with their next ADD. */
  readonly behind?: readonly string[] | "all";
  /** Networks that were deleted, whose frames were still seen. */
  readonly deleted?: readonly NetworkFact[];
}

/** Milliseconds in which agents may still be at work. */
const settleMs = 10_000;

/** Throws an Error that names every problem that the cluster has, and keeps. */
export const assertClusterSound = (cluster: Cluster, allowances: ClusterAllowances = {}) =>
  untilNone("Not sound", cluster, allowances, (facts) => soundness(facts, allowances));

/** The same, and that DELs of every container have left nothing. */
export const assertClusterEmpty = (cluster: Cluster, allowances: ClusterAllowances = {}) =>
  untilNone("Something is left", cluster, allowances, (facts) => [
    ...facts.nodes.flatMap(leftOvers),
    ...mirrorLeft(facts),
    ...soundness(facts, allowances),
  ]);

async function untilNone(
  what: string,
  cluster: Cluster,
  { without = [] }: ClusterAllowances,
  problemsOf: (facts: ClusterFacts) => readonly string[],
): Promise<void> {
  const nodes = cluster.nodes.filter((node) => !without.includes(node));
  const limit = performance.now() + settleMs;
  let seen: readonly WireFrame[] = [];
  for (;;) {
    const facts = await clusterFactsOf(cluster, nodes);
    seen = [...seen, ...facts.wire];
    const problems = problemsOf({ ...facts, wire: seen });
    // What was on the wire once stays a problem.
    const isLasting = wireProblems({ ...facts, wire: seen }).length > 0;
    if (problems.length === 0 || isLasting || performance.now() > limit) {
      settle(what, problems);
      return;
    }
    await sleep(200);
  }
}

export function soundness(
  facts: ClusterFacts,
  allowances: ClusterAllowances = {},
): readonly string[] {
  const { nodes, leases } = facts;
  return [
    ...heldTwice(nodes),
    ...overlapping([{ leases }]),
    ...nodes.flatMap((one) => [
      ...astray(one, allowances),
      ...unlike(one, allowances),
      ...outsideLeases(one),
    ]),
    ...leasesAstray(facts, allowances),
    ...switchesAstray(facts, allowances),
    ...wireProblems({ ...facts, networks: [...facts.networks, ...(allowances.deleted ?? [])] }),
  ];
}

/** Leases are those of registered nodes and known networks, and each has its folder and back. */
export function leasesAstray(
  { nodes, networks, registered, leases }: ClusterFacts,
  allowances: Pick<ClusterAllowances, "behind" | "killed"> = {},
): readonly string[] {
  const names = registered.map(({ node }) => node);
  const inStore = leases.flatMap(({ node, network, block, first, last }) => {
    const what = `lease ${block} of ${node} in ${network}`;
    const within = networks.find(({ name }) => name === network);
    return [
      ...(names.includes(node) ? [] : [`${what}: no such node is registered`]),
      ...(within !== undefined && within.first <= first && last <= within.last
        ? []
        : [`${what} is in no network of that name`]),
    ];
  });
  const onNodes = nodes.flatMap(({ node, blocks }) => {
    const held = leases.filter((lease) => lease.node === node);
    const isSame = (one: { network: string; block: string }, two: typeof one) =>
      one.network === two.network && one.block === two.block;
    const unknown = held.filter((lease) => !blocks.some((block) => isSame(lease, block)));
    const untold = isBehind(allowances, node) || allowances.killed ? [] : unknown;
    return [
      ...blocks
        .filter((block) => !held.some((lease) => isSame(lease, block)))
        .map(({ network, block }) => `${node} has ${block} in ${network}, which is no lease of it`),
      ...untold.map(({ network, block }) => `${node} has no folder for ${block} in ${network}`),
    ];
  });
  return [...inStore, ...onNodes];
}

/** Each switch lets through what the leases say, and nothing else, from and to the holder. */
export function switchesAstray(
  { switches, networks, registered, leases }: ClusterFacts,
  allowances: Pick<ClusterAllowances, "behind"> = {},
): readonly string[] {
  const vteps = new Map(registered.map(({ node, vtep }) => [node, vtep]));
  return switches.flatMap(({ node, vnis, leases: flows }) => {
    if (isBehind(allowances, node)) return [];
    const wanted = networks
      .filter(({ vni }) => vnis.includes(vni))
      .flatMap(({ name, vni }) =>
        leases
          .filter(({ network }) => network === name)
          .flatMap((lease) => flowsFor(lease, node, vni, vteps.get(lease.node))),
      );
    const [found, expected] = [flows.map(shownFlow), wanted.map(shownFlow)];
    return [
      ...found
        .filter((flow) => !expected.includes(flow))
        .map((flow) => `${node}: the switch has "${flow}", for which there is no lease`),
      ...expected
        .filter((flow) => !found.includes(flow))
        .map((flow) => `${node}: the switch lacks "${flow}"`),
    ];
  });
}

function flowsFor(
  { first, last, node, mac }: LeaseFact,
  at: string,
  vni: number,
  vtep: string | undefined,
): readonly LeaseFlow[] {
  // On its own node the flows are its port's; on others one has the computed MAC, which is asked of.
  if (mac !== undefined) return node === at ? [] : [{ vni, way: "to", first, last, vtep }];
  if (node === at) return [{ vni, way: "ours", first, last, vtep: undefined }];
  return (["from", "to"] as const).map((way) => ({ vni, way, first, last, vtep }));
}

const shownFlow = ({ vni, way, first, last, vtep }: LeaseFlow): string =>
  `VNI ${vni}: ${dotted(first)}-${dotted(last)} ${way}${vtep === undefined ? "" : ` ${vtep}`}`;

/** All that is wrong with the frames on the wire, each kind told once with its first frame. */
export function wireProblems({
  wire,
  networks,
}: Pick<ClusterFacts, "wire" | "networks">): readonly string[] {
  const kinds: Readonly<Record<string, (frame: WireFrame) => boolean>> = {
    "the gateway sends": (frame) => isFromGateway(frame, networks),
    "a broadcast or multicast is in a tunnel": ({ tunnel, destination }) =>
      tunnel !== undefined && (Number.parseInt(destination.slice(0, 2), 16) & 1) === 1,
    "a frame is under another network's VNI, or nobody's": (frame) => isMisplaced(frame, networks),
    "a container's frame went past the tunnel": (frame) => isBare(frame, networks),
  };
  return Object.entries(kinds).flatMap(([what, is]) => {
    const found = wire.filter(is);
    return found.length === 0
      ? []
      : [`on the wire: ${what}, ${found.length} times: ${JSON.stringify(found[0])}`];
  });
}

function isFromGateway({ tunnel, source, senders }: WireFrame, networks: readonly NetworkFact[]) {
  return networks.some(
    ({ vni, gateways }) =>
      (tunnel === undefined || tunnel.vni === vni) &&
      (gateways.some((one) => senders.includes(one)) ||
        gateways.some((one) => !one.includes(":") && source === macOf(one))),
  );
}

/** Both ends are of the network that the VNI is of; a MAC that was asked for is anybody's. */
function isMisplaced({ tunnel, source, destination }: WireFrame, networks: readonly NetworkFact[]) {
  if (tunnel === undefined) return false;
  const network = networks.find(({ vni }) => vni === tunnel.vni);
  return (
    network === undefined ||
    [source, destination]
      .map(addressOf)
      .some((one) => one !== undefined && (one < network.first || one > network.last))
  );
}

function isBare({ tunnel, source, senders }: WireFrame, networks: readonly NetworkFact[]): boolean {
  if (tunnel !== undefined) return false;
  return networks.some(({ first, last }) =>
    [addressOf(source), ...senders.map(ip4Of)].some(
      (one) => one !== undefined && one >= first && one <= last,
    ),
  );
}

/** What the agents have mirrored of containers that are gone. Nodes are not in the mirror. */
export const mirrorLeft = ({ mirrored, nodes }: ClusterFacts): readonly string[] =>
  mirrored
    .filter((key) => {
      const [network = "", hex = ""] = key.split("/");
      const address = dotted(Number.parseInt(hex, 16));
      return !nodes.some(({ taken }) =>
        taken.some((one) => one.network === network && one.address === address),
      );
    })
    .map((key) => `the mirror still has ${key}`);

const isBehind = ({ behind = [] }: Pick<ClusterAllowances, "behind">, node: string): boolean =>
  behind === "all" || behind.includes(node);

const dotted = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");

/** The MAC of an address in dotted form. */
const macOf = (address: string): string =>
  `02:42:${address
    .split(".")
    .map((byte) => Number(byte).toString(16).padStart(2, "0"))
    .join(":")}`;

/** The address that a computed MAC is of. */
const addressOf = (mac: string): number | undefined =>
  mac.startsWith("02:42:") ? Number.parseInt(mac.slice(6).replaceAll(":", ""), 16) : undefined;

const ip4Of = (address: string): number | undefined =>
  address.includes(":")
    ? undefined
    : address.split(".").reduce((value, byte) => value * 256 + Number(byte), 0);
