/** Writes down what this node holds of a network: block folders, peers' leases and the cache. */
import type { Dir } from "../dir.ts";
import { blockName, parseBlockName } from "./assignment.ts";
import { going, type HeldNetwork, type NodeIpam, readCache, writeCache } from "./held.ts";
import { type PeerLease, writePeers } from "./peers.ts";

/**
 * Writes down what was read of the store under the network's lock, which the caller holds: nothing
 * can be newer.
 */
export function writeRead(
  ipam: NodeIpam,
  folder: Dir,
  held: HeldNetwork,
  peers: readonly PeerLease[],
): void {
  const names = new Set(held.blocks.map(blockName));
  const known = folder.list();
  loseBlocks(
    ipam,
    folder,
    held,
    known.filter((name) => !names.has(name)),
  );
  for (const name of names) {
    // A delete was killed, or we would not have the lock.
    if (known.includes(going(name)) && !known.includes(name)) folder.rename(going(name), name);
    folder.make(name).close();
  }
  writeBoth(folder, held, peers);
}

/**
 * Writes down what was seen of the store by watching it, which may be behind what a command has
 * read or claimed meanwhile; that is then left as it is. The caller holds the network's lock.
 * Gives what is written now.
 */
export function writeHeld(
  ipam: NodeIpam,
  folder: Dir,
  held: HeldNetwork,
  peers: readonly PeerLease[],
): HeldNetwork {
  const before = readCache(folder);
  if (before !== undefined && before.revision > held.revision) return before;
  const names = new Set(held.blocks.map(blockName));
  const known = folder.list();
  const blocks = known.map(parseBlockName).filter((block) => block !== undefined);
  const newer = blocks.filter(({ revision }) => revision > held.revision);
  const isKept = (name: string) => names.has(name) || newer.some((one) => blockName(one) === name);
  loseBlocks(
    ipam,
    folder,
    held,
    known.filter((name) => !isKept(name)),
  );
  // One without a folder was given back just now, or a command that claimed it died: only who asks
  // the store can tell, so the folder is not made here.
  const now = { ...held, blocks: blocks.filter((block) => isKept(blockName(block))) };
  now.blocks.sort((a, b) => a.prefix.base - b.prefix.base);
  writeBoth(folder, now, peers);
  return now;
}

/** No longer ours: nothing more is given from them. */
function loseBlocks(
  ipam: NodeIpam,
  folder: Dir,
  { stored }: HeldNetwork,
  names: readonly string[],
): void {
  for (const name of names) {
    if (parseBlockName(name) === undefined) continue;
    folder.rename(name, `${name}.lost`);
    const network = stored.network.name;
    ipam.log.error("a lease of this node was lost", { network, block: name });
  }
}

/** The peers first: the cache says what they are. */
function writeBoth(folder: Dir, held: HeldNetwork, peers: readonly PeerLease[]): void {
  if (held.tunnel !== undefined) writePeers(folder, peers);
  writeCache(folder, held);
}
