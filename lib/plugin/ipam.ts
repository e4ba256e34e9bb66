/**
 * ADD, CHECK and DEL of socketplane-ipam, under any interface plugin: addresses alone, without a
 * switch. See config.ts for the folder's note.
 */
import { commandDeadline, loadNodeConfig, lockAttachment, openNode } from "../attach/node.ts";
import type { AddRequest, CheckRequest, DelRequest } from "../cni/request.ts";
import type { Result } from "../cni/result.ts";
import { Failure } from "../errors.ts";
import { assignAddress } from "../ipam/assign-address.ts";
import { find, isHeld } from "../ipam/assignments.ts";
import { leaveSingle } from "../ipam/leave-single.ts";
import { holdNetwork } from "../ipam/refresh.ts";
import { release } from "../ipam/release.ts";
import { formatIp4 } from "../net/ip4.ts";
import type { PluginWorld } from "./add.ts";
import { attachmentOf, wantedAddress } from "./address.ts";
import { nodeConfigOf, parseIpamConfig } from "./config.ts";
import { dnsOf, ipsOf, routesOf } from "./result.ts";
import { wantedNetwork } from "./wanted-network.ts";

export async function ipamAdd(world: PluginWorld, request: AddRequest): Promise<Result> {
  const config = parseIpamConfig(request.config);
  const host = openNode(world, loadNodeConfig(world, undefined, config.nodeConfig));
  const deadline = commandDeadline(host.clock);
  const id = attachmentOf(request);
  const unlock = lockAttachment(host, id, deadline);
  try {
    const dns = dnsOf(world, config, request.config);
    const wanted = await wantedNetwork(host.ipam, config, request.requested, deadline);
    const held = await holdNetwork(host.ipam, wanted, deadline);
    const { network } = held.stored;
    const { workload } = request.requested;
    const address = wantedAddress(network, request.requested);
    const wish = { id, address, port: "none", workload } as const;
    const { assignment } = await assignAddress(host.ipam, held, wish, deadline);
    return {
      interfaces: [],
      ips: ipsOf(network, assignment),
      routes: routesOf(config.routes),
      dns,
    };
  } finally {
    unlock();
    host.close();
  }
}

export async function ipamCheck(world: PluginWorld, request: CheckRequest): Promise<void> {
  const config = parseIpamConfig(request.config);
  const host = openNode(world, loadNodeConfig(world, undefined, config.nodeConfig));
  const id = attachmentOf(request);
  try {
    const assignment = find(host.ipam.dirs, id);
    const fault =
      assignment === undefined || !isHeld(host.ipam.dirs, assignment)
        ? "it has no address assigned"
        : request.prevResult.ips.some(({ address }) => address === assignment.address)
          ? undefined
          : `prevResult does not have ${formatIp4(assignment.address)}, which is assigned to it`;
    if (fault === undefined) return;
    throw new Failure(
      "attachment-broken",
      `Cannot confirm "${id.ifname}" of container ${id.containerId}: ${fault}`,
    );
  } finally {
    host.close();
  }
}

export async function ipamDel(world: PluginWorld, request: DelRequest): Promise<void> {
  const host = openNode(world, loadNodeConfig(world, undefined, nodeConfigOf(request.config)));
  const id = attachmentOf(request);
  const deadline = commandDeadline(host.clock);
  const unlock = lockAttachment(host, id, deadline);
  try {
    await leaveSingle(host.ipam, release(host.ipam.dirs, id), deadline);
  } finally {
    unlock();
    host.close();
  }
}
