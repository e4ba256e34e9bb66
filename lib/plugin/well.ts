/**
 * Whether all is well, seen by little: what the agent, or the last ADD, has left here of the network
 * answers each question of STATUS, and the switch answers. Nothing is written, and no store asked;
 * what is not well, or can't be told so, is for status.ts to find out. See config.ts for the folder's
 * note.
 */
import { loadNodeConfig, type World } from "../attach/node.ts";
import { askSwitch } from "../attach/ready.ts";
import type { StatusRequest } from "../cni/request.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { lost } from "../ipam/assignments.ts";
import { isFresh } from "../ipam/freshness.ts";
import { readCache } from "../ipam/held.ts";
import { matches } from "../ipam/network-fit.ts";
import { hasFreeIn } from "../ipam/pool.ts";
import type { NodeConfig } from "../node-config.ts";
import type { Database, Flows } from "../ovs/switch.ts";
import type { Kernel } from "../sys/kernel.ts";
import { type PluginConfig, parseIpamConfig, parsePluginConfig } from "./config.ts";

export interface Glance
  extends Pick<World, "env" | "clock" | "readFile" | "openDir">,
    Pick<Kernel, "bootId" | "sinceBoot"> {
  readonly openDatabase: (path: string, deadline: Deadline) => Pick<Database, "send">;
  readonly openFlows: (path: string, deadline: Deadline) => Pick<Flows, "ask">;
}

/** Milliseconds: who asks waits for the whole program's four seconds as well, and asks every five. */
const patience = 500;

/** Throws where it is not, or false. Its connections and folders are left to the process's end. */
export function isWell(glance: Glance, request: StatusRequest): boolean {
  const config = parsePluginConfig(request.config);
  if (config.foreignIpam !== undefined) return false;
  const deadline = deadlineIn(glance.clock, patience);
  const node = loadNodeConfig(glance, undefined, config.nodeConfig);
  const { runDir, bridge } = node.ovs;
  const ovs = {
    database: (until: Deadline) => glance.openDatabase(`${runDir}/db.sock`, until),
    flows: (until: Deadline) => glance.openFlows(`${runDir}/${bridge}.mgmt`, until),
  };
  // First: it answers while we look at the rest.
  const confirmSwitch = askSwitch(ovs, bridge, deadline);
  if (!isNetworkWell(glance, node, config)) return false;
  confirmSwitch(deadline);
  return true;
}

/** The same of addresses alone. */
export function isIpamWell(glance: Glance, request: StatusRequest): boolean {
  const config = parseIpamConfig(request.config);
  const node = loadNodeConfig(glance, undefined, config.nodeConfig);
  return isNetworkWell(glance, node, config);
}

function isNetworkWell(
  { openDir, bootId, sinceBoot }: Glance,
  { runDir }: NodeConfig,
  { network: name, spec }: PluginConfig,
): boolean {
  const run = openDir(runDir);
  const folder = run?.open("networks")?.open(name);
  if (run === undefined || folder === undefined || run.read("boot") !== bootId()) return false;
  // Where an ADD writes: a folder that it would refuse is refused here.
  if (run.open("owners") === undefined || run.open("ports") === undefined) return false;
  const held = readCache(folder);
  if (held === undefined || !isFresh({ run, sinceBoot }, held.readAt)) return false;
  const { network } = held.stored;
  if (network.deleting || (spec !== undefined && !matches(network, spec))) return false;
  return !hasLost(folder) && hasFreeIn(folder, network, held.blocks);
}

/** A block that is not this node's any more, and has containers. */
const hasLost = (folder: Dir): boolean => folder.list().some((name) => name.endsWith(lost("")));
