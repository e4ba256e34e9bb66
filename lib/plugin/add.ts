/** ADD of the interface plugin. See config.ts for the folder's note. */
import { connect, refuseAttached } from "../attach/connect.ts";
import { ensureGateway, standingMtu } from "../attach/gateway.ts";
import { refuseNew } from "../attach/gateway-make.ts";
import type { Host } from "../attach/host.ts";
import { leave } from "../attach/leave.ts";
import {
  commandDeadline,
  loadNodeConfig,
  lockAttachment,
  openNode,
  type World,
} from "../attach/node.ts";
import { planAttachment, type WantedRoute } from "../attach/plan.ts";
import { type Delegation, delegateAdd, delegateDel } from "../cni/delegate.ts";
import type { AddRequest } from "../cni/request.ts";
import type { Dns, Result } from "../cni/result.ts";
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { type Assigned, assignAddress } from "../ipam/assign-address.ts";
import type { Assignment, AttachmentId } from "../ipam/assignment.ts";
import { siblings } from "../ipam/assignments.ts";
import type { HeldNetwork } from "../ipam/held.ts";
import { type Network, usable } from "../ipam/network.ts";
import type { WantedNetwork } from "../ipam/read-held.ts";
import { holdNetwork } from "../ipam/refresh.ts";
import { release } from "../ipam/release.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Netns } from "../sys/kernel.ts";
import { type Undo, withUndo } from "../undo.ts";
import { attachmentOf, foreignAddress, wantedAddress, wantedMac } from "./address.ts";
import { limitsAsked } from "./bandwidth.ts";
import { type PluginConfig, parsePluginConfig } from "./config.ts";
import { dnsOf, resultOf } from "./result.ts";
import { wantedNetwork } from "./wanted-network.ts";

export type PluginWorld = World & Delegation;

export async function add(world: PluginWorld, request: AddRequest): Promise<Result> {
  const config = parsePluginConfig(request.config);
  const netns = world.kernel.openNetns(request.netns);
  if (netns === undefined) throw noNetns(request.netns);
  const host = openNode(world, loadNodeConfig(world, undefined, config.nodeConfig));
  const deadline = commandDeadline(host.clock);
  const unlock = lockAttachment(host, attachmentOf(request), deadline);
  try {
    return await withUndo(host.log, async (undo) => {
      const wanted = await wantedNetwork(host.ipam, config, request.requested, deadline);
      const refuse = (network: Network) => refuseNew(host, network);
      const held = await holdNetwork(host.ipam, { ...wanted, refuse }, deadline);
      const source = config.foreignIpam === undefined ? ownAddress : delegatedAddress;
      const adding = { world, host, config, wanted, request, netns, held, undo, deadline };
      const got = await source(adding);
      const { network } = got.held.stored;
      const link = { mtu: got.mtu, boot: host.kernel.bootId() };
      const plan = planAttachment(network, got.assignment, link, got.routes);
      const place = { netns, defaultRoute: config.defaultRoute, held: got.held };
      const connected = await connect(host, plan, place, undo, deadline);
      return resultOf(plan, connected, {
        netns: request.netns,
        previous: request.prevResult,
        dns: request.requested.dns ?? got.dns,
      });
    });
  } finally {
    unlock();
    host.close();
  }
}

interface Adding {
  readonly world: PluginWorld;
  readonly host: Host;
  readonly config: PluginConfig;
  readonly wanted: WantedNetwork;
  readonly request: AddRequest;
  readonly netns: Netns;
  readonly held: HeldNetwork;
  readonly undo: Undo;
  readonly deadline: Deadline;
}

interface Obtained extends Assigned {
  readonly mtu: number;
  readonly routes: readonly WantedRoute[];
  readonly dns: Dns;
}

async function ownAddress(adding: Adding): Promise<Obtained> {
  const { world, host, config, request, held, deadline } = adding;
  const address = wantedAddress(held.stored.network, request.requested);
  const standing = standingMtu(host, held.stored.network);
  const mtu = standing ?? (await ensureGateway(host, held, undefined, deadline)).mtu;
  const assigned = await assign(adding, address);
  return { ...assigned, mtu, routes: config.routes, dns: dnsOf(world, config, request.config) };
}

async function delegatedAddress(adding: Adding): Promise<Obtained> {
  const { world, host, request, netns, held, undo, deadline } = adding;
  const { network } = held.stored;
  // The delegate knows nothing of links: what it is asked twice it may refuse, and the DEL that
  // follows on that would give away the address of a container that lives.
  refuseAttached(host, attachmentOf(request), netns);
  // A foreign plugin doesn't know of the node's own address: it is kept out of its way.
  const { mtu } = await ensureGateway(host, held, usable(network.subnet).last, deadline);
  const result = await delegateAdd(world, request, deadline);
  undo.add(
    "give the delegate its address back",
    () => delegateDel(world, request, commandDeadline(host.clock)),
    "if all else was",
  );
  const assigned = await assign(adding, foreignAddress(network, result, request));
  return { ...assigned, mtu, routes: foreignRoutes(network, result), dns: result.dns };
}

async function assign(adding: Adding, given: Ip4 | undefined): Promise<Assigned> {
  const { host, wanted, request, held, undo, deadline } = adding;
  const id = attachmentOf(request);
  refuseSecond(adding, id);
  const { workload } = request.requested;
  const { address, mac } = wantedMac(held.stored.network, request.requested, given);
  const limits = limitsAsked(request.requested.bandwidth);
  const wish = { id, address, mac, port: "give", workload, limits, spec: wanted.spec } as const;
  const assigned = await assignAddress(host.ipam, held, wish, deadline);
  if (assigned.made) {
    undo.add(
      "give the address back",
      () => leave(host, release(host.ipam.dirs, id), commandDeadline(host.clock)),
      "if all else was",
    );
  }
  return assigned;
}

/** A MAC follows from the address, and a network's subnet is on-link: two ends in one can't work. */
function refuseSecond({ host, wanted, netns }: Adding, id: AttachmentId): void {
  const network = wanted.name;
  const others = siblings(host.ipam.dirs, id, network);
  if (others.length === 0) return;
  const other = firstInside(host, netns, others);
  if (other === undefined) return;
  throw new Failure(
    "invalid-config",
    `Cannot attach "${id.ifname}" of container ${id.containerId}: "${other.id.ifname}" is in network "${network}" already`,
    { details: "A container has one interface in a network: use another network." },
  );
}

/** Two runtimes may have given one id: then the other's interface is in another namespace. */
function firstInside(host: Host, netns: Netns, others: readonly Assignment[]) {
  const inside = host.kernel.links(netns);
  try {
    return others.find(({ id, mac }) => inside.get(id.ifname)?.mac === mac);
  } finally {
    inside.close();
  }
}

/** The default route through our gateway is ours to set. */
function foreignRoutes(network: Network, result: Result): readonly WantedRoute[] {
  return result.routes.flatMap((route): readonly WantedRoute[] => {
    const { options, gateway } = route;
    const ours = gateway === undefined || gateway === network.gateway;
    if (route.dst.length === 0 && ours) return [];
    const to = route.dst.length === 0 ? {} : { to: route.dst };
    const via = gateway === undefined ? {} : { via: gateway };
    return [{ family: route.family, ...to, ...via, options } as WantedRoute];
  });
}

export const noNetns = (path: string): Failure =>
  new Failure("invalid-netns", `Cannot open network namespace ${path}: there is none`, {
    details: "CNI_NETNS must be the path of the container's network namespace.",
  });
