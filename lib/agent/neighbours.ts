/**
 * Keeps the MACs of the peers' VTEPs resolved, on the userspace datapath.
 *
 * There the switch finds the way to a VTEP itself, and drops the first frame to one whose MAC it
 * does not know. It learns MACs from the answers that pass it on their way to the host: so the
 * host's kernel is made to ask (`ovs-appctl tnl/neigh/show` has them; *measured*, 15 minutes).
 */

import { selectBridge } from "../attach/bridge-rows.ts";
import type { Host } from "../attach/host.ts";
import { nextHop } from "../attach/next-hop.ts";
import type { Deadline } from "../deadline.ts";
import { readPeers } from "../ipam/peers.ts";
import { hexOfVtep, type VtepAddress } from "../store/keys.ts";

/** When each VTEP was probed last, milliseconds since boot, by its hex form. */
export type Probed = Map<string, number>;

/**
 * Pure: which VTEPs to probe now: "new" ones, or "all", those first that were not for longest, and
 * never more than half of what the kernel keeps. *Bites here*: its table (gc_thresh3 of
 * net.ipv4.neigh.default, 1,024 if not set) is one for all namespaces of the machine, and where it
 * is full nobody on the machine finds a neighbour.
 */
export function dueVteps(
  vteps: readonly VtepAddress[],
  probed: ReadonlyMap<string, number>,
  which: "new" | "all",
  kernelKeeps: number,
): readonly VtepAddress[] {
  const at = (vtep: VtepAddress) => probed.get(hexOfVtep(vtep)) ?? Number.NEGATIVE_INFINITY;
  const due = which === "all" ? vteps : vteps.filter((vtep) => !probed.has(hexOfVtep(vtep)));
  const compare = (a: number, b: number) => (a === b ? 0 : a - b);
  return [...due].sort((a, b) => compare(at(a), at(b))).slice(0, Math.floor(kernelKeeps / 2));
}

/** How many neighbours the kernel keeps at most. */
export const kernelKeeps = ({ kernel }: Pick<Host, "kernel">): number =>
  Number(kernel.readSysctl("net/ipv4/neigh/default/gc_thresh3")) || 1_024;

/** Whether the switch is the one that resolves. */
export function isUserspace(host: Host, deadline: Deadline): boolean {
  const select = [selectBridge(host.config.ovs.bridge)];
  const [found] = host.database(deadline).transact(select, deadline);
  return found?.rows?.[0]?.datapath_type === "netdev";
}

/** The VTEPs of all leases that peers have in the networks here. */
export function vtepsHere({ ipam }: Host): readonly VtepAddress[] {
  const { networks } = ipam.dirs;
  const leases = networks.list().flatMap((network) => readPeers(ipam.dirs, network));
  return [...new Map(leases.map(({ vtep }) => [hexOfVtep(vtep), vtep])).values()];
}

/** Has the kernel ask for the MACs of all; nothing is waited for. Gives how many it asked for. */
export function probeVteps(host: Host, vteps: readonly VtepAddress[]): number {
  const links = host.links();
  const routes = links.routes();
  const hops = vteps.map((vtep) => nextHop(routes, vtep)).filter((hop) => hop !== undefined);
  const unique = new Map(hops.map((hop) => [`${hop.index} ${hexOfVtep(hop.neighbour)}`, hop]));
  for (const { index, neighbour } of unique.values()) links.probe(index, neighbour);
  return unique.size;
}
