/** Reads a network from the store, and makes what is on this node equal to it. */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import type { Revision } from "../store/store.ts";
import { claimAgain } from "./claim.ts";
import { settleFolders } from "./folders.ts";
import { endGivingBack } from "./give-back.ts";
import { dropCache, type HeldNetwork, type NodeIpam } from "./held.ts";
import { confirmStore, rememberRegistered } from "./known-store.ts";
import { isOf, readLeasesAt, removeLeases } from "./leases.ts";
import type { Network, NetworkSpec } from "./network.ts";
import { ensureNetwork, type Registry, readNetwork, type StoredNetwork } from "./networks.ts";
import { readNodes, type ThisNode } from "./nodes.ts";
import { registerNode } from "./register.ts";
import { holdingOf, type NetworkView } from "./view.ts";
import { writeRead } from "./write-held.ts";

/** Which network, and what it is made from on its first use. */
export interface WantedNetwork {
  readonly name: string;
  readonly spec: NetworkSpec | undefined;
  /** Throws of one that this machine can't have: it is not made for the others either. */
  readonly refuse?: (network: Network) => void;
}

/** The caller holds the network's lock, with its folder. */
export async function readHeld(
  ipam: NodeIpam,
  registry: Registry,
  folder: Dir,
  wanted: WantedNetwork,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const thisNode = ipam.node();
  if (thisNode.vtep !== undefined) await confirmStore(ipam, registry, deadline);
  const readAt = ipam.sinceBoot();
  const stored = await readOrCreate(registry, wanted, deadline);
  if (stored === undefined) {
    dropCache(folder);
    throw unknownNetwork(wanted.name);
  }
  const node = await registerNode(registry, thisNode, deadline);
  if (thisNode.vtep !== undefined) rememberRegistered(ipam);
  await endGivingBack(registry, folder, { network: wanted.name, node: node.name }, deadline);
  const found = await readView(registry, { stored, node, readAt }, thisNode, deadline);
  const again = await settleFolders({
    dirs: ipam.dirs,
    folder,
    node,
    leases: found.leases,
    claimAgain: (block) => claimAgain(registry, found, block, deadline),
    log: ipam.log,
  });
  const leases = [...found.leases, ...again].sort((a, b) => a.prefix.base - b.prefix.base);
  const revision = Math.max(found.revision, ...again.map((one) => one.revision)) as Revision;
  const { held, peers } = holdingOf({ ...found, leases, revision });
  writeRead(folder, held, peers);
  return held;
}

async function readOrCreate(
  registry: Registry,
  { name, spec, refuse }: WantedNetwork,
  deadline: Deadline,
): Promise<StoredNetwork | undefined> {
  if (spec === undefined) return readNetwork(registry, name, deadline);
  return (await ensureNetwork(registry, spec, deadline, refuse)).stored;
}

async function readView(
  registry: Registry,
  known: Pick<NetworkView, "stored" | "node" | "readAt">,
  { vtep: tunnel }: ThisNode,
  deadline: Deadline,
): Promise<NetworkView> {
  const { stored, node } = known;
  const { name } = stored.network;
  // Before the nodes: whose lease is read is registered by then.
  const { leases, revision } = await readLeasesAt(registry, name, deadline);
  const nodes = tunnel === undefined ? new Map() : await readNodes(registry, deadline);
  // Who removed this node died before it had removed these too.
  const left = leases.filter((lease) => lease.node === node.name && !isOf(lease, node));
  await removeLeases(registry, name, left, deadline);
  const living = leases.filter((lease) => !left.includes(lease));
  return { ...known, tunnel, leases: living, nodes, revision };
}

const unknownNetwork = (name: string): Failure =>
  new Failure("network-unknown", `Cannot use network "${name}": there is none`, {
    details: `Create it: socketplane network create ${name} [SUBNET]; or give "subnet" in the CNI configuration.`,
  });
