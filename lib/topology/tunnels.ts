/** The tunnels from this node to the others, by what its flows have counted: pure. See topology.ts. */
import type { Network } from "../ipam/network.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { peersCookie } from "../overlay/cookies.ts";
import { tables } from "../overlay/state.ts";
import type { Flow } from "../ovs/flow.ts";
import type { CountedFlow } from "../ovs/switch.ts";
import type { Survey } from "../survey/survey.ts";
import type { Holder } from "./holders.ts";
import type { Count, TopologyTunnel, Traffic } from "./topology.ts";

/**
 * One to each other node that has a network in common with this one. A flow of a peer's lease knows
 * to which VTEP it sends, or from which it takes; what it has counted is that of the frames inside.
 */
export function tunnelsOf(
  { flows }: Survey,
  networks: readonly Network[],
  holders: readonly Holder[],
): readonly TopologyTunnel[] {
  const self = holders.find(({ isSelf }) => isSelf);
  if (self === undefined) return [];
  const cookies = new Set(networks.map(({ vni }) => peersCookie(vni)));
  const counted = flows.known ? countByVtep(flows.value, cookies) : undefined;
  const here = new Set(self.blocks.map(({ network }) => network));
  return holders.flatMap(({ name: to, isSelf, vtep, blocks }): readonly TopologyTunnel[] => {
    const there = new Set(networksIn(blocks));
    const both = networks.filter(({ name }) => here.has(name) && there.has(name));
    if (isSelf || vtep === undefined || both.length === 0) return [];
    const traffic = counted && (counted.get(vtep) ?? noTraffic);
    return [
      {
        from: self.name,
        to,
        vtep,
        networks: both.map(({ name }) => name),
        ...(traffic && { traffic }),
      },
    ];
  });
}

/**
 * What all of them have carried; undefined where none is counted. *Bites here*: the VXLAN port's own
 * statistics count each frame that it sends twice, on the userspace datapath.
 */
export function carriedBy(tunnels: readonly TopologyTunnel[]): Traffic | undefined {
  const counts = tunnels.flatMap(({ traffic }) => (traffic === undefined ? [] : [traffic]));
  if (counts.length === 0) return undefined;
  return counts.reduce((all, { sent, received }) => ({
    sent: sumOf(all.sent, sent),
    received: sumOf(all.received, received),
  }));
}

const sumOf = (a: Count, b: Count): Count => ({
  packets: a.packets + b.packets,
  bytes: a.bytes + b.bytes,
});

/** Each once, in their order. */
export const networksIn = (blocks: Holder["blocks"]): readonly string[] => [
  ...new Set(blocks.map(({ network }) => network)),
];

const none: Count = { packets: 0, bytes: 0 };
const noTraffic: Traffic = { sent: none, received: none };

function countByVtep(
  flows: readonly CountedFlow[],
  cookies: ReadonlySet<bigint>,
): ReadonlyMap<string, Traffic> {
  const found = new Map<string, Traffic>();
  for (const { flow, packets, bytes } of flows) {
    if (!cookies.has(flow.cookie)) continue;
    const vtep = flow.table === tables.ingress ? sourceOf(flow) : targetOf(flow);
    if (vtep === undefined) continue;
    const way = flow.table === tables.ingress ? "received" : "sent";
    const before = found.get(vtep) ?? noTraffic;
    found.set(vtep, { ...before, [way]: sumOf(before[way], { packets, bytes }) });
  }
  return found;
}

function sourceOf({ match: { tunnelSrc, tunnelSrc6 } }: Flow): string | undefined {
  if (tunnelSrc !== undefined) return formatIp4(tunnelSrc);
  return tunnelSrc6 === undefined ? undefined : formatIp6(tunnelSrc6);
}

function targetOf({ actions }: Flow): string | undefined {
  for (const action of actions) {
    if (action.do === "set tunnel dst") return formatIp4(action.address);
    if (action.do === "set tunnel dst6") return formatIp6(action.address);
  }
  return undefined;
}
