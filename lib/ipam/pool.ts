/**
 * The addresses of the blocks this node holds: given by link(2), with no lock but the attachment's
 * own, which the caller holds. Given back in release.ts, looked at in assignments.ts.
 */
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { fnv1a64 } from "../hash.ts";
import type { Limits } from "../limits.ts";
import { formatIp4, type Ip4, parseIp4 } from "../net/ip4.ts";
import { type Mac, macOfIp4 } from "../net/mac.ts";
import { contains4 } from "../net/prefix.ts";
import {
  type Assignment,
  type AttachmentId,
  blockName,
  type HeldBlock,
  ownerName,
  parseAssignment,
} from "./assignment.ts";
import { find, isHeld, type PoolDirs } from "./assignments.ts";
import { type Candidate, nextFree } from "./choose.ts";
import type { Network } from "./network.ts";
import { linkAddress, release, write } from "./release.ts";

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
  readonly limits?: Limits | undefined;
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

/** Whether one of the blocks has an address to give. */
export function hasFree(dirs: PoolDirs, network: Network, blocks: readonly HeldBlock[]): boolean {
  const folder = dirs.networks.open(network.name);
  if (folder === undefined) return false;
  const free = hasFreeIn(folder, network, blocks);
  folder.close();
  return free;
}

/** The same of the network's folder. */
export const hasFreeIn = (folder: Dir, network: Network, blocks: readonly HeldBlock[]): boolean =>
  nextFree(network, blocks, (block) => takenIn(folder, block), undefined) !== undefined;

/** Whether the block is one for what is asked for, an address or a MAC. */
export const hasAsked = (block: HeldBlock, { address, mac }: Pick<Want, "address" | "mac">) =>
  block.mac === mac && (address === undefined || contains4(block.prefix, address));

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

/** The addresses taken, as their files are named. */
function takenIn(folder: Dir, block: HeldBlock): ReadonlySet<string> {
  const opened = folder.open(blockName(block));
  const names = new Set(opened?.list());
  opened?.close();
  return names;
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
    limits: want.limits,
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
