/**
 * What is seen of the other nodes from here: each asked across the tunnel, all at the same time. See
 * doctor.ts for the folder's note.
 *
 * First few bytes: ARP, which a firewall of IP has no say in, for addresses that the other node has
 * in a network of both; where that is not answered at once, also an echo request to its VTEP. Then as
 * many as the network's MTU; or where the tunnel is silent, what may tell why. Each is asked up to
 * three times, as the userspace switch drops the first frame to a VTEP whose MAC it does not know;
 * and who answers few bytes and not so many, slower again, before that is believed: *seen* on a
 * machine under load.
 */
import { formatVtep } from "../ipam/nodes.ts";
import type { Ip4 } from "../net/ip4.ts";
import { vxlanPort } from "../net/vxlan.ts";
import { lookAfter } from "../survey/known.ts";
import type { Known } from "../survey/survey.ts";
import type { LocalFacts } from "./facts.ts";
import {
  type Asked,
  asking,
  type Found,
  foundBy,
  nameOf,
  type ProbeWorld,
  type Question,
  settle,
  small,
  type Within,
} from "./probe-ask.ts";
import type { PeerFacts, TunnelFacts } from "./probe-facts.ts";
import { askAndResolve, readResolution } from "./probe-neighbours.ts";
import { type ProbePlan, planProbes } from "./probe-plan.ts";
import { searchLargest } from "./probe-search.ts";
import { openSockets } from "./probe-sockets.ts";
import type { DoctorWorld } from "./world.ts";

/** When each is asked, and when no answer is waited for any more, milliseconds. */
const patience = {
  small: { asks: [0, 150, 500], ms: 1_200 },
  full: { asks: [0, 150, 400], ms: 800 },
  again: { asks: [0, 300, 600], ms: 1_000 },
} as const;

/** Who has no address asks so, and nobody remembers it. */
const nobody = 0 as Ip4;

/** What more nodes would say is the same. */
const mostSearched = 16;

/** Asks each, where there are others. */
export const probePeers = (
  world: DoctorWorld,
  { node }: LocalFacts,
): Promise<Known<readonly PeerFacts[]>> =>
  lookAfter(async () => {
    const plan = node && planProbes(node.survey, [...node.links.values()]);
    // Without a switch that answers, nothing of it is judged.
    if (!node?.survey.flows.known || plan === undefined || plan.peers.length === 0) return [];
    const reach = await world.openReach();
    const ask = (some: ProbePlan) => askPeers({ ...world, reach }, some);
    if (node.datapath !== "netdev") return ask(plan);
    return askAndResolve(ask, () => readResolution(world, node), plan);
  });

/** Throws SysError where the sockets are not to be had: it takes root. */
export async function askPeers(world: ProbeWorld, plan: ProbePlan): Promise<readonly PeerFacts[]> {
  const sockets = openSockets(world.reach, plan.from);
  const { look } = sockets;
  try {
    const all = plan.peers.map((peer) => asking(sockets, peer));
    await settle(world, look, all.map(askSmall), patience.small);
    await settle(world, look, all.flatMap(askMore), patience.full);
    const doubtful = all.flatMap((one) => foundBy(one) ?? []).filter(isCut);
    await settle(world, look, doubtful.map(askFull), patience.again);
    const cut = all.filter((one) => isCut(foundBy(one))).slice(0, mostSearched);
    const found = cut.flatMap((one) => foundBy(one) ?? []).filter(answersEcho);
    const [largest] = await Promise.all([
      searchLargest(world, look, found),
      settle(world, look, cut.flatMap(askUnderlay), patience.full),
    ]);
    return all.map((one) => {
      const target = foundBy(one)?.target;
      const at = found.findIndex((cutOff) => cutOff.target === target);
      return factsOf(plan, one, largest[at]);
    });
  } finally {
    sockets.close();
  }
}

function askSmall(asked: Asked): Question {
  const { peer, underlay, within } = asked;
  const { node, vtep } = peer;
  let rounds = 0;
  return {
    ask: () => {
      rounds += 1;
      // Each has a place in the kernel's table of neighbours, which is small where there are hundreds.
      if (within === undefined || rounds > 1) underlay.ask(nameOf(node, small), vtep, small);
      if (within === undefined) return;
      const { way, neighbours } = within;
      for (const target of way.targets) neighbours.ask(target, way.own, 0);
    },
    isSettled: () =>
      within === undefined
        ? underlay.answer(nameOf(node, small)) === "answered"
        : foundBy(asked) !== undefined,
  };
}

function askMore(asked: Asked): readonly Question[] {
  const found = foundBy(asked);
  if (found !== undefined) return [askFull(found)];
  return asked.within === undefined ? [] : [...askUnderlay(asked), askPort(asked)];
}

/** As long as may be both ways, which is all that is to be known; else the others tell why. */
function askFull({ way, target, echoes, neighbours }: Found): Question {
  const to = { family: 4, address: target } as const;
  const { mtu } = way.link;
  return {
    ask: () => {
      echoes.ask(nameOf(target, mtu), to, mtu);
      echoes.ask(nameOf(target, small), to, small);
      neighbours.ask(target, nobody, mtu);
    },
    isSettled: () => echoes.answer(nameOf(target, mtu)) === "answered",
  };
}

/** As VXLAN makes it of the longest frame. */
function askUnderlay({ peer, underlay, within }: Asked): readonly Question[] {
  if (within === undefined) return [];
  const { node, vtep } = peer;
  const { outer } = within.way;
  const name = nameOf(node, outer);
  return [
    {
      ask: () => underlay.ask(name, vtep, outer),
      isSettled: () => underlay.answer(name) === "answered" || underlay.told(name) !== undefined,
    },
  ];
}

const askPort = ({ peer: { vtep }, underlay }: Asked): Question => ({
  ask: () => underlay.tell(vtep, vxlanPort, nothingInside()),
  isSettled: () => underlay.said(vtep) !== "silent",
});

/**
 * A VXLAN packet of VNI 0, which no network has, with an empty frame: a switch that has the tunnel
 * drops it, and a machine without says that the port is closed.
 */
function nothingInside(): Uint8Array {
  const packet = new Uint8Array(8 + 60);
  // The VNI is valid (RFC 7348, section 5).
  packet[0] = 0x08;
  return packet;
}

/** Whether the tunnel takes few bytes, and not as many as it should. */
function isCut(found: Found | undefined): boolean {
  if (found === undefined) return false;
  const { echo, echoFull, full } = inTunnel(found);
  return echoFull !== "answered" && (echo === "answered" || full !== "answered");
}

const answersEcho = (found: Found): boolean => inTunnel(found).echo === "answered";

function inTunnel({ way, target, echoes, neighbours }: Found) {
  return {
    full: neighbours.answer(target, nobody),
    echo: echoes.answer(nameOf(target, small)),
    echoFull: echoes.answer(nameOf(target, way.link.mtu)),
  };
}

function factsOf({ from }: ProbePlan, asked: Asked, largest: number | undefined): PeerFacts {
  const { peer, underlay, within } = asked;
  const { node, vtep, agent } = peer;
  const found = foundBy(asked);
  const full = nameOf(node, within?.way.outer ?? 0);
  return {
    node,
    vtep: formatVtep(vtep),
    from: formatVtep(from),
    agent,
    underlay: underlay.answer(nameOf(node, small)),
    underlayFull: underlay.answer(full),
    told: underlay.told(full),
    port: within === undefined || found !== undefined ? undefined : underlay.said(vtep),
    tunnel: within && tunnelFacts(within, found, largest),
  };
}

function tunnelFacts(
  { way, neighbours }: Within,
  found: Found | undefined,
  largest: number | undefined,
): TunnelFacts {
  const { network, link, outer, isSure, own, targets } = way;
  const common = { network, mtu: link.mtu, outer, isSure, largest };
  if (found !== undefined) return { ...common, small: "answered", ...inTunnel(found) };
  const [first = nobody] = targets;
  const none = { full: undefined, echo: undefined, echoFull: undefined };
  return { ...common, ...none, small: neighbours.answer(first, own) ?? "unanswered" };
}
