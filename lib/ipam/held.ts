/**
 * What this node holds of a network: the record and its leases, cached in the run directory, and
 * brought up to date under the network's lock.
 *
 * With a fresh cache and a free address the store is not asked. Folders of blocks are made here
 * only, so that eight first ADDs on a node claim one block, not eight.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { isObject, parseJson } from "../json.ts";
import type { Log } from "../log.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import { formatPrefix4 } from "../net/prefix.ts";
import {
  type Assignment,
  type AttachmentId,
  blockName,
  type HeldBlock,
  parseBlockName,
} from "./assignment.ts";
import { claimBlock, type RegisteredNode, readLeases, registerNode } from "./leases.ts";
import { matches, type Network, type NetworkSpec, usable } from "./network.ts";
import { ensureNetwork, type Registry, readNetwork, type StoredNetwork } from "./networks.ts";
import { assign, type PoolDirs, type Want } from "./pool.ts";

/** A network, this node's registration and its blocks, as they were read at one time. */
export interface HeldNetwork {
  readonly stored: StoredNetwork;
  readonly node: RegisteredNode;
  readonly blocks: readonly HeldBlock[];
  /** Milliseconds since boot. */
  readonly readAt: number;
}

export interface NodeIpam {
  readonly dirs: PoolDirs;
  /** Opens the store, if it is not open yet: a fresh cache never does. */
  readonly registry: () => Promise<Registry>;
  readonly node: () => { readonly name: string; readonly machineId: string };
  /** Milliseconds since boot, suspend included. */
  readonly sinceBoot: () => number;
  readonly log: Log;
}

/** How long what was read is used unasked, milliseconds. */
export const freshMs = 30_000;

/**
 * The network, from the cache if it is fresh and fits. With a spec, it is created on first use;
 * without, it must exist. Throws Failure "network-unknown" or "network-conflict".
 */
export async function holdNetwork(
  ipam: NodeIpam,
  wanted: { readonly name: string; readonly spec: NetworkSpec | undefined },
  deadline: Deadline,
): Promise<HeldNetwork> {
  const folder = ipam.dirs.networks.open(wanted.name);
  const cached = folder === undefined ? undefined : readCache(folder);
  folder?.close();
  if (cached !== undefined && isFresh(ipam, cached) && fits(cached, wanted.spec)) return cached;
  return underLock(ipam, wanted.name, deadline, async (locked) => {
    const now = readCache(locked);
    if (now !== undefined && isFresh(ipam, now) && fits(now, wanted.spec)) return now;
    try {
      return await refresh(ipam, locked, wanted, deadline);
    } catch (failure) {
      const passing = failure instanceof Failure && ["try-again", "io"].includes(failure.kind);
      if (!passing || now === undefined || !fits(now, wanted.spec)) throw failure;
      ipam.log.warn("the store is away: going on with what this node holds", {
        network: wanted.name,
        reason: failure.message,
      });
      return now;
    }
  });
}

/** What to assign, without what the held network says. */
export interface Wish extends Omit<Want, "network" | "blocks"> {
  /** What the network is made from should it be gone meanwhile. */
  readonly spec?: NetworkSpec | undefined;
}

export interface Assigned {
  readonly assignment: Assignment;
  /** False where the attachment had it already: then it is not the caller's to take back. */
  readonly made: boolean;
  /** What is held now: more blocks than before, if one had to be claimed. */
  readonly held: HeldNetwork;
}

/**
 * Assigns an address of the blocks held, and claims one more block for as long as they are full.
 * Throws Failure "no-address" when no block is left, or the address asked for is another's.
 */
export async function assignAddress(
  ipam: NodeIpam,
  held: HeldNetwork,
  wish: Wish,
  deadline: Deadline,
): Promise<Assigned> {
  refuseUnusable(held.stored.network, wish.address);
  let now = held;
  for (;;) {
    const { network } = now.stored;
    const assigned = assign(ipam.dirs, { ...wish, network, blocks: now.blocks });
    if (assigned.outcome === "assigned") return { ...assigned, held: now };
    if (assigned.outcome === "taken") throw takenBy(wish, network.name, assigned.by);
    now = await claimMore(ipam, now, wish, deadline);
  }
}

/** What the node holds of the network according to the cache, however old; for those who look. */
export function heldNow(dirs: PoolDirs, network: string): HeldNetwork | undefined {
  const folder = dirs.networks.open(network);
  const cached = folder === undefined ? undefined : readCache(folder);
  folder?.close();
  return cached;
}

/** Runs `body` with the network's folder, while no other process changes its blocks. */
export async function underLock<T>(
  ipam: NodeIpam,
  network: string,
  deadline: Deadline,
  body: (folder: Dir) => Promise<T>,
): Promise<T> {
  const folder = ipam.dirs.networks.make(network);
  const unlock = folder.lock("lock", "exclusive", deadline);
  try {
    return await body(folder);
  } finally {
    unlock();
    folder.close();
  }
}

/** Forgets what is cached, so that the next one asks the store. */
export const dropCache = (folder: Dir): boolean => folder.remove(cacheName);

/** A block's folder while its network is deleted: no ADD finds it by that name. */
export const going = (block: string): string => `${block}.going`;

const cacheName = "cache.json";

async function refresh(
  ipam: NodeIpam,
  folder: Dir,
  wanted: { readonly name: string; readonly spec: NetworkSpec | undefined },
  deadline: Deadline,
): Promise<HeldNetwork> {
  const registry = await ipam.registry();
  const readAt = ipam.sinceBoot();
  const stored =
    wanted.spec === undefined
      ? await readNetwork(registry, wanted.name, deadline)
      : (await ensureNetwork(registry, wanted.spec, deadline)).stored;
  if (stored === undefined) {
    dropCache(folder);
    throw new Failure("network-unknown", `Cannot use network "${wanted.name}": there is none`, {
      details: `Create it: socketplane network create ${wanted.name} [SUBNET]; or give "subnet" in the CNI configuration.`,
    });
  }
  const node = await registerNode(registry, ipam.node(), deadline);
  const leases = await readLeases(registry, wanted.name, deadline);
  const blocks = leases.filter((lease) => lease.node === node.name);
  const names = new Set(blocks.map(blockName));
  const known = folder.list();
  for (const name of known) {
    if (parseBlockName(name) === undefined || names.has(name)) continue;
    // No longer ours: nothing more is given from it.
    folder.rename(name, `${name}.lost`);
    ipam.log.error("a lease of this node was lost", { network: wanted.name, block: name });
  }
  const held = { stored, node, blocks, readAt };
  for (const name of names) {
    // A delete was killed, or we would not have the lock.
    if (known.includes(going(name)) && !known.includes(name)) folder.rename(going(name), name);
    folder.make(name).close();
  }
  writeCache(folder, held);
  return held;
}

async function claimMore(
  ipam: NodeIpam,
  tried: HeldNetwork,
  { address, spec }: Pick<Wish, "address" | "spec">,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const { network } = tried.stored;
  return underLock(ipam, network.name, deadline, async (folder) => {
    const known = new Set(tried.blocks.map(blockName));
    const now = readCache(folder);
    const grown = now?.blocks.some((block) => !known.has(blockName(block)));
    if (now !== undefined && grown === true) return now;
    const registry = await ipam.registry();
    // What was claimed by a process that died before it wrote it down is found here.
    const fresh = await refresh(ipam, folder, { name: network.name, spec }, deadline);
    if (fresh.blocks.some((block) => !known.has(blockName(block)))) return fresh;
    const block = await claimBlock(registry, fresh.stored, fresh.node, address, deadline);
    const blocks = [...fresh.blocks, block].sort((a, b) => a.prefix.base - b.prefix.base);
    const held = { ...fresh, blocks };
    folder.make(blockName(block)).close();
    writeCache(folder, held);
    return held;
  });
}

/** An address asked for must be one that a container of the network can have. */
function refuseUnusable(network: Network, address: Ip4 | undefined): void {
  if (address === undefined) return;
  const { first, last } = usable(network.subnet);
  const fits = address >= first && address <= last && address !== network.gateway;
  if (fits) return;
  throw new Failure(
    "invalid-config",
    `Cannot assign address ${formatIp4(address)} in network "${network.name}": it is ${address === network.gateway ? "the gateway" : `not a usable address of ${formatPrefix4(network.subnet)}`}`,
  );
}

const isFresh = (ipam: NodeIpam, held: HeldNetwork): boolean => {
  const age = ipam.sinceBoot() - held.readAt;
  return age >= 0 && age < freshMs;
};

const fits = (held: HeldNetwork, spec: NetworkSpec | undefined): boolean =>
  spec === undefined || matches(held.stored.network, spec);

function takenBy(wish: Wish, network: string, by: AttachmentId | undefined): Failure {
  const address = wish.address === undefined ? "" : ` ${formatIp4(wish.address)}`;
  // No CNI name begins with "@": what does is the node's own.
  const who = by?.name.startsWith("@") ? "this node itself" : `container ${by?.containerId}`;
  const holder = by === undefined ? "" : ` by ${who}`;
  return new Failure(
    "no-address",
    `Cannot assign address${address} in network "${network}": it is taken${holder}`,
  );
}

/** What another version wrote is not read. */
const cacheVersion = 1;

function writeCache(folder: Dir, held: HeldNetwork): void {
  const text = JSON.stringify({ version: cacheVersion, held }, (_key, value) =>
    typeof value === "bigint" ? `0x${value.toString(16)}` : value,
  );
  folder.replace(cacheName, text);
}

/**
 * As it was written, without a second look at each field: every ADD reads it, and in this folder
 * none but us can write. Undefined where there is none.
 */
function readCache(folder: Dir): HeldNetwork | undefined {
  const json = parseJson(folder.read(cacheName) ?? "");
  if (!isObject(json) || json.version !== cacheVersion || !isObject(json.held)) return undefined;
  const held = json.held as unknown as HeldNetwork;
  const { subnet6 } = held.stored.network;
  if (subnet6 === undefined) return held;
  const base = BigInt(subnet6.base) as Ip6;
  const network = { ...held.stored.network, subnet6: { ...subnet6, base } };
  return { ...held, stored: { ...held.stored, network } };
}
