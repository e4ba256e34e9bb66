/** Runs a command on the node that its command line means. See main.ts for the folder's note. */
import type { Host } from "../attach/host.ts";
import {
  closeNode,
  commandDeadline,
  loadNodeConfig,
  openNode,
  openToLook,
  type World,
} from "../attach/node.ts";
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { type Registry, readNetwork } from "../ipam/networks.ts";
import type { NodeConfig } from "../node-config.ts";
import type { Store } from "../store/store.ts";
import type { Common, Option } from "./command.ts";
import type { CliWorld } from "./world.ts";

/** Narrows a list to one network. */
export const networkOption = {
  type: "text",
  value: "NETWORK",
  describe: "Of this network only",
  completes: "network",
} as const satisfies Option;

/** A list of nothing would hide that the name is mistyped. */
export async function refuseUnknown(
  registry: Registry,
  network: string | undefined,
  action: string,
  deadline: Deadline,
): Promise<void> {
  if (network === undefined) return;
  if ((await readNetwork(registry, network, deadline)) !== undefined) return;
  throw noSuch("network", network, `${action} of`);
}

export const noSuch = (what: "network" | "node", name: string, action: string): Failure =>
  new Failure("network-unknown", `Cannot ${action} ${what} "${name}": there is none`, {
    details: `See which there are: socketplane ${what} list`,
  });

/** Opens the node that the command line means, and closes it afterwards. */
export async function onNode<T>(
  world: CliWorld,
  args: Common,
  body: (host: Host, deadline: Deadline) => Promise<T>,
): Promise<T> {
  const openStore: CliWorld["openStore"] = (config, log) => {
    if (config.type === "etcd") world.terminal.progress("Waiting for etcd");
    return world.openStore(config, log);
  };
  const config = loadNodeConfig(world, args.config, undefined);
  const host = openNode({ ...world, openStore }, config);
  try {
    return await body(host, commandDeadline(host.clock));
  } catch (fault) {
    throw await withEtcdAdvice(world, args, config, fault);
  } finally {
    host.close();
  }
}

/** Opens it for a command that only looks: nothing is made or changed by that. */
export async function lookAtNode<T>(
  world: World,
  args: Pick<Common, "config">,
  body: (host: Host) => Promise<T>,
): Promise<T> {
  // What the store's client says of one that is away is said in the answer, in our words.
  const log: World["log"] = (least) => ({ ...world.log(least), warn: () => undefined });
  const stores: Store[] = [];
  const openStore: World["openStore"] = async (config, to) => {
    const store = await world.openStore(config, to);
    stores.push(store);
    return store;
  };
  const looking = { ...world, log, openStore };
  const host = openToLook(looking, loadNodeConfig(world, args.config, undefined));
  try {
    return await body(host);
  } finally {
    closeNode(host);
    // Who looks again and again opens another each time.
    for (const store of stores) await store.close();
  }
}

/** Of a store that does not answer because its etcd is to be run by this node's agent, which is not. */
async function withEtcdAdvice(
  world: Pick<CliWorld, "openServices">,
  args: Common,
  config: NodeConfig,
  fault: unknown,
): Promise<unknown> {
  if (config.etcd === undefined) return fault;
  if (!(fault instanceof Failure) || fault.kind !== "try-again") return fault;
  const services = await world.openServices(config, args.config);
  if ((await services.status("etcd")).state === "running") return fault;
  const advice = "etcd does not run here; this node's agent runs it: socketplane agent start";
  return new Failure(fault.kind, fault.message, {
    details: fault.details === undefined ? advice : `${fault.details}\n${advice}`,
    cause: fault,
  });
}
