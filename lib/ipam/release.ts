/** Assignments given back, forgotten, and written down again where they were lost. */
import type { Dir } from "../dir.ts";
import { formatIp4 } from "../net/ip4.ts";
import {
  type Assignment,
  type AttachmentId,
  formatAssignment,
  ownerName,
  parseAssignment,
  sameAttachment,
} from "./assignment.ts";
import { find, inBlock, type PoolDirs } from "./assignments.ts";
import { given } from "./give-back.ts";

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

/** Removes what an attachment has in a folder, under whichever names. */
export function removeAllOf(dir: Dir, id: AttachmentId): void {
  for (const name of dir.list()) removeIfOf(dir, name, id);
}

/** Under the owner's name, over what it had. */
export function write(dirs: PoolDirs, assignment: Assignment): Assignment {
  const name = ownerName(assignment.id);
  dirs.owners.remove(beginning(name));
  dirs.owners.create(beginning(name), formatAssignment(assignment));
  dirs.owners.rename(beginning(name), name);
  return assignment;
}

export function linkAddress(dirs: PoolDirs, block: Dir, assignment: Assignment) {
  return dirs.owners.link(ownerName(assignment.id), block, formatIp4(assignment.address));
}

/** The file an assignment is written to before it has its name; one writer, so a fixed name. */
const beginning = (name: string) => `.new-${name}`;

function removeIfOf(dir: Dir, name: string, id: AttachmentId): void {
  const text = dir.read(name);
  const holder = text === undefined ? undefined : parseAssignment(text);
  if (holder !== undefined && sameAttachment(holder.id, id)) dir.remove(name);
}
