/**
 * What the run directory says of this node's assignments: read, never written.
 *
 * Each has a file under its owner's name and, once it is whole, under its address in its block's
 * folder, and under its port number: hard links of one file.
 */
import type { Dir } from "../dir.ts";
import { formatIp4 } from "../net/ip4.ts";
import {
  type Assignment,
  type AttachmentId,
  ownerName,
  parseAssignment,
  sameAttachment,
} from "./assignment.ts";
import { given } from "./give-back.ts";

/** The folders of the run directory that hold assignments. */
export interface PoolDirs {
  readonly networks: Dir;
  readonly owners: Dir;
  readonly ports: Dir;
}

/** The attachment's assignment, whole or only begun; undefined if there is none. */
export function find(dirs: PoolDirs, id: AttachmentId): Assignment | undefined {
  const text = dirs.owners.read(ownerName(id));
  const assignment = text === undefined ? undefined : parseAssignment(text);
  return assignment !== undefined && sameAttachment(assignment.id, id) ? assignment : undefined;
}

/** Every assignment on this node, begun ones included. */
export function listAssignments(dirs: PoolDirs): readonly Assignment[] {
  return dirs.owners
    .list()
    .map((name) => parseAssignment(dirs.owners.read(name) ?? ""))
    .filter((assignment) => assignment !== undefined);
}

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
  const found: Assignment[] = [];
  const [own, part] = [ownerName(id), `:${id.containerId}:`];
  for (const name of dirs.owners.list()) {
    if (!name.includes(part) || name === own) continue;
    const other = parseAssignment(dirs.owners.read(name) ?? "");
    if (other === undefined || other.network !== network) continue;
    if (other.id.containerId !== id.containerId || other.id.name.startsWith("@")) continue;
    found.push(other);
  }
  return found;
}

/** A block's folder once its lease is not ours any more. */
export const lost = (block: string): string => `${block}.lost`;

/**
 * Looks into a block's folder; into all that it may be called by now if it is not there: its lease
 * may have been lost, or claimed again under another revision.
 */
export function inBlock<T>(
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
