/** Writes down what this node holds of a network: its peers' leases and the cache. */
import type { Dir } from "../dir.ts";
import { blockName, parseBlockName } from "./assignment.ts";
import { loseFolder } from "./folders.ts";
import { type HeldNetwork, type NodeIpam, readCache, writeCache } from "./held.ts";
import { type PeerLease, writePeers } from "./peers.ts";

/**
 * Writes down what was read of the store under the network's lock, which the caller holds: nothing
 * can be newer.
 */
export function writeRead(folder: Dir, held: HeldNetwork, peers: readonly PeerLease[]): void {
  // The peers first: the cache says what they are.
  if (held.tunnel !== undefined) writePeers(folder, peers);
  writeCache(folder, held);
}

/**
 * Writes down what was seen of the store by watching it, which may be behind what a command has
 * read or claimed meanwhile; that is then left as it is. The caller holds the network's lock.
 * Gives what is written now.
 */
export function writeHeld(
  { dirs, log }: NodeIpam,
  folder: Dir,
  held: HeldNetwork,
  peers: readonly PeerLease[],
): HeldNetwork {
  const before = readCache(folder);
  if (before !== undefined && before.revision > held.revision) return before;
  const names = new Map(held.blocks.map((block) => [blockName(block), block]));
  const folders = folder.list().filter((name) => parseBlockName(name) !== undefined);
  // One that was claimed after what was seen is ours all the same.
  const isOurs = (name: string) =>
    names.has(name) || (parseBlockName(name)?.revision ?? 0) > held.revision;
  for (const name of folders) if (!isOurs(name)) loseFolder({ dirs, folder, log }, name);
  // A lease without a folder was given back just now, or who claimed it died. Only who asks the
  // store can tell, so no folder is made here.
  const blocks = folders
    .filter(isOurs)
    .map((name) => names.get(name) ?? parseBlockName(name))
    .filter((block) => block !== undefined)
    .sort((a, b) => a.prefix.base - b.prefix.base);
  const now = { ...held, blocks };
  writeRead(folder, now, peers);
  return now;
}
