/**
 * A network on this node, made on its first use: the bridge, the network's own port with the node's
 * address and the gateway's, NAT, and the network's flows.
 *
 * The port's first address is the node's own, and the host speaks with it; the gateway, the same
 * on every node, is a /32 beside it. *Measured*: with the gateway first, masquerading used it, and
 * the answers of another node's containers went to that node's own gateway.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { assignAddress } from "../ipam/assign-address.ts";
import { find } from "../ipam/assignments.ts";
import { type HeldNetwork, heldNow } from "../ipam/held.ts";
import type { Network } from "../ipam/network.ts";
import { formatIp4, type Ip4 } from "../net/ip4.ts";
import { ip6Of, linkLocal, macOfIp4 } from "../net/mac.ts";
import type { Change, Link, LinkAddress } from "../sys/kernel.ts";
import { ensureBridge } from "./bridge.ts";
import { addToFilter, sayWhoDrops } from "./firewall.ts";
import type { Host } from "./host.ts";
import { disableIp6, gatewayAttachment, gatewayLinkName } from "./names.ts";
import { givenPort, readPort } from "./ports.ts";
import { refuseReachable } from "./reachable.ts";
import { recover } from "./recover.ts";
import { addGateway, awaitOfport, type GatewayRow, removeRow } from "./rows.ts";
import { synchronise } from "./sync.ts";
import { ensureTunnel } from "./tunnel.ts";
import { underlayMtu } from "./underlay.ts";

/**
 * Makes what is missing of the network, with `own` as the node's address or the next that is free,
 * and puts all flows into the switch. The caller holds the switch's lock exclusively. Throws
 * Failure "network-conflict" or "invalid-config" for a network that this machine can't have,
 * "try-again" when the switch can't be reached, "switch-refused" and SysError.
 */
export async function makeGateway(
  host: Host,
  held: HeldNetwork,
  own: Ip4 | undefined,
  deadline: Deadline,
): Promise<Link> {
  const { network } = held.stored;
  const id = gatewayAttachment(network.name);
  // The network's first use here, or all that was written down is lost.
  if (find(host.ipam.dirs, id) === undefined) await recover(host, deadline);
  if (find(host.ipam.dirs, id) === undefined) {
    const remedy = `Delete it (socketplane network delete ${network.name}) and give it another subnet, or remove the route.`;
    refuseFirstUse(host, network, remedy);
  }
  // Pinned: once it has an address, it keeps it.
  const address = find(host.ipam.dirs, id) === undefined ? own : undefined;
  const wish = { id, address, port: "give", workload: {} } as const;
  const { assignment } = await assignAddress(host.ipam, held, wish, deadline);
  ensureBridge(host, deadline);
  if (held.tunnel !== undefined) ensureTunnel(host, held.tunnel, deadline);
  const { address: given, ofport = 0 } = assignment;
  const link = await standUp(host, held, { address: given, ofport }, deadline);
  synchronise(host, deadline);
  if (heldNow(host.ipam.dirs, network.name) === undefined) {
    throw new Failure("network-unknown", `Cannot use network "${network.name}": it was deleted`);
  }
  return link;
}

/**
 * Makes what is missing of the network's own port and of what the host knows of the network, and
 * leaves what is there. The caller holds the switch's lock exclusively, and puts in the flows.
 */
export async function standUp(
  host: Host,
  held: HeldNetwork,
  own: Pick<GatewayRow, "address" | "ofport">,
  deadline: Deadline,
): Promise<Link> {
  const { network } = held.stored;
  const { name } = network;
  const row: GatewayRow = { role: "gateway", link: gatewayLinkName(name), network: name, ...own };
  ensurePort(host, network, row, deadline);
  const link = configureLink(host, network, row);
  host.kernel.writeSysctl("net/ipv4/ip_forward", "1");
  if (network.subnet6 !== undefined) host.kernel.writeSysctl("net/ipv6/conf/all/forwarding", "1");
  const filter = await host.filter();
  addToFilter(host, filter, held);
  sayWhoDrops(host, filter);
  return link;
}

const mtuOf = (host: Host, network: Network): number => network.mtu ?? underlayMtu(host);

/** IPv6 works over no link with less, bytes (RFC 8200, section 5). */
const leastMtu6 = 1280;

/**
 * Throws what the first use of a network would, before there is one in the store: every node would
 * have it, and who is refused would have to delete it. One that stands here stays.
 */
export function refuseNew(host: Host, network: Network): void {
  const isWrittenDown = find(host.ipam.dirs, gatewayAttachment(network.name)) !== undefined;
  if (isWrittenDown || host.links().get(gatewayLinkName(network.name)) !== undefined) return;
  refuseFirstUse(host, network, "Give it another subnet, or remove the route.");
}

/** Before anything is made: a network that stands already is not taken down for a new route. */
function refuseFirstUse(host: Host, network: Network, details: string): void {
  const mtu = mtuOf(host, network);
  const action = `use network "${network.name}" on this node`;
  if (network.subnet6 !== undefined && mtu < leastMtu6) {
    throw new Failure(
      "invalid-config",
      `Cannot ${action}: IPv6 takes an MTU of ${leastMtu6}, and its links have ${mtu}`,
      { details: "Raise the underlay's MTU, or leave out subnet6." },
    );
  }
  refuseReachable(host, action, network, details);
}

function ensurePort(host: Host, network: Network, row: GatewayRow, deadline: Deadline): void {
  const { bridge } = host.config.ovs;
  const database = host.database(deadline);
  const mac = macOfIp4(row.address);
  const { uuid, ofport, ids } = readPort(host, row.link, deadline);
  const same =
    ofport === row.ofport &&
    ids["socketplane-network"] === network.name &&
    ids["socketplane-address"] === formatIp4(row.address) &&
    ids["socketplane-port"] === `${row.ofport}`;
  if (uuid !== undefined && same) return;
  if (uuid !== undefined) database.transact([removeRow(uuid)], deadline);
  database.transact(addGateway(bridge, row, { mac, mtu: mtuOf(host, network) }), deadline);
  const awaited = database.send(awaitOfport(row.link, deadline.left()), deadline);
  const given = givenPort(awaited, row.link, deadline);
  if (given.ofport === row.ofport) return;
  throw new Failure(
    "switch-refused",
    `Cannot make port "${row.link}": ${given.error ?? `the switch gave it port number ${given.ofport}, not ${row.ofport}`}`,
  );
}

/** Sets what is missing: after a restart of the switch the link may be new and bare. */
function configureLink(host: Host, network: Network, row: GatewayRow): Link {
  const links = host.links();
  const link = links.get(row.link);
  if (link === undefined) {
    throw new Failure("try-again", `Cannot use link "${row.link}": the switch has not made it yet`);
  }
  const { index } = link;
  if (network.subnet6 !== undefined) host.kernel.writeSysctl(disableIp6(row.link), "0");
  const up: Change = { do: "set link", index, up: true, noIp6Addresses: true };
  const have = new Set(links.addresses(index).map(addressKey));
  const missing = gatewayAddresses(network, row.address)
    .filter(({ address }) => !have.has(addressKey(address)))
    .map(({ address, deprecated }): Change => {
      return { do: "add address", index, address, noDad: true, deprecated };
    });
  links.apply([up, ...missing]);
  return { ...link, up: true };
}

/** The node's own addresses first: the host speaks with the first one. */
export function gatewayAddresses(
  network: Network,
  own: Ip4,
): readonly { readonly address: LinkAddress; readonly deprecated: boolean }[] {
  const { subnet, subnet6, gateway } = network;
  const ip4 = [
    { address: { family: 4, address: own, length: subnet.length }, deprecated: false },
    { address: { family: 4, address: gateway, length: 32 }, deprecated: false },
  ] as const;
  if (subnet6 === undefined) return ip4;
  const ip6 = (address: LinkAddress["address"], length: number, deprecated: boolean) =>
    ({ address: { family: 6, address, length } as LinkAddress, deprecated }) as const;
  return [
    ...ip4,
    ip6(ip6Of(linkLocal, own), linkLocal.length, false),
    ip6(ip6Of(subnet6, own), subnet6.length, false),
    ip6(ip6Of(subnet6, gateway), 128, true),
  ];
}

const addressKey = ({ family, address, length }: LinkAddress): string =>
  `${family}/${address}/${length}`;
