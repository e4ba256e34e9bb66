/**
 * The MACs of the peers' VTEPs, which the userspace datapath must know: there the switch finds the
 * way to a VTEP itself.
 *
 * *Measured* with Open vSwitch 3.1: it drops the first frame to one whose MAC it does not know, and
 * asks for it, once; those that follow it drops without asking, for as long as they come. So where
 * that one answer is lost, nothing ever arrives. It learns from answers that pass it on their way to
 * the host, but for such as its datapath has passed within the last 10 s. So the host's kernel, which
 * asks more than once, is made to ask before frames come; and what that knows, and the switch does
 * not, the switch is told.
 */
import { type Deadline, within } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import { formatVtep, parseVtep } from "../ipam/nodes.ts";
import { readPeers } from "../ipam/peers.ts";
import { formatMac, type Mac } from "../net/mac.ts";
import type { Control } from "../ovs/control.ts";
import { hexOfVtep, type VtepAddress } from "../store/keys.ts";
import { selectDatapath } from "./bridge-rows.ts";
import type { Host } from "./host.ts";
import { type Hop, nextHop } from "./next-hop.ts";
import { selectBridgeOf, selectPortNamed } from "./rows.ts";

/** Whether the switch is the one that resolves. */
export function isUserspace(host: Host, deadline: Deadline): boolean {
  const select = [selectDatapath(host.config.ovs.bridge)];
  const [found] = host.database(deadline).transact(select, deadline);
  return found?.rows?.[0]?.datapath_type === "netdev";
}

/** The VTEPs of all leases that peers have in these networks. */
export function vtepsIn({ ipam }: Host, networks: readonly string[]): readonly VtepAddress[] {
  const leases = networks.flatMap((network) => readPeers(ipam.dirs, network));
  return [...new Map(leases.map(({ vtep }) => [hexOfVtep(vtep), vtep])).values()];
}

/**
 * How many VTEPs are asked for at once: half of what the kernel keeps. *Bites here*: its table
 * (gc_thresh3 of net.ipv4.neigh.default, 1,024 if not set) is one for all namespaces of the machine,
 * and where it is full nobody on the machine finds a neighbour.
 */
export const mostAsked = ({ kernel }: Pick<Host, "kernel">): number =>
  Math.floor((Number(kernel.readSysctl("net/ipv4/neigh/default/gc_thresh3")) || 1_024) / 2);

/** Milliseconds: all else is done by then, and a switch that hangs has been waited for. */
const tellMs = 1_000;

/**
 * Has the kernel ask for the MACs of all, and tells the switch those that it lacks and the kernel
 * knew before; no answer is waited for. Throws SysError.
 */
export function resolveVteps(host: Host, vteps: readonly VtepAddress[], deadline: Deadline): void {
  const links = host.links();
  const routes = links.routes();
  const hops = vteps.map((vtep) => nextHop(routes, vtep)).filter((hop) => hop !== undefined);
  const unique = new Map(hops.map((hop) => [`${hop.index} ${hexOfVtep(hop.neighbour)}`, hop]));
  const known: Known[] = [];
  for (const hop of unique.values()) {
    const mac = links.probe(hop.index, hop.neighbour);
    if (mac !== undefined) known.push({ ...hop, mac });
  }
  if (known.length === 0) return;
  try {
    tell(host, known, within(deadline, host.clock, tellMs));
  } catch (fault) {
    // What the kernel was made to ask for, it learns from the answers.
    host.log.debug("cannot tell the switch MACs that it may lack", { reason: reasonOf(fault) });
  }
}

interface Known extends Hop {
  readonly mac: Mac;
}

function tell(host: Host, known: readonly Known[], deadline: Deadline): void {
  const control = host.control(deadline);
  const there = knownToSwitch(control, deadline);
  const missing = known.filter(({ neighbour }) => !there.has(hexOfVtep(neighbour)));
  if (missing.length === 0) return;
  const bridges = new Map<number, string | undefined>();
  for (const { index, neighbour, mac } of missing) {
    if (!bridges.has(index)) bridges.set(index, bridgeOf(host, index, deadline));
    const bridge = bridges.get(index);
    if (bridge === undefined) continue;
    const args = [bridge, formatVtep(neighbour), formatMac(mac)];
    control.call("tnl/neigh/set", args, deadline);
  }
}

/** The addresses that the userspace switch knows MACs for, by their hex form (ovs-appctl). */
export function knownToSwitch(control: Control, deadline: Deadline): ReadonlySet<string> {
  const lines = control.call("tnl/neigh/show", [], deadline).split("\n");
  return new Set(
    lines.flatMap((line) => {
      const address = parseVtep(/^(\S+)\s+(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\s/.exec(line)?.[1] ?? "");
      return address === undefined ? [] : [hexOfVtep(address)];
    }),
  );
}

/** The bridge by whose port of its own the host reaches the neighbour. */
function bridgeOf(host: Host, index: number, deadline: Deadline): string | undefined {
  const link = host
    .links()
    .list()
    .find((one) => one.index === index);
  if (link === undefined) return undefined;
  const database = host.database(deadline);
  const [found] = database.transact([selectPortNamed(link.name)], deadline);
  const port = found?.rows?.[0]?._uuid;
  if (port === undefined) return undefined;
  const [bridge] = database.transact([selectBridgeOf(port)], deadline);
  const name = bridge?.rows?.[0]?.name;
  return typeof name === "string" ? name : undefined;
}
