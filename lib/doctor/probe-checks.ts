/** What is judged of the other nodes. See doctor.ts for the folder's note. */
import { gatewayLinkName } from "../attach/names.ts";
import { type Check, inCluster, notKnown, ok, type State, type Verdict } from "./check.ts";
import type { NodeFacts, StandingNetwork } from "./facts.ts";
import type { PeerFacts, TunnelFacts } from "./probe-facts.ts";
import {
  bringBack,
  findTheWay,
  letPass,
  lookThere,
  makeRoom,
  resolveAgain,
  shareNetwork,
  startThere,
  subjectOf,
} from "./probe-words.ts";

/** What is said of one node; of several that it is the same of, it is said once. */
interface Judgement {
  readonly state: State;
  readonly seen: string;
  readonly todo?: (peers: readonly PeerFacts[]) => string;
  readonly because?: string;
}

/** Nothing where there is nothing to say. */
const judgeEach =
  (judgementOf: (peer: PeerFacts) => Judgement | undefined): Check["judge"] =>
  ({ peers }) => {
    if (!peers.known) return notKnown(peers);
    const said = new Map<string, { judgement: Judgement; of: PeerFacts[] }>();
    for (const peer of peers.value) {
      const judgement = judgementOf(peer);
      if (judgement === undefined) continue;
      const key = `${judgement.state} ${judgement.seen}`;
      const before = said.get(key);
      if (before === undefined) said.set(key, { judgement, of: [peer] });
      else before.of.push(peer);
    }
    return [...said.values()].map(({ judgement: { state, seen, todo, because }, of }): Verdict => {
      return { state, subject: subjectOf(of), seen, todo: todo?.(of), because };
    });
  };

const tunnel: Check = {
  id: "peers.tunnel",
  asks: "Whether each other node answers through the tunnel: ARP, for addresses that it has in a network of both nodes. Where none does: whether its VTEP answers echo requests, what its UDP port 4789 says, and, with the userspace datapath, whether the switch knows the MAC that leads there.",
  remedy:
    "Let UDP port 4789 pass, both ways: `firewall-cmd --permanent --add-port=4789/udp`, `ufw allow 4789/udp`, security groups; see that the other node is up, and what `socketplane doctor` says there. Where the switch does not know a MAC: `ovs-appctl revalidator/purge`.",
  applies: inCluster,
  needs: [
    "switch.openflow",
    "switch.tunnel",
    "underlay.link",
    "underlay.bridged",
    "firewall.tunnel",
    "machine.rights",
    "containers.flows",
  ],
  comesOf: ["node.peers"],
  without: "the other nodes do not answer through the tunnel",
  judge: (facts) => {
    const { peers, node } = facts;
    const isAlone = peers.known && peers.value.length === 0;
    if (isAlone || node?.networks.length !== 0)
      return judgeEach((peer) => ofTunnel(peer, node))(facts);
    return [ok("not needed yet: there is no network on this machine")];
  },
};

function ofTunnel(peer: PeerFacts, node: NodeFacts | undefined): Judgement {
  const { tunnel: found } = peer;
  if (found === undefined) {
    return node?.networks.some((one) => !hasLink(node, one)) === true
      ? withoutLink
      : withoutNetwork(peer);
  }
  if (found.small !== "answered") return silent(peer, found);
  return { state: "ok", seen: `reached through the tunnel, in network "${found.network}"` };
}

function silent(peer: PeerFacts, found: TunnelFacts): Judgement {
  const { agent, underlay, port } = peer;
  const nothing = `nobody answers through the tunnel, in network "${found.network}"`;
  if (port === "closed") {
    const seen = `${nothing}: UDP port 4789 is closed there, so that Open vSwitch has no tunnel`;
    return { state: "broken", seen, todo: startThere };
  }
  if (port === "prohibited") {
    const seen = `${nothing}: a firewall says that it lets no UDP port 4789 through`;
    return { state: "broken", seen, todo: letPass };
  }
  if (underlay !== "answered") return lost(peer, found, nothing);
  if (peer.isResolved === false) {
    const seen = `${nothing}, though echo requests to the VTEP are answered: the switch of this machine does not know the MAC that leads there, and drops what goes there`;
    return { state: "broken", seen, todo: resolveAgain };
  }
  if (!found.isSure) {
    const seen = `${nothing}, where there may be nobody who could; echo requests to the VTEP are answered`;
    return { state: "unknown", seen, todo: lookThere };
  }
  const passed = `${nothing}, though echo requests to the VTEP are answered: UDP port 4789 is dropped on the way`;
  if (agent !== false) return { state: "broken", seen: passed, todo: letPass };
  const seen = `${passed}, or the switch there is behind, as no agent is alive there`;
  return { state: "broken", seen, todo: (peers) => `${letPass(peers)}\n${startThere(peers)}` };
}

/** Neither by the tunnel nor by the underlay, where a firewall may let no echo requests through. */
function lost(
  { agent, underlay, isResolved }: PeerFacts,
  { isSure }: TunnelFacts,
  nothing: string,
): Judgement {
  const refused = underlay === undefined || underlay === "unanswered" ? "" : ` (${underlay})`;
  const unknown =
    isResolved === false ? ", and the switch does not know the MAC that leads there" : "";
  const seen = `${nothing}, nor echo requests to the VTEP${refused}${unknown}`;
  if (agent === false) {
    const off = `${seen}; no agent is alive there: off, or cut off`;
    return { state: "broken", seen: off, todo: bringBack };
  }
  const alive = agent === true ? "; the agent there is alive" : "";
  if (isSure) return { state: "broken", seen: `${seen}${alive}`, todo: findTheWay };
  return {
    state: "unknown",
    seen: `${seen}, where there may be nobody who could${alive}`,
    todo: findTheWay,
  };
}

/** It is asked by a network's own link. */
const hasLink = ({ links }: NodeFacts, { held }: StandingNetwork): boolean =>
  links.get(gatewayLinkName(held.stored.network.name))?.up === true;

const withoutLink: Judgement = {
  state: "unknown",
  seen: "no network's own link here is up, by which it could be asked",
  because: "networks.standing",
};

function withoutNetwork({ agent, underlay }: PeerFacts): Judgement {
  const nothing = "the tunnel could not be tried: no network is on both nodes";
  if (underlay === "answered") {
    return {
      state: "unknown",
      seen: `${nothing}; echo requests to the VTEP are answered`,
      todo: shareNetwork,
    };
  }
  if (agent !== false) {
    return {
      state: "unknown",
      seen: `${nothing}; echo requests to the VTEP are not answered`,
      todo: shareNetwork,
    };
  }
  const seen =
    "echo requests to the VTEP are not answered, and no agent is alive there: off, or cut off";
  return { state: "warning", seen, todo: bringBack };
}

const mtu: Check = {
  id: "peers.mtu",
  asks: "Whether packets as long as the network's MTU reach each other node through the tunnel, and come back; else how long they may be.",
  remedy:
    "Raise the MTU on the whole way between the VTEPs to the network's and 50 more (IPv6: 70); or delete the network and create it with a smaller `--mtu`.",
  applies: inCluster,
  needs: [...(tunnel.needs ?? []), "underlay.mtu"],
  judge: judgeEach(({ tunnel: found, told }) => {
    if (found?.small !== "answered") return undefined;
    const { network, mtu: bytes, outer, full, echo, echoFull, largest } = found;
    const whole = `packets of ${bytes} bytes, the MTU of network "${network}",`;
    if (echoFull === "answered") return { state: "ok", seen: `${whole} pass both ways` };
    if (full === "answered" && echo !== "answered") return { state: "ok", seen: `${whole} pass` };
    const todo = (peers: readonly PeerFacts[]) => makeRoom(peers, found);
    const limit =
      largest === undefined
        ? ""
        : `: ${largest} do, so that the underlay takes ${largest + outer - bytes}, and VXLAN makes it ${outer}`;
    const router = told === undefined ? "" : `; a router on the way takes ${told}`;
    const back = full === "answered" ? " on the way back" : "";
    return { state: "broken", seen: `${whole} are lost${back}${limit}${router}`, todo };
  }),
};

export const peerChecks: readonly Check[] = [tunnel, mtu];
