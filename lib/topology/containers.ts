/** The containers: this node's as it has them, the others' as their agents have written them down: pure. See topology.ts. */
import { podOf } from "../ipam/mirrored.ts";
import type { Network } from "../ipam/network.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { formatIp6 } from "../net/ip6.ts";
import { formatMac, ip6Of } from "../net/mac.ts";
import type { LocalAssignment } from "../survey/here.ts";
import { valueOr } from "../survey/known.ts";
import type { Survey } from "../survey/survey.ts";
import type { SwitchPort } from "../survey/switch.ts";
import { type Holder, selfName } from "./holders.ts";
import type { TopologyContainer, Traffic } from "./topology.ts";

/** In the order of their nodes, then networks, then addresses. */
export function containersOf(
  survey: Survey,
  networks: readonly Network[],
  holders: readonly Holder[],
): readonly TopologyContainer[] {
  const own = selfName(survey);
  const places = new Map(networks.map((network, at) => [network.name, { network, at }]));
  const nodes = new Map(holders.map(({ name }, at) => [name, at]));
  // What a node has left that was removed is not its any more.
  const others = elsewhere(survey).filter(
    ({ node }) => nodes.has(node) && !(survey.here.known && node === own),
  );
  const found = [...here(survey), ...others];
  const last = Number.MAX_SAFE_INTEGER;
  const order = (one: Found) =>
    [nodes.get(one.node) ?? last, places.get(one.network)?.at ?? last, one.address] as const;
  return found
    .map((one) => ({ one, order: order(one) }))
    .sort((a, b) => compare(a.order, b.order))
    .map(({ one }) => shown(one, places.get(one.network)?.network));
}

type Order = readonly [number, number, number];

const compare = (a: Order, b: Order): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

interface Found
  extends Pick<
    TopologyContainer,
    "name" | "id" | "cniName" | "ifname" | "network" | "mac" | "node" | "state" | "port" | "traffic"
  > {
  readonly address: Ip4;
}

/** The node's own addresses are no containers, and what an ADD has only begun is none yet. */
function here(survey: Survey): readonly Found[] {
  const node = selfName(survey);
  const ports = new Map(
    valueOr(survey.switch, undefined)?.ports.map((port) => [port.name, port] as const),
  );
  const assignments = valueOr(survey.here, undefined)?.assignments ?? [];
  return assignments
    .filter((one) => !one.isOwn && (one.isHeld || one.state === "alive"))
    .map((one) => foundHere(one, ports.get(one.link), node));
}

function foundHere(
  { ofport, state, link, ...assigned }: LocalAssignment,
  port: SwitchPort | undefined,
  node: string,
): Found {
  return {
    ...identityOf({ ...assigned, mac: formatMac(assigned.mac) }),
    node,
    state: state === "unseen" ? "unknown" : state,
    ...(ofport !== undefined && { port: { name: link, number: ofport } }),
    ...(port !== undefined && { traffic: insideOut(trafficOf(port)) }),
  };
}

/** What is written down of this node may be behind: it is used where there is nothing better. */
function elsewhere({ cluster }: Survey): readonly Found[] {
  const all = cluster.known ? cluster.value.assignments : [];
  return all.map((one) => ({ ...identityOf(one), node: one.node, state: "unknown" }));
}

/** Who a container is, and what it has. */
const identityOf = ({
  id,
  network,
  address,
  mac,
  workload,
}: Pick<LocalAssignment, "id" | "network" | "address"> &
  Pick<Found, "mac"> & { readonly workload: Readonly<Record<string, unknown>> }) => ({
  name: nameOf(id.containerId, workload),
  id: id.containerId,
  cniName: id.name,
  ifname: id.ifname,
  network,
  address,
  mac,
});

function shown(
  { name, id, cniName, ifname, network: of, address, ...more }: Found,
  network: Network | undefined,
): TopologyContainer {
  const subnet6 = network?.subnet6;
  return {
    name,
    id,
    cniName,
    ifname,
    network: of,
    address: formatIp4(address),
    ...(subnet6 !== undefined && { address6: formatIp6(ip6Of(subnet6, address)) }),
    ...more,
  };
}

/** A pod's, or the id, which is a run's name; engines show the first 12 digits of their long ones. */
const nameOf = (id: string, workload: Readonly<Record<string, unknown>>): string =>
  podOf(workload) ?? (/^[0-9a-f]{32,}$/.test(id) ? id.slice(0, 12) : id);

/** Of a port, from the switch's side. */
export function trafficOf({ statistics }: SwitchPort): Traffic {
  const count = (way: "rx" | "tx") => ({
    packets: statistics[`${way}_packets`] ?? 0,
    bytes: statistics[`${way}_bytes`] ?? 0,
  });
  return { sent: count("tx"), received: count("rx") };
}

/** What the switch receives, the container has sent. */
const insideOut = ({ sent, received }: Traffic): Traffic => ({ sent: received, received: sent });
