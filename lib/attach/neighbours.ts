/**
 * The MACs of the peers' VTEPs, which the userspace datapath must know: there the switch finds the
 * way to a VTEP itself.
 *
 * *Measured* with Open vSwitch 3.1: it drops the first frame to one whose MAC it does not know, and
 * asks for it, once; those that follow it drops without asking, for as long as they come. So where
 * that one answer is lost, nothing ever arrives. It learns from answers that pass it on their way to
 * the host, but for such as its datapath has passed within the last 10 s, and in IPv6 for those
 * without the sender's MAC in them, which are those to whoever knew it. So the host's kernel, which
 * asks more than once, is made to ask before frames come; and what that knows, and the switch does
 * not, the switch is told.
 */
import { type Deadline, within } from "../deadline.ts";
import { reasonOf } from "../errors.ts";
import { formatVtep, parseVtep } from "../ipam/nodes.ts";
import { readPeers } from "../ipam/peers.ts";
import { formatMac, type Mac, parseMac } from "../net/mac.ts";
import type { Control } from "../ovs/control.ts";
import { hexOfVtep, type VtepAddress } from "../store/keys.ts";
import type { KnownNeighbour } from "../sys/kernel.ts";
import type { Host } from "./host.ts";
import { type Hop, nextHop } from "./next-hop.ts";
import { selectBridgeOf, selectPortNamed } from "./rows.ts";

/** The VTEPs of all leases that peers have in the networks here. */
export function vtepsHere({ ipam: { dirs } }: Host): readonly VtepAddress[] {
  const leases = dirs.networks.list().flatMap((network) => readPeers(dirs, network));
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
const askMs = 1_000;

/**
 * Has the kernel ask for the MACs of these, or of those that the switch lacks, of no more than `most`;
 * and tells the switch what it lacks and the kernel knew before. No answer is waited for. Throws
 * SysError, when all were asked for that could be; where the switch can't be asked, it is told nothing.
 */
export function resolveVteps(
  host: Host,
  vteps: readonly VtepAddress[],
  { which, most }: { readonly which: "all" | "unknown"; readonly most: number },
  deadline: Deadline,
): void {
  const links = host.links();
  const until = within(deadline, host.clock, askMs);
  const hops = hopsTo(host, vteps, deadline);
  const inSwitch = askSwitch(host, hops, until);
  const due = which === "all" ? hops : hops.filter((hop) => inSwitch.lacks(hop));
  const faults: unknown[] = [];
  for (const hop of due.slice(0, most)) {
    if (deadline.left() <= 0) break;
    try {
      const known = links.probe(hop.index, hop.neighbour);
      if (known !== undefined) inSwitch.tell(hop, known);
    } catch (fault) {
      faults.push(fault);
    }
  }
  if (faults.length > 0) throw faults[0];
}

/** Each neighbour by which one of them is reached. */
function hopsTo(host: Host, vteps: readonly VtepAddress[], deadline: Deadline): readonly Hop[] {
  const routes = host.links().routes();
  const found = new Map<string, Hop>();
  for (const vtep of vteps) {
    if (deadline.left() <= 0) break;
    const hop = nextHop(routes, vtep);
    if (hop !== undefined) found.set(`${hop.index} ${hexOfVtep(hop.neighbour)}`, hop);
  }
  return [...found.values()];
}

/** What the switch knows of these neighbours, and how it is told more. */
interface InSwitch {
  readonly lacks: (hop: Hop) => boolean;
  readonly tell: (hop: Hop, known: KnownNeighbour) => void;
}

function askSwitch(host: Host, hops: readonly Hop[], deadline: Deadline): InSwitch {
  try {
    const control = host.control(deadline);
    const macs = new Map(
      knownToSwitch(control, deadline).map(({ bridge, address, mac }) => [
        `${bridge} ${hexOfVtep(address)}`,
        mac,
      ]),
    );
    const bridges = new Map(
      [...new Set(hops.map(({ index }) => index))].map((index) => [
        index,
        bridgeOf(host, index, deadline),
      ]),
    );
    const macOf = ({ index, neighbour }: Hop) =>
      macs.get(`${bridges.get(index)} ${hexOfVtep(neighbour)}`);
    return {
      lacks: (hop) => macOf(hop) === undefined,
      tell: (hop, { mac, isConfirmed }) => {
        const bridge = bridges.get(hop.index);
        const before = macOf(hop);
        // One that nobody has confirmed is better than none, and than another it is not.
        const isBetter = before === undefined || (isConfirmed && before !== mac);
        if (bridge === undefined || !isBetter || deadline.left() <= 0) return;
        const args = [bridge, formatVtep(hop.neighbour), formatMac(mac)];
        try {
          control.call("tnl/neigh/set", args, deadline);
        } catch (fault) {
          host.log.debug("the switch is not told a MAC", { args, reason: reasonOf(fault) });
        }
      },
    };
  } catch (fault) {
    // What the kernel is made to ask for, the switch may learn from the answers.
    host.log.debug("cannot see which MACs the switch lacks", { reason: reasonOf(fault) });
    return { lacks: () => true, tell: () => {} };
  }
}

/** The userspace switch's own neighbours, as `ovs-appctl tnl/neigh/show` has them. */
export function knownToSwitch(control: Control, deadline: Deadline): readonly SwitchNeighbour[] {
  const lines = control.call("tnl/neigh/show", [], deadline).split("\n");
  return lines.flatMap((line): readonly SwitchNeighbour[] => {
    const [first = "", second = "", bridge = ""] = line.trim().split(/\s+/);
    const [address, mac] = [parseVtep(first), parseMac(second)];
    return address === undefined || mac === undefined ? [] : [{ address, mac, bridge }];
  });
}

export interface SwitchNeighbour {
  readonly address: VtepAddress;
  readonly mac: Mac;
  readonly bridge: string;
}

/** The bridge by whose port of its own the host reaches the neighbours of a link. */
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
