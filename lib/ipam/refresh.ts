/**
 * Brings what this node holds of a network up to date with the store.
 *
 * With a fresh cache and a free address the store is not asked; and one that is away is waited for
 * no longer than an ADD can, and not by each ADD anew.
 */
import { type Deadline, within } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import type { Prefix4 } from "../net/prefix.ts";
import type { Revision } from "../store/store.ts";
import { claimAgain } from "./claim.ts";
import { settleFolders } from "./folders.ts";
import { isFresh, markAway, type restMs, storeAway, unmarkAway } from "./freshness.ts";
import { endGivingBack } from "./give-back.ts";
import { dropCache, type HeldNetwork, type NodeIpam, readCache, underLock } from "./held.ts";
import { confirmStore, rememberRegistered } from "./known-store.ts";
import { readLeasesAt } from "./leases.ts";
import { matches, type NetworkSpec } from "./network.ts";
import { ensureNetwork, type Registry, readNetwork, refuseDeleting } from "./networks.ts";
import { readNodes, type ThisNode } from "./nodes.ts";
import { registerNode } from "./register.ts";
import { holdingOf } from "./view.ts";
import { writeRead } from "./write-held.ts";

/** Which network, and what it is made from on its first use. */
export interface WantedNetwork {
  readonly name: string;
  readonly spec: NetworkSpec | undefined;
}

/**
 * The network, from the cache if it is fresh and fits. With a spec, it is created on first use;
 * without, it must exist. Throws Failure "network-unknown" or "network-conflict".
 */
export async function holdNetwork(
  ipam: NodeIpam,
  wanted: WantedNetwork,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const held = await current(ipam, wanted, deadline);
  refuseDeleting(held.stored.network);
  return held;
}

async function current(
  ipam: NodeIpam,
  wanted: WantedNetwork,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const folder = ipam.dirs.networks.open(wanted.name);
  const cached = folder && fitting(folder, wanted);
  folder?.close();
  if (cached !== undefined && (holds(ipam, cached) || isAway(ipam))) return cached;
  return underLock(ipam, wanted.name, deadline, async (locked) => {
    const now = fitting(locked, wanted);
    if (now !== undefined && (holds(ipam, now) || isAway(ipam))) return now;
    try {
      return await refresh(ipam, locked, wanted, now === undefined ? "unable" : "able", deadline);
    } catch (failure) {
      if (now === undefined || !isPassing(failure)) throw failure;
      ipam.log.warn("the store is away: going on with what this node holds", {
        network: wanted.name,
        reason: failure.message,
      });
      return now;
    }
  });
}

/**
 * Reads the network again, under its lock, which the caller holds with its folder. `who`: whether
 * the caller can go on without the store, which then is waited for less, and asked less often.
 */
export function refresh(
  ipam: NodeIpam,
  folder: Dir,
  wanted: WantedNetwork,
  who: keyof typeof restMs,
  deadline: Deadline,
): Promise<HeldNetwork> {
  return asking(ipam, who, deadline, (registry, node, until) =>
    readAll(ipam, registry, folder, wanted, node, until),
  );
}

/**
 * Asks the store, for no longer than a runtime should wait, and remembers when it did not answer.
 */
export async function asking<T>(
  ipam: NodeIpam,
  who: keyof typeof restMs,
  deadline: Deadline,
  ask: (registry: Registry, node: ThisNode, deadline: Deadline) => Promise<T>,
): Promise<T> {
  const away = storeAway(ipam, who);
  if (away !== undefined) throw new Failure("try-again", away);
  const node = ipam.node();
  // The embedded store is a file of this machine, and a slow disk no reason to give up.
  const until = node.vtep ? within(deadline, ipam.sinceBoot, patienceMs[who]) : deadline;
  try {
    const answer = await ask(await ipam.registry(), node, until);
    unmarkAway(ipam);
    return answer;
  } catch (failure) {
    if (isPassing(failure)) markAway(ipam, failure.message);
    throw failure;
  }
}

/** How long a store that does not answer is waited for, milliseconds. */
const patienceMs = { able: 2_000, unable: 4_000 } as const;

async function readAll(
  ipam: NodeIpam,
  registry: Registry,
  folder: Dir,
  wanted: WantedNetwork,
  thisNode: ThisNode,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const { dirs, log } = ipam;
  const readAt = ipam.sinceBoot();
  const tunnel = thisNode.vtep;
  if (tunnel !== undefined) await confirmStore(ipam, registry, deadline);
  const stored =
    wanted.spec === undefined
      ? await readNetwork(registry, wanted.name, deadline)
      : (await ensureNetwork(registry, wanted.spec, deadline)).stored;
  if (stored === undefined) {
    dropCache(folder);
    throw unknownNetwork(wanted.name);
  }
  const node = await registerNode(registry, thisNode, deadline);
  if (tunnel !== undefined) rememberRegistered(ipam);
  await endGivingBack(registry, folder, wanted.name, deadline);
  // Before the nodes: whose lease is read is registered by then.
  const { leases, revision } = await readLeasesAt(registry, wanted.name, deadline);
  const nodes = tunnel === undefined ? new Map() : await readNodes(registry, deadline);
  const claimAgainHere = (prefix: Prefix4) =>
    claimAgain(registry, { stored, node }, prefix, deadline);
  const settling = { dirs, folder, node, leases, claimAgain: claimAgainHere, log };
  const again = await settleFolders(settling);
  const view = { stored, node, tunnel, nodes, readAt };
  const all = [...leases, ...again].sort((a, b) => a.prefix.base - b.prefix.base);
  const latest = Math.max(revision, ...again.map((lease) => lease.revision)) as Revision;
  const { held, peers } = holdingOf({ ...view, leases: all, revision: latest });
  writeRead(folder, held, peers);
  return held;
}

const unknownNetwork = (name: string): Failure =>
  new Failure("network-unknown", `Cannot use network "${name}": there is none`, {
    details: `Create it: socketplane network create ${name} [SUBNET]; or give "subnet" in the CNI configuration.`,
  });

function fitting(folder: Dir, { spec }: WantedNetwork): HeldNetwork | undefined {
  const cached = readCache(folder);
  const fits = cached !== undefined && (spec === undefined || matches(cached.stored.network, spec));
  return fits ? cached : undefined;
}

/** A network that was being deleted may be gone by now, or be there again. */
const holds = (ipam: NodeIpam, { stored, readAt }: HeldNetwork): boolean =>
  !stored.network.deleting && isFresh(ipam, readAt);

const isAway = (ipam: NodeIpam): boolean => storeAway(ipam, "able") !== undefined;

const isPassing = (failure: unknown): failure is Failure =>
  failure instanceof Failure && ["try-again", "io"].includes(failure.kind);
