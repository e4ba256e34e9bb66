/**
 * The addresses of the blocks this node holds: given and given back by link(2), with no lock but
 * the attachment's own, which the caller holds.
 */
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { fnv1a64 } from "../hash.ts";
import { formatIp4, type Ip4, parseIp4 } from "../net/ip4.ts";
import { type Mac, macOfIp4 } from "../net/mac.ts";
import { contains4 } from "../net/prefix.ts";
import {
  type Assignment,
  type AttachmentId,
  blockName,
  formatAssignment,
  type HeldBlock,
  ownerName,
  parseAssignment,
  sameAttachment,
} from "./assignment.ts";
import { type Candidate, nextFree } from "./choose.ts";
import { given } from "./give-back.ts";
import type { Network } from "./network.ts";

/** The folders of the run directory that hold assignments. */
export interface PoolDirs {
  readonly networks: Dir;
  readonly owners: Dir;
  readonly ports: Dir;
}

export interface Want {
  readonly id: AttachmentId;
  readonly network: Network;
  readonly blocks: readonly HeldBlock[];
  /** This address and no other. */
  readonly address?: Ip4 | undefined;
  /** This MAC instead of the one that is computed from the address: it has a lease of its own. */
  readonly mac?: Mac | undefined;
  /** Whether it needs a port number on the switch. */
  readonly port: "give" | "none";
  readonly workload: Readonly<Record<string, string>>;
}

export type Assigned =
  /** `made` is false where the attachment had it already: then it is not ours to take back. */
  | { readonly outcome: "assigned"; readonly assignment: Assignment; readonly made: boolean }
  /** No address is free in the blocks held. */
  | { readonly outcome: "full" }
  /** The address asked for is not in a block held. */
  | { readonly outcome: "elsewhere" }
  /** Another attachment has the address asked for. */
  | { readonly outcome: "taken"; readonly by: AttachmentId | undefined };

/** Port numbers of attachments; below are the tunnel's and room for what comes. */
const ports = { first: 16, last: 0xfe00 } as const;

/** Gives the attachment an address, or the one that it has. */
export function assign(dirs: PoolDirs, want: Want): Assigned {
  const known = find(dirs, want.id);
  if (known !== undefined) {
    const kept = keep(dirs, known, want);
    if (kept !== undefined) return kept;
  }
  const folder = dirs.networks.make(want.network.name);
  try {
    return assignIn(dirs, folder, want);
  } finally {
    folder.close();
  }
}

function assignIn(dirs: PoolDirs, folder: Dir, want: Want): Assigned {
  let last = parseIp4(folder.read("last") ?? "");
  let { blocks } = want;
  const isAsked = want.address !== undefined || want.mac !== undefined;
  let refused: Ip4 | undefined;
  for (;;) {
    const candidate = candidateOf(folder, { ...want, blocks }, last);
    if (candidate === undefined) break;
    const assignment = begin(dirs, want, candidate);
    const block = folder.open(assignment.block);
    const linked = block === undefined ? "gone" : linkAddress(dirs, block, assignment);
    block?.close();
    if (linked === "linked") {
      if (!isAsked) folder.replace("last", formatIp4(assignment.address));
      return { outcome: "assigned", assignment, made: true };
    }
    refused = assignment.address;
    release(dirs, want.id);
    if (isAsked) {
      if (linked === "gone") refused = undefined;
      break;
    }
    // Another was faster: on from there. A block that went away has no more to give.
    last = refused;
    if (linked === "gone") blocks = blocks.filter((one) => one !== candidate.block);
  }
  if (!isAsked) return { outcome: "full" };
  if (refused === undefined) return { outcome: "elsewhere" };
  return { outcome: "taken", by: holderOf(folder, want.blocks, refused)?.id };
}

/** The attachment's assignment, whole or only begun; undefined if there is none. */
export function find(dirs: PoolDirs, id: AttachmentId): Assignment | undefined {
  const text = dirs.owners.read(ownerName(id));
  const assignment = text === undefined ? undefined : parseAssignment(text);
  return assignment !== undefined && sameAttachment(assignment.id, id) ? assignment : undefined;
}

/** Whether one of the blocks has an address to give. */
export function hasFree(dirs: PoolDirs, network: Network, blocks: readonly HeldBlock[]): boolean {
  const folder = dirs.networks.open(network.name);
  if (folder === undefined) return false;
  const free = nextFree(network, blocks, (block) => takenIn(folder, block), undefined);
  folder.close();
  return free !== undefined;
}

/** A block's folder once its lease is not ours any more. */
export const lost = (block: string): string => `${block}.lost`;

/** Whether the assignment's address is linked: it is the attachment's, and nobody else's. */
export function isHeld(dirs: PoolDirs, { id, network, block, address }: Assignment): boolean {
  const folder = dirs.networks.open(network);
  const holders = inBlock(folder, block, (opened, name) =>
    name.endsWith(lost("")) ? undefined : parseAssignment(opened.read(formatIp4(address)) ?? ""),
  );
  folder?.close();
  return holders.some((holder) => holder !== undefined && sameAttachment(holder.id, id));
}

/**
 * The port number that the assignment really has: an ADD that was killed may have written down one
 * that is another's.
 */
export function heldPort({ ports }: PoolDirs, { id, ofport }: Assignment): number | undefined {
  const holder = ofport === undefined ? undefined : parseAssignment(ports.read(`${ofport}`) ?? "");
  return holder !== undefined && sameAttachment(holder.id, id) ? ofport : undefined;
}

/**
 * Other interfaces in the network of containers with the same id: of the same one, or of another
 * runtime's. The node's own address is no container's, whatever name the container has.
 */
export function siblings(dirs: PoolDirs, id: AttachmentId, network: string): readonly Assignment[] {
  return dirs.owners
    .list()
    .filter((name) => name.includes(`:${id.containerId}:`) && name !== ownerName(id))
    .map((name) => parseAssignment(dirs.owners.read(name) ?? ""))
    .filter((other) => other !== undefined)
    .filter((other) => other.network === network && !other.id.name.startsWith("@"))
    .filter((other) => other.id.containerId === id.containerId);
}

/** Writes an assignment down that was lost while its attachment lives; false if it is another's. */
export function restore(dirs: PoolDirs, assignment: Assignment): boolean {
  const { id, network, ofport } = assignment;
  release(dirs, id);
  write(dirs, assignment);
  if (ofport !== undefined) removeIfOf(dirs.ports, `${ofport}`, id);
  const numbered =
    ofport === undefined || dirs.owners.link(ownerName(id), dirs.ports, `${ofport}`) === "linked";
  const folder = dirs.networks.make(network);
  const block = folder.open(assignment.block);
  if (block !== undefined) removeIfOf(block, formatIp4(assignment.address), id);
  const linked = numbered && block !== undefined && linkAddress(dirs, block, assignment);
  block?.close();
  folder.close();
  if (linked === "linked") return true;
  release(dirs, id);
  return false;
}

/**
 * Gives back what the attachment has; nothing if it has nothing. The owner's name goes last, so
 * that a release that is cut short is found and finished by the next; and the address first:
 * as long as that is linked, an ADD takes all of it for whole. Gives what was given back.
 */
export function release(dirs: PoolDirs, id: AttachmentId): Assignment | undefined {
  const name = ownerName(id);
  const assignment = find(dirs, id);
  if (assignment !== undefined) {
    const { ofport } = assignment;
    const folder = dirs.networks.open(assignment.network);
    inBlock(folder, assignment.block, (block) =>
      removeIfOf(block, formatIp4(assignment.address), id),
    );
    folder?.close();
    if (ofport !== undefined) removeIfOf(dirs.ports, `${ofport}`, id);
  }
  dirs.owners.remove(beginning(name));
  dirs.owners.remove(name);
  return assignment;
}

/** Every assignment on this node, begun ones included. */
export function listAssignments(dirs: PoolDirs): readonly Assignment[] {
  return dirs.owners
    .list()
    .map((name) => parseAssignment(dirs.owners.read(name) ?? ""))
    .filter((assignment) => assignment !== undefined);
}

/** Forgets every assignment and block: for a run directory of an earlier boot. */
export function forgetAll(dirs: PoolDirs): void {
  for (const dir of [dirs.owners, dirs.ports]) for (const name of dir.list()) dir.remove(name);
  for (const network of dirs.networks.list()) {
    const folder = dirs.networks.open(network);
    for (const name of folder?.list() ?? []) {
      const isBlock = name.includes("@") && !name.endsWith(given);
      const block = isBlock ? folder?.open(name) : undefined;
      for (const address of block?.list() ?? []) block?.remove(address);
      block?.close();
      if (isBlock) folder?.removeDir(name);
      else if (name !== "lock") folder?.remove(name);
    }
    folder?.close();
  }
}

/** The file an assignment is written to before it has its name; one writer, so a fixed name. */
const beginning = (name: string) => `.new-${name}`;

/** The assignment that the attachment has already, if it is whole or can be made so. */
function keep(dirs: PoolDirs, known: Assignment, want: Want): Assigned | undefined {
  const same =
    known.network === want.network.name &&
    (want.address === undefined || want.address === known.address) &&
    (want.mac === undefined || want.mac === known.mac) &&
    (want.port === "give") === (known.ofport !== undefined);
  const held = isHeld(dirs, known);
  if (held && same) return { outcome: "assigned", assignment: known, made: false };
  if (held) {
    throw new Failure(
      "attachment-exists",
      `Cannot assign an address to "${known.id.ifname}" of ${known.id.containerId}: it has ${formatIp4(known.address)} in network "${known.network}"`,
      { details: "Call DEL for it first." },
    );
  }
  // Begun by an ADD that was killed: begin again.
  release(dirs, want.id);
  return undefined;
}

function candidateOf(folder: Dir, want: Want, last: Ip4 | undefined): Candidate | undefined {
  const { network, blocks, address, mac } = want;
  if (address === undefined && mac === undefined) {
    return nextFree(network, blocks, (block) => takenIn(folder, block), last);
  }
  const block = blocks.find((one) => hasAsked(one, want));
  return block && { block, address: address ?? block.prefix.base };
}

/** Whether the block is one for what is asked for, an address or a MAC. */
export const hasAsked = (block: HeldBlock, { address, mac }: Pick<Want, "address" | "mac">) =>
  block.mac === mac && (address === undefined || contains4(block.prefix, address));

/** The addresses taken, as their files are named. */
function takenIn(folder: Dir, block: HeldBlock): ReadonlySet<string> {
  const opened = folder.open(blockName(block));
  const names = new Set(opened?.list());
  opened?.close();
  return names;
}

/**
 * Looks into a block's folder; into all that it may be called by now if it is not there: its lease
 * may have been lost, or claimed again under another revision.
 */
function inBlock<T>(
  folder: Dir | undefined,
  block: string,
  look: (opened: Dir, name: string) => T,
): readonly T[] {
  const lookAt = (name: string): readonly T[] => {
    const opened = folder?.open(name);
    const seen = opened === undefined ? [] : [look(opened, name)];
    opened?.close();
    return seen;
  };
  const seen = lookAt(block);
  if (seen.length > 0 || folder === undefined) return seen;
  const prefix = block.slice(0, block.indexOf("@") + 1);
  const names = folder.list().filter((name) => name.startsWith(prefix) && !name.endsWith(given));
  return names.flatMap(lookAt);
}

/** Writes the assignment under its owner's name, and takes a port number for it. */
function begin(dirs: PoolDirs, want: Want, candidate: Candidate): Assignment {
  const name = ownerName(want.id);
  const withPort = (ofport: number | undefined): Assignment => ({
    id: want.id,
    network: want.network.name,
    block: blockName(candidate.block),
    address: candidate.address,
    mac: want.mac ?? macOfIp4(candidate.address),
    ofport,
    workload: want.workload,
  });
  if (want.port === "none") return write(dirs, withPort(undefined));
  const count = ports.last - ports.first + 1;
  // Another number than the time before. *Bites here*: where the switch sees a port go and come
  // back at once, under one name and number, it keeps the old one, whose link is gone.
  const start = (fnv1a64(name).low + process.pid) % count;
  for (let step = 0; step < count; step += 1) {
    const ofport = ports.first + ((start + step) % count);
    const assignment = write(dirs, withPort(ofport));
    if (dirs.owners.link(name, dirs.ports, `${ofport}`) === "linked") return assignment;
  }
  throw new Failure("no-address", `Cannot give a port number: all ${count} are taken`);
}

/** Under the owner's name, over what it had. */
function write(dirs: PoolDirs, assignment: Assignment): Assignment {
  const name = ownerName(assignment.id);
  dirs.owners.remove(beginning(name));
  dirs.owners.create(beginning(name), formatAssignment(assignment));
  dirs.owners.rename(beginning(name), name);
  return assignment;
}

function linkAddress(dirs: PoolDirs, block: Dir, assignment: Assignment) {
  return dirs.owners.link(ownerName(assignment.id), block, formatIp4(assignment.address));
}

function holderOf(folder: Dir, blocks: readonly HeldBlock[], address: Ip4): Assignment | undefined {
  const block = blocks.find(({ prefix }) => contains4(prefix, address));
  return block && holderIn(folder, blockName(block), address);
}

function holderIn(folder: Dir, block: string, address: Ip4): Assignment | undefined {
  const opened = folder.open(block);
  const text = opened?.read(formatIp4(address));
  opened?.close();
  return parseAssignment(text ?? "");
}

/** Removes what an attachment has in a folder, under whichever names. */
export function removeAllOf(dir: Dir, id: AttachmentId): void {
  for (const name of dir.list()) removeIfOf(dir, name, id);
}

function removeIfOf(dir: Dir, name: string, id: AttachmentId): void {
  const text = dir.read(name);
  const holder = text === undefined ? undefined : parseAssignment(text);
  if (holder !== undefined && sameAttachment(holder.id, id)) dir.remove(name);
}
