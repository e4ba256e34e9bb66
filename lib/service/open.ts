/** Which of the two forms services have. See services.ts for the folder's note. */
import { defaultNodeConfigPath } from "../node-config.ts";
import { openProcesses } from "./processes.ts";
import type { Services } from "./services.ts";
import { openSystemd } from "./systemd.ts";
import type { Configured, ServiceWorld } from "./world.ts";

/**
 * The units run the agent of the one node.json at its usual place. An agent with another one is a
 * process of its own, systemd or not.
 */
export function openServices(world: ServiceWorld, configured: Configured): Services {
  const { path = defaultNodeConfigPath } = configured;
  const isUsual = path === defaultNodeConfigPath;
  return isUsual && world.isThere(world.systemd.running)
    ? openSystemd(world)
    : openProcesses(world, configured);
}
