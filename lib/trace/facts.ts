/**
 * Who holds what, as far as it is known: pure, made of a survey. What the store says comes first;
 * without it, what this node has cached of it. See way.ts for the folder's note.
 */
import { isOwnAddress } from "../attach/names.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import { isOf } from "../ipam/leases.ts";
import { podOf } from "../ipam/mirrored.ts";
import type { Network } from "../ipam/network.ts";
import { sameVtep } from "../ipam/nodes.ts";
import type { Ip4 } from "../net/ip4.ts";
import { type Mac, macOfIp4, parseMac } from "../net/mac.ts";
import { contains4, type Prefix4 } from "../net/prefix.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Survey } from "../survey/survey.ts";
import { printable } from "../text.ts";

export interface Facts {
  /** This one's name, and VTEP: also where it was removed, and is none of `nodes`. */
  readonly node: string;
  readonly vtep: VtepAddress | undefined;
  readonly networks: readonly Network[];
  readonly nodes: readonly KnownNode[];
  readonly leases: readonly KnownLease[];
  readonly holders: readonly Holder[];
  /** Whether the store said so: else the nodes are not all known, and containers only here. */
  readonly isWhole: boolean;
  /** What is not known, and why, as whole sentences. */
  readonly gaps: readonly string[];
}

interface KnownNode {
  readonly name: string;
  readonly vtep: VtepAddress | undefined;
  /** Whether its agent answers, by its session. */
  readonly agent: boolean;
}

interface KnownLease {
  readonly network: string;
  readonly prefix: Prefix4;
  readonly mac: Mac | undefined;
  /** Undefined where only the VTEP is known. */
  readonly node: string | undefined;
  readonly vtep: VtepAddress | undefined;
}

/** A container's address, or a node's own in a network. */
export interface Holder {
  readonly node: string;
  readonly network: string;
  readonly address: Ip4;
  readonly mac: Mac;
  readonly id: AttachmentId;
  /** As `socketplane info` has it: a pod's name, or the container's id. */
  readonly name: string;
  /** Of the node itself. */
  readonly isOwn: boolean;
  /** On this node; undefined on others, and where it has no port of ours. */
  readonly ofport: number | undefined;
  /** Of a container of this node: its namespace was deleted, or its link is down at its end. */
  readonly fault?: "gone" | "down" | undefined;
}

export function factsOf(survey: Survey): Facts {
  const { cluster, here, self } = survey;
  const node = self.name.known ? self.name.value : "this node";
  const cached = here.known ? here.value.networks.flatMap(({ held }) => held?.stored ?? []) : [];
  const gaps = [cluster, here].flatMap((one) => (one.known ? [] : [`${one.why}.`]));
  return {
    node,
    vtep: self.vtep.known ? self.vtep.value : undefined,
    networks: cluster.known ? cluster.value.networks : cached.map(({ network }) => network),
    nodes: cluster.known ? cluster.value.nodes : ownNode(survey, node),
    leases: cluster.known ? stored(survey) : inCaches(survey, node),
    holders: [...holdersHere(survey, node), ...holdersElsewhere(survey, node)],
    isWhole: cluster.known,
    gaps,
  };
}

function ownNode({ self, agent }: Survey, name: string): readonly KnownNode[] {
  return [{ name, vtep: self.vtep.known ? self.vtep.value : undefined, agent: agent.known }];
}

/** Of a node that was removed, or of an earlier registration, a lease is nobody's. */
function stored({ cluster }: Survey): readonly KnownLease[] {
  if (!cluster.known) return [];
  const nodes = new Map(cluster.value.nodes.map((node) => [node.name, node]));
  return cluster.value.leases.flatMap((lease) => {
    const node = nodes.get(lease.node);
    if (node === undefined || !isOf(lease, node)) return [];
    const { network, prefix, mac } = lease;
    return [{ network, prefix, mac, node: node.name, vtep: node.vtep }];
  });
}

function inCaches({ here }: Survey, node: string): readonly KnownLease[] {
  if (!here.known) return [];
  return here.value.networks.flatMap(({ name: network, held, peers }) => [
    ...(held?.blocks ?? []).map(({ prefix, mac }) => ({
      network,
      prefix,
      mac,
      node,
      vtep: held?.tunnel,
    })),
    ...peers.map(({ prefix, mac, vtep }) => ({ network, prefix, mac, node: undefined, vtep })),
  ]);
}

function holdersHere({ here, switch: seen }: Survey, node: string): readonly Holder[] {
  if (!here.known) return [];
  const ports = seen.known ? seen.value.ports : [];
  const down = new Set(
    ports.filter(({ linkState }) => linkState === "down").map(({ name }) => name),
  );
  return here.value.assignments
    .filter(({ isHeld }) => isHeld)
    .map(({ network, address, mac, id, workload, isOwn, ofport, state, link }) => {
      const name = isOwn ? node : printable(podOf(workload) ?? id.containerId);
      const fault = state === "gone" ? "gone" : down.has(link) && !isOwn ? "down" : undefined;
      return { node, network, address, mac, id, name, isOwn, ofport, fault };
    });
}

function holdersElsewhere({ cluster }: Survey, here: string): readonly Holder[] {
  if (!cluster.known) return [];
  return cluster.value.assignments.flatMap((one) => {
    const mac = parseMac(one.mac);
    // What an agent wrote down of this node may be behind.
    if (one.node === here || mac === undefined) return [];
    const { node, network, address, id, workload } = one;
    const isOwn = isOwnAddress(id);
    const name = isOwn ? node : printable(podOf(workload) ?? id.containerId);
    return [{ node, network, address, mac, id, name, isOwn, ofport: undefined }];
  });
}

export const networkNamed = ({ networks }: Facts, name: string): Network | undefined =>
  networks.find((one) => one.name === name);

/** The longest lease that the address is in: the one that frames go by. */
export function leaseOf(
  { leases }: Pick<Facts, "leases">,
  network: string,
  address: Ip4,
): KnownLease | undefined {
  const found = leases.filter((one) => one.network === network && contains4(one.prefix, address));
  return found.sort((a, b) => b.prefix.length - a.prefix.length)[0];
}

export const holderOf = (
  { holders }: Pick<Facts, "holders">,
  network: string,
  address: Ip4,
): Holder | undefined => holders.find((one) => one.network === network && one.address === address);

/** The MAC that a neighbour's answer says: one that was given, or else what its address makes. */
export const macAt = (
  facts: Pick<Facts, "holders" | "leases">,
  network: string,
  address: Ip4,
): Mac =>
  holderOf(facts, network, address)?.mac ??
  leaseOf(facts, network, address)?.mac ??
  macOfIp4(address);

export const nodeAt = ({ nodes }: Pick<Facts, "nodes">, vtep: VtepAddress): string | undefined =>
  nodes.find((one) => sameVtep(one.vtep, vtep))?.name;
