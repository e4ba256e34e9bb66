/** Which VTEPs the userspace switch knows the way to. See doctor.ts for the folder's note. */
import { knownToSwitch, type SwitchNeighbour } from "../attach/neighbours.ts";
import { nextHop } from "../attach/next-hop.ts";
import { closeNode, openToLook } from "../attach/node.ts";
import { deadlineIn } from "../deadline.ts";
import { parseVtep } from "../ipam/nodes.ts";
import { hexOfVtep } from "../store/keys.ts";
import { look, valueOr } from "../survey/known.ts";
import type { Route } from "../sys/kernel.ts";
import type { NodeFacts } from "./facts.ts";
import type { PeerFacts } from "./probe-facts.ts";
import type { ProbePlan } from "./probe-plan.ts";
import type { DoctorWorld } from "./world.ts";

/** Milliseconds that ovs-vswitchd has to answer: it has answered already. */
const patienceMs = 1_000;

/** What `ovs-appctl tnl/neigh/show` says, and the kernel's routes, which the switch goes by. */
export interface Resolution {
  /** By their hex form. */
  readonly known: ReadonlySet<string>;
  readonly routes: readonly Route[];
}

export const addressesIn = (all: readonly SwitchNeighbour[]): ReadonlySet<string> =>
  new Set(all.map(({ address }) => hexOfVtep(address)));

/** Undefined where that is not to be had. */
export function readResolution(world: DoctorWorld, { config }: NodeFacts): Resolution | undefined {
  const asked = look(() => {
    const host = openToLook(world, config);
    try {
      const deadline = deadlineIn(host.clock, patienceMs);
      const known = addressesIn(knownToSwitch(host.control(deadline), deadline));
      return { known, routes: host.links().routes() };
    } finally {
      closeNode(host);
    }
  });
  return valueOr(asked, undefined);
}

const isSilent = ({ tunnel }: PeerFacts): boolean =>
  tunnel !== undefined && tunnel.small !== "answered";

/**
 * Asks all, and says of the silent ones whether the switch knows their MACs: it asks for one that it
 * does not know with the first frame, and drops that. *Bites here*, *measured* with Open vSwitch
 * 3.1: it drops those after it, too, without asking again, as long as they come; and learns nothing
 * of an answer by ARP that its datapath has seen before, within the last 10 s. Those that it has
 * got to know only meanwhile are asked again.
 */
export async function askAndResolve(
  ask: (plan: ProbePlan) => Promise<readonly PeerFacts[]>,
  read: () => Resolution | undefined,
  plan: ProbePlan,
): Promise<readonly PeerFacts[]> {
  const before = read();
  const peers = await ask(plan);
  const after = peers.some(isSilent) ? read() : undefined;
  if (before === undefined || after === undefined) return peers;
  const knew = knownIn(before);
  const marked = peers.map((peer) =>
    isSilent(peer) ? { ...peer, isResolved: knownIn(after)(peer) } : peer,
  );
  const late = plan.peers.filter((_, at) => {
    const peer = marked[at];
    return peer !== undefined && peer.isResolved === true && knew(peer) === false;
  });
  const again = late.length === 0 ? [] : await ask({ ...plan, peers: late });
  const told = new Map(again.map((peer) => [peer.vtep, peer]));
  return marked.map((peer) => told.get(peer.vtep) ?? peer);
}

/** Pure: whether the VTEP's MAC is known, or that of the router before it; undefined without a route. */
function knownIn({ known, routes }: Resolution): (peer: PeerFacts) => boolean | undefined {
  return (peer) => {
    const vtep = parseVtep(peer.vtep);
    const hop = vtep && nextHop(routes, vtep)?.neighbour;
    return hop && known.has(hexOfVtep(hop));
  };
}
