/** CHECK of the interface plugin. See config.ts for the folder's note. */
import { gatewayLinkName } from "../attach/names.ts";
import { commandDeadline, loadNodeConfig, lockAttachment, openNode } from "../attach/node.ts";
import { planAttachment, type WantedRoute } from "../attach/plan.ts";
import { verify } from "../attach/verify.ts";
import { delegateCheck } from "../cni/delegate.ts";
import type { CheckRequest } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import { Failure } from "../errors.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { find } from "../ipam/assignments.ts";
import { holdNetwork } from "../ipam/refresh.ts";
import { formatIp4 } from "../net/ip4.ts";
import { noNetns, type PluginWorld } from "./add.ts";
import { attachmentOf } from "./address.ts";
import { parsePluginConfig } from "./config.ts";

export async function check(world: PluginWorld, request: CheckRequest): Promise<void> {
  const config = parsePluginConfig(request.config);
  const netns = world.kernel.openNetns(request.netns);
  if (netns === undefined) throw noNetns(request.netns);
  const host = openNode(world, loadNodeConfig(world, undefined, config.nodeConfig));
  const deadline = commandDeadline(host.clock);
  const id = attachmentOf(request);
  const unlock = lockAttachment(host, id, deadline);
  try {
    const assignment = find(host.ipam.dirs, id);
    if (assignment === undefined) {
      throw new Failure(
        "attachment-broken",
        `Cannot confirm "${id.ifname}" of container ${id.containerId}: it has no address assigned`,
      );
    }
    confirmResult(request.prevResult, request, assignment);
    // Which network CNI_ARGS asked for is known by its address.
    const isAsked = request.requested.cidr !== undefined;
    const name = isAsked ? assignment.network : config.network;
    // Without a spec: what is to be confirmed is not made.
    const wanted = { name, spec: undefined };
    const { stored } = await holdNetwork(host.ipam, wanted, deadline);
    const gateway = host.links().get(gatewayLinkName(name));
    const link = { mtu: gateway?.mtu ?? 0, boot: host.kernel.bootId() };
    const plan = planAttachment(stored.network, assignment, link, config.routes);
    const routes = [...routesMade(plan.defaultRoutes, request.prevResult), ...plan.routes];
    verify(host, plan, { netns, routes }, deadline);
    if (config.foreignIpam !== undefined) await delegateCheck(world, request, deadline);
  } finally {
    unlock();
    host.close();
  }
}

/** The result must be this attachment's: its interface, with the address that is assigned to it. */
function confirmResult(result: Result, request: CheckRequest, assignment: Assignment): void {
  const { address, id } = assignment;
  const index = result.interfaces.findIndex(
    ({ name, sandbox }) => name === id.ifname && sandbox === request.netns,
  );
  const named =
    index >= 0 &&
    result.ips.some((ip) => ip.address === address && (ip.interface ?? index) === index);
  if (named) return;
  throw new Failure(
    "attachment-broken",
    `Cannot confirm "${id.ifname}" of container ${id.containerId}: prevResult does not have it with ${formatIp4(address)}`,
  );
}

/** The default routes that ADD said it had set: where there was one already, it set none. */
const routesMade = (defaults: readonly WantedRoute[], result: Result): readonly WantedRoute[] =>
  defaults.filter(({ family, via }) =>
    result.routes.some(
      (route) => route.family === family && route.dst.length === 0 && route.gateway === via,
    ),
  );
