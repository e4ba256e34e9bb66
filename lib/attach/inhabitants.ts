/**
 * Which process has a container's interface: by the kernel's own word of the namespace that the other
 * end of its link is in. Nothing is entered.
 */
import type { AttachmentId } from "../ipam/assignment.ts";
import type { ProcessTable } from "../sys/processes.ts";
import type { Host } from "./host.ts";
import { outerName } from "./names.ts";

/**
 * The number that the namespace of an attachment's interface has here, which tells it from every
 * other one; undefined where it has no link.
 */
export const netnsNumberOf = (host: Pick<Host, "links">, id: AttachmentId): number | undefined =>
  host.links().get(outerName(id))?.peerNetns;

/** The same of the namespace that a process is in; undefined where no link leads there. */
export function netnsNumberAt(
  { kernel, links }: Pick<Host, "kernel" | "links">,
  pid: number,
): number | undefined {
  const netns = kernel.openNetns(`/proc/${pid}/ns/net`);
  if (netns === undefined) return undefined;
  try {
    return links().numberOf(netns);
  } finally {
    kernel.closeNetns(netns);
  }
}

/** The process with the lowest number, mostly the first, of every namespace that a link leads to. */
export function inhabitants(
  host: Pick<Host, "kernel" | "links">,
  processes: Pick<ProcessTable, "list" | "netnsOf">,
): ReadonlyMap<number, number> {
  const first = new Map<string, number>();
  for (const pid of processes.list()) {
    const id = processes.netnsOf(pid);
    if (id !== undefined && !first.has(id)) first.set(id, pid);
  }
  const found = [...first.values()].map((pid) => [netnsNumberAt(host, pid), pid] as const);
  return new Map(found.filter(([number]) => number !== undefined) as [number, number][]);
}
