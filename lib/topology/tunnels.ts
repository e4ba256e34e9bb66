/** The tunnels from this node to the others, by what its flows have counted: pure. See topology.ts. */
import { tunnelName } from "../attach/names.ts";
import type { Network } from "../ipam/network.ts";
import { formatIp4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { peersCookie } from "../overlay/cookies.ts";
import { tables } from "../overlay/state.ts";
import type { Flow } from "../ovs/flow.ts";
import type { CountedFlow } from "../ovs/switch.ts";
import { valueOr } from "../survey/known.ts";
import type { Survey } from "../survey/survey.ts";
import { trafficOf } from "./containers.ts";
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

/** What all tunnels of this node have carried, VXLAN's own bytes among it. */
export function carriedBy(survey: Survey): Traffic | undefined {
  const ports = valueOr(survey.switch, undefined)?.ports ?? [];
  const port = ports.find(({ name }) => name === tunnelName);
  return port && trafficOf(port);
}

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
    const count = { packets: before[way].packets + packets, bytes: before[way].bytes + bytes };
    found.set(vtep, { ...before, [way]: count });
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
