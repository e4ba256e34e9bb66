/** STATUS of both plugins. See config.ts for the folder's note. */
import { commandDeadline, loadNodeConfig, openNode } from "../attach/node.ts";
import { delegateStatus } from "../cni/delegate.ts";
import type { StatusRequest } from "../cni/request.ts";
import { asFailure, Failure } from "../errors.ts";
import { holdNetwork } from "../ipam/held.ts";
import type { PluginWorld } from "./add.ts";
import { foreignIpamOf, parseIpamConfig, parsePluginConfig } from "./config.ts";

/** Throws Failure "not-available" when an ADD would fail now. */
export async function status(world: PluginWorld, request: StatusRequest): Promise<void> {
  const config = parsePluginConfig(request.config);
  await notAvailable(async () => {
    const host = openNode(world, loadNodeConfig(world, undefined, config.nodeConfig));
    const deadline = commandDeadline(host.clock);
    try {
      host.database(deadline);
      if (config.spec === undefined) {
        await holdNetwork(host.ipam, { name: config.network, spec: undefined }, deadline);
      }
    } finally {
      host.close();
    }
  });
  if (foreignIpamOf(request.config) === undefined) return;
  await delegateStatus(world, request, commandDeadline(world.clock));
}

export async function ipamStatus(world: PluginWorld, request: StatusRequest): Promise<void> {
  const config = parseIpamConfig(request.config);
  await notAvailable(async () => {
    const host = openNode(world, loadNodeConfig(world, undefined, config.nodeConfig));
    try {
      if (config.spec !== undefined) return;
      const wanted = { name: config.network, spec: undefined };
      await holdNetwork(host.ipam, wanted, commandDeadline(host.clock));
    } finally {
      host.close();
    }
  });
}

async function notAvailable(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (fault) {
    const failure = asFailure(fault);
    if (failure.kind === "invalid-config") throw failure;
    throw new Failure("not-available", `Cannot take an ADD now: ${failure.message}`, {
      details: failure.details,
      cause: failure,
    });
  }
}
