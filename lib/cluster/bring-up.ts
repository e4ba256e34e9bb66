/** Starts what a node of a cluster runs, and waits until it is of use; and takes it away again. */
import { clearSwitch } from "../attach/clear.ts";
import type { Host } from "../attach/host.ts";
import { openNode } from "../attach/node.ts";
import { deadlineIn, within } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import { listNetworks, type Registry } from "../ipam/networks.ts";
import { nodeOf, type ThisNode } from "../ipam/nodes.ts";
import type { NodeConfig } from "../node-config.ts";
import type { ServiceName, Services } from "../service/services.ts";
import type { Undo } from "../undo.ts";
import type { ClusterFiles } from "./files.ts";
import { storeMs, switchMs } from "./patience.ts";
import type { ClusterWorld, Patient } from "./world.ts";

/** Milliseconds: until etcd answers and the agent has registered the node; between two looks. */
const patienceMs = { up: 60_000, look: 100, ask: 2_000 } as const;

/** By node.json as it is now. */
export const servicesOf = (world: ClusterWorld, files: ClusterFiles): Promise<Services> =>
  world.openServices(files.config(), files.chosen);

/**
 * Stops an agent that follows the embedded store, and takes away what that store has made here; and
 * registers that the same is done with what comes after it. Gives the names of its networks, which
 * are of no use until this machine is alone again.
 */
export async function leaveEmbedded(
  world: ClusterWorld,
  files: ClusterFiles,
  undo: Undo,
): Promise<readonly string[]> {
  undo.add("node.json as it was", files.keepNodeJson());
  const config = files.config();
  const setAside = await networksOf(world, config);
  const services = await servicesOf(world, files);
  if (await services.stop("agent")) {
    undo.add("the agent", async () => void (await services.start("agent")));
  }
  await clearMachine(world, config);
  undo.add("the bridge", () => clearMachine(world, config));
  return setAside;
}

async function networksOf(world: ClusterWorld, config: NodeConfig): Promise<readonly string[]> {
  const { store } = config;
  // Looking makes the store that is not there.
  if (store.type !== "file" || !world.machine.exists(`${store.path}/state`)) return [];
  const host = openNode(world, config);
  try {
    const networks = await listNetworks(
      await host.ipam.registry(),
      deadlineIn(world.clock, storeMs),
    );
    return networks.map(({ network }) => network.name);
  } finally {
    host.close();
  }
}

/** Takes bridge, firewall and run directory away. No agent runs, and no container is attached. */
export async function clearMachine(world: ClusterWorld, config: NodeConfig): Promise<void> {
  if (!world.machine.exists(config.runDir)) return;
  const host = openNode(world, config);
  try {
    const deadline = deadlineIn(world.clock, switchMs);
    const unlock = host.run.lock("switch.lock", "exclusive", deadline);
    try {
      await clearSwitch(host, deadline);
      await world.machine.removeTree(config.runDir);
    } finally {
      unlock();
    }
  } finally {
    host.close();
  }
}

/** Starts the agent, with the etcd that it needs, now and whenever the machine is started. */
export async function startServices(
  world: ClusterWorld,
  files: ClusterFiles,
  undo: Undo,
): Promise<Services> {
  const services = await servicesOf(world, files);
  for (const name of namesOf(files)) {
    const { state, enabled } = await services.status(name);
    if (enabled === false) {
      undo.add(`${name} at boot`, () => services.disable(name));
      await services.enable(name);
    }
    // One that does not come up may run all the same.
    if (state !== "running") undo.add(name, async () => void (await services.stop(name)));
    await services.start(name);
  }
  return services;
}

/** In the order they are started in. */
export const namesOf = (files: ClusterFiles): readonly ServiceName[] =>
  files.runsEtcd() ? ["etcd", "agent"] : ["agent"];

/** Opens the node by its node.json, and waits until its store answers and its agent is at work. */
export async function awaitUp(
  world: ClusterWorld,
  files: ClusterFiles,
  { services, patient }: { readonly services: Services; readonly patient: Patient },
): Promise<Host> {
  const host = openNode(world, files.config());
  const registry = await host.ipam.registry();
  const { name, machineId } = host.ipam.node();
  const takesIn = files.pki().caKey !== undefined || host.config.agent.join.insecure;
  const end = deadlineIn(world.clock, patienceMs.up);
  for (;;) {
    const state = await stateOf(registry, { name, machineId, takesIn }, () =>
      within(end, world.clock, patienceMs.ask),
    );
    if (state === undefined) return host;
    patient.goOn();
    await refuseEnded(services, files);
    if (end.left() === 0) {
      throw new Failure("try-again", `Cannot bring node "${name}" up: ${state}`, {
        details: "See what is said: socketplane agent logs",
      });
    }
    await patient.unlessInterrupted(world.machine.pause(patienceMs.look));
  }
}

/** What is still waited for; undefined for nothing. */
async function stateOf(
  { store, keys }: Registry,
  {
    name,
    machineId,
    takesIn,
  }: Pick<ThisNode, "name" | "machineId"> & { readonly takesIn: boolean },
  soon: () => ReturnType<typeof within>,
): Promise<string | undefined> {
  try {
    await store.identity(soon());
    const entry = await store.get(keys.node(name), soon());
    const owner = entry && nodeOf(keys, entry)?.machineId;
    // Of two that join at once under one name, one is the first to register.
    if (owner !== undefined && owner !== machineId) throw isAnothers(name);
    const has = async (key: string) => (await store.get(key, soon())) !== undefined;
    if (entry === undefined || !(await has(keys.session(name))))
      return "its agent has not registered it";
    if (takesIn && !(await has(keys.entrance(name)))) return "its agent does not take in others";
    return undefined;
  } catch (fault) {
    // One that refuses will go on to.
    if (fault instanceof Failure && fault.kind !== "try-again") throw fault;
    return reasonOf(fault);
  }
}

const isAnothers = (name: string): Failure =>
  new Failure(
    "invalid-config",
    `Cannot bring node "${name}" up: another machine has that name in the cluster`,
    {
      details: `Give this one a name of its own: --name. If it stands in for that one, first, on a node of the cluster: socketplane node remove ${name}`,
    },
  );

/** How many of its last lines are told of a service that ended. */
const told = 10;

async function refuseEnded(services: Services, files: ClusterFiles): Promise<void> {
  for (const name of namesOf(files)) {
    const { state, reason } = await services.status(name);
    if (state !== "failed") continue;
    const lines: string[] = [];
    const now = new AbortController().signal;
    await services.logs(name, { lines: told, follow: false }, (line) => lines.push(line), now);
    throw new Failure("io", `Cannot bring ${name} up: ${reason ?? "it ended"}`, {
      details: lines.join("\n") || undefined,
    });
  }
}
