/**
 * What this node holds of a network: the record, its leases and what tells its peers' from others,
 * cached in the run directory under the network's lock.
 *
 * Folders of blocks are made under that lock only, by who has read the store or claimed, so that
 * eight first ADDs on a node claim one block, not eight.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { isObject, parseJson } from "../json.ts";
import type { Log } from "../log.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Revision } from "../store/store.ts";
import type { HeldBlock } from "./assignment.ts";
import type { PoolDirs } from "./assignments.ts";
import { isHeldShape } from "./held-shape.ts";
import type { Registry, StoredNetwork } from "./networks.ts";
import type { RegisteredNode, ThisNode } from "./nodes.ts";
import type { Peers } from "./peers.ts";

/** A network, this node's registration, its blocks and its peers', as they were at one time. */
export interface HeldNetwork {
  readonly stored: StoredNetwork;
  readonly node: RegisteredNode;
  /** This node's VTEP; undefined where there are no other nodes, with the embedded store. */
  readonly tunnel: VtepAddress | undefined;
  readonly blocks: readonly HeldBlock[];
  /** Of the leases that readPeers gives. */
  readonly peers: Peers;
  /** The store's, when the leases were read. */
  readonly revision: Revision;
  /** Milliseconds since boot. */
  readonly readAt: number;
}

export interface NodeIpam {
  readonly dirs: PoolDirs;
  /** The run directory. */
  readonly run: Dir;
  /** Opens the store, if it is not open yet: a fresh cache never does. */
  readonly registry: () => Promise<Registry>;
  readonly node: () => ThisNode;
  /** Milliseconds since boot, suspend included. */
  readonly sinceBoot: () => number;
  readonly log: Log;
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
  try {
    const unlock = folder.lock("lock", "exclusive", deadline);
    try {
      return await body(folder);
    } finally {
      unlock();
    }
  } finally {
    folder.close();
  }
}

/** Forgets what is cached, so that the next one asks the store. */
export const dropCache = (folder: Dir): boolean => folder.remove(cacheName);

/** A block's folder while its network is deleted: no ADD finds it by that name. */
export const going = (block: string): string => `${block}.going`;

/** A file beside the cache: the store may have a lease of one address that the cache has not. */
export const claiming = "claiming";

const cacheName = "cache.json";

/** What another version wrote is not read. */
const cacheVersion = 2;

export function writeCache(folder: Dir, held: HeldNetwork): void {
  const text = JSON.stringify({ version: cacheVersion, held }, (_key, value) =>
    typeof value === "bigint" ? `0x${value.toString(16)}` : value,
  );
  folder.replace(cacheName, text);
}

/** Undefined where there is none, or none of the form that it is written in. */
export function readCache(folder: Dir): HeldNetwork | undefined {
  const json = parseJson(folder.read(cacheName) ?? "");
  if (!isObject(json) || json.version !== cacheVersion || !isHeldShape(json.held)) return undefined;
  const held = json.held as unknown as HeldNetwork;
  const { stored, tunnel } = held;
  const { subnet6 } = stored.network;
  if (subnet6 === undefined && tunnel?.family !== 6) return held;
  const ip6 = (text: unknown) => BigInt(text as string) as Ip6;
  const network =
    subnet6 === undefined
      ? stored.network
      : { ...stored.network, subnet6: { ...subnet6, base: ip6(subnet6.base) } };
  return {
    ...held,
    stored: { ...stored, network },
    tunnel: tunnel?.family === 6 ? { family: 6, address: ip6(tunnel.address) } : tunnel,
  };
}
