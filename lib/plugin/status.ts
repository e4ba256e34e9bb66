/** STATUS of both plugins. See config.ts for the folder's note. */
import { type Host, openSwitch } from "../attach/host.ts";
import { loadNodeConfig, openNode } from "../attach/node.ts";
import { askSwitch } from "../attach/ready.ts";
import { delegateStatus } from "../cni/delegate.ts";
import type { StatusRequest } from "../cni/request.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { asFailure, Failure } from "../errors.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { hasFreeBlock } from "../ipam/claim.ts";
import { lostContainers } from "../ipam/folders.ts";
import { matches } from "../ipam/network-fit.ts";
import { ensureNetwork, type Registry, readNetwork, refuseDeleting } from "../ipam/networks.ts";
import { hasFree } from "../ipam/pool.ts";
import { asking, holdKnown, holdNetwork } from "../ipam/refresh.ts";
import { formatIp4 } from "../net/ip4.ts";
import type { NodeConfig } from "../node-config.ts";
import type { PluginWorld } from "./add.ts";
import { type PluginConfig, parseIpamConfig, parsePluginConfig } from "./config.ts";

/** Milliseconds: containerd asks every five seconds. */
const statusMs = 4_000;

/**
 * Throws Failure "not-available" when an ADD would fail now, and "limited-connectivity" while
 * containers have addresses that are not this node's any more.
 */
export async function status(world: PluginWorld, request: StatusRequest): Promise<void> {
  const config = parsePluginConfig(request.config);
  const deadline = deadlineIn(world.clock, statusMs);
  await orNotAvailable(async () => {
    const node = loadNodeConfig(world, undefined, config.nodeConfig);
    const ovs = openSwitch(world, node.ovs);
    try {
      // First: it answers while we look at the rest.
      const confirmSwitch = askSwitch(ovs, node.ovs.bridge, deadline);
      await confirmNetwork(world, node, config, deadline);
      confirmSwitch(deadline);
    } finally {
      ovs.close();
    }
  });
  if (config.foreignIpam !== undefined) await delegateStatus(world, request, deadline);
}

/** The same of addresses alone. */
export async function ipamStatus(world: PluginWorld, request: StatusRequest): Promise<void> {
  const config = parseIpamConfig(request.config);
  const deadline = deadlineIn(world.clock, statusMs);
  await orNotAvailable(() => {
    const node = loadNodeConfig(world, undefined, config.nodeConfig);
    return confirmNetwork(world, node, config, deadline);
  });
}

async function orNotAvailable(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (fault) {
    const failure = asFailure(fault);
    if (["invalid-config", "not-available", "limited-connectivity"].includes(failure.kind))
      throw failure;
    throw notAvailable(failure.message, failure.details);
  }
}

async function confirmNetwork(
  world: PluginWorld,
  node: NodeConfig,
  config: PluginConfig,
  deadline: Deadline,
): Promise<void> {
  const host = openNode(world, node);
  try {
    await confirmNetworkOn(host, config, deadline);
  } finally {
    host.close();
  }
}

/** Whether the network is there, as asked for, and has a free address. */
async function confirmNetworkOn(
  { ipam }: Host,
  { network: name, spec, foreignIpam }: PluginConfig,
  deadline: Deadline,
): Promise<void> {
  const held =
    spec === undefined
      ? await holdNetwork(ipam, { name, spec }, deadline)
      : await holdKnown(ipam, name, deadline);
  // What has never been here an ADD asks the store for, and makes it if it is not there.
  const stored = held?.stored ?? (await asking(ipam, "unable", deadline, reading(name)));
  if (stored === undefined) return;
  const { network } = stored;
  refuseDeleting(network);
  refuseLost(lostContainers(ipam.dirs, name), name);
  if (spec !== undefined && !matches(network, spec)) {
    // Throws, saying what differs.
    await ensureNetwork(await ipam.registry(), spec, deadline);
  }
  const blocks = held?.blocks ?? [];
  const needsNone = foreignIpam !== undefined && held !== undefined;
  if (needsNone || hasFree(ipam.dirs, network, blocks)) return;
  if (await hasFreeBlock(await ipam.registry(), network, deadline)) return;
  throw notAvailable(
    `network "${name}" has no free address, and no free block`,
    "Remove containers, or use a larger subnet or range.",
  );
}

const reading = (name: string) => (registry: Registry, deadline: Deadline) =>
  readNetwork(registry, name, deadline);

/** Their node's peers drop what they send, and another node may give their addresses. */
function refuseLost(lost: readonly Assignment[], network: string): void {
  if (lost.length === 0) return;
  const named = lost.map(({ id, address }) => `${id.containerId} (${formatIp4(address)})`);
  const count = lost.length > 1 ? `${lost.length} containers have` : "a container has";
  throw new Failure(
    "limited-connectivity",
    `Cannot vouch for network "${network}": ${count} an address that is not this node's any more`,
    { details: `Remove ${named.join(", ")}: the node's lease was lost.` },
  );
}

const notAvailable = (state: string, details: string | undefined): Failure =>
  new Failure("not-available", `Cannot take an ADD now: ${state}`, { details });
