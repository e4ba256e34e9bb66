/**
 * The folders of a network's blocks, made equal to the leases that the store has.
 *
 * A folder without a lease of ours is not ours any more; unless nobody has it and containers use it,
 * as after the store was restored from a backup: then it is claimed again, before anything new is.
 */
import type { Dir } from "../dir.ts";
import type { Log } from "../log.ts";
import { type Mac, macOfIp4 } from "../net/mac.ts";
import { formatPrefix4, overlaps4, type Prefix4 } from "../net/prefix.ts";
import {
  type Assignment,
  blockName,
  type HeldBlock,
  isSingle,
  parseAssignment,
  parseBlockName,
} from "./assignment.ts";
import { lost, type PoolDirs } from "./assignments.ts";
import { going } from "./held.ts";
import { isOf, type Lease } from "./leases.ts";
import type { RegisteredNode } from "./nodes.ts";
import { release } from "./release.ts";

export interface Settling {
  readonly dirs: PoolDirs;
  /** The network's, whose lock the caller holds. */
  readonly folder: Dir;
  readonly node: RegisteredNode;
  /** All of the network, as they are in the store. */
  readonly leases: readonly Lease[];
  /** Undefined if somebody else was faster. */
  readonly claimAgain: (block: Pick<HeldBlock, "prefix" | "mac">) => Promise<HeldBlock | undefined>;
  readonly log: Log;
}

/** Gives the leases that were claimed again. */
export async function settleFolders(settling: Settling): Promise<readonly Lease[]> {
  const { folder, node, leases } = settling;
  const ours = leases.filter((lease) => isOf(lease, node));
  const names = new Set(ours.map(blockName));
  const again: Lease[] = [];
  for (const name of folder.list()) {
    const block = names.has(name) ? undefined : parseBlockName(name.replace(lost(""), ""));
    if (block === undefined) continue;
    let lease: HeldBlock | undefined = ours.find(({ prefix }) => samePrefix(prefix, block.prefix));
    if (lease === undefined && isOrphaned(settling, name, block)) {
      lease = await settling.claimAgain({ prefix: block.prefix, mac: macIn(folder, name) });
      if (lease !== undefined) again.push({ ...lease, node: node.name });
    }
    if (lease === undefined || !takeOver(settling, name, lease)) loseFolder(settling, name);
  }
  for (const name of [...ours, ...again].map(blockName)) {
    const known = folder.list();
    // A delete was killed, or we would not have the lock.
    if (known.includes(going(name)) && !known.includes(name)) folder.rename(going(name), name);
    folder.make(name).close();
  }
  return again;
}

/**
 * Nothing more is given from it, and the node's own address in it is given up. Containers that have
 * one keep the folder there, out of the way.
 */
export function loseFolder(
  { dirs, folder, log }: Omit<Settling, "node" | "leases" | "claimAgain">,
  name: string,
): void {
  for (const { id } of assignmentsIn(folder, name)) if (isNode(id.name)) release(dirs, id);
  if (folder.removeDir(name) !== "not-empty" || name.endsWith(lost(""))) return;
  folder.rename(name, lost(name));
  log.error("a lease of this node was lost", { folder: folder.path, block: name });
}

/** Containers whose block is not this node's any more: their addresses may be others'. */
export function lostContainers(dirs: PoolDirs, network: string): readonly Assignment[] {
  const folder = dirs.networks.open(network);
  if (folder === undefined) return [];
  const found: Assignment[] = [];
  for (const name of folder.list()) {
    if (!name.endsWith(lost(""))) continue;
    for (const one of assignmentsIn(folder, name)) if (!isNode(one.id.name)) found.push(one);
  }
  folder.close();
  return found;
}

/** In use, and nobody's. */
function isOrphaned({ folder, leases }: Settling, name: string, { prefix }: HeldBlock): boolean {
  if (leases.some((lease) => overlaps4(lease.prefix, prefix))) return false;
  return assignmentsIn(folder, name).some(({ id }) => !isNode(id.name));
}

/** Under the lease's revision; false if there is another folder by that name, in use. */
function takeOver({ folder, log }: Settling, name: string, lease: HeldBlock): boolean {
  const to = blockName(lease);
  // A store that went back counts over the same revisions again.
  if (to === name) return true;
  if (folder.removeDir(to) === "not-empty") return false;
  folder.rename(name, to);
  log.warn("holding a block on under another lease", { folder: folder.path, was: name, now: to });
  return true;
}

/** The MAC that was asked for, of a lease that had one. */
function macIn(folder: Dir, name: string): Mac | undefined {
  const [only] = isSingle(name) ? assignmentsIn(folder, name) : [];
  return only === undefined || only.mac === macOfIp4(only.address) ? undefined : only.mac;
}

function assignmentsIn(folder: Dir, name: string): readonly Assignment[] {
  const block = folder.open(name);
  const texts = block?.list().map((address) => block.read(address) ?? "") ?? [];
  block?.close();
  return texts.map(parseAssignment).filter((assignment) => assignment !== undefined);
}

/** The node's own address in a network is assigned under a name that no CNI network can have. */
const isNode = (name: string): boolean => name.startsWith("@");

const samePrefix = (a: Prefix4, b: Prefix4): boolean => formatPrefix4(a) === formatPrefix4(b);
