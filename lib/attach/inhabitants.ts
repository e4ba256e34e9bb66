/** Which process has which interface, found by looking into the network namespaces that there are. */
import type { Assignment } from "../ipam/assignment.ts";
import type { Kernel, Link } from "../sys/kernel.ts";
import type { ProcessTable } from "../sys/processes.ts";

type Namespaces = Pick<Kernel, "openNetns" | "closeNetns" | "ownNetns" | "links">;

/** The links of every network namespace but our own that a process is in. */
export interface Inhabited {
  /** Of those in it, the one with the lowest number: mostly the first. */
  readonly pid: number;
  readonly links: readonly Link[];
}

export function inhabited(
  kernel: Namespaces,
  processes: Pick<ProcessTable, "list" | "netnsOf">,
): readonly Inhabited[] {
  const own = kernel.ownNetns();
  kernel.closeNetns(own);
  const first = new Map<string, number>();
  for (const pid of processes.list()) {
    const id = processes.netnsOf(pid);
    if (id !== undefined && id !== own.id && !first.has(id)) first.set(id, pid);
  }
  return [...first.values()].map((pid) => ({ pid, links: linksOf(kernel, pid) }));
}

/** Where an assignment's interface is; undefined where no process is with it. */
export const whereIs = (
  all: readonly Inhabited[],
  { id, mac }: Pick<Assignment, "id" | "mac">,
): Inhabited | undefined =>
  all.find(({ links }) => links.some((link) => link.name === id.ifname && link.mac === mac));

/** None of a process that is gone. */
function linksOf(kernel: Namespaces, pid: number): readonly Link[] {
  const netns = kernel.openNetns(`/proc/${pid}/ns/net`);
  if (netns === undefined) return [];
  try {
    const links = kernel.links(netns);
    try {
      return links.list();
    } finally {
      links.close();
    }
  } finally {
    kernel.closeNetns(netns);
  }
}
