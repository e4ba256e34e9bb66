/**
 * `cluster leave`: gives back all that this machine has of a cluster, in order: containers first,
 * what others see of it before what only it sees, and the files that say so last. One that was cut
 * short is ended by the next.
 */
import { attachedHere, detachAll, shownAttachments } from "../attach/clear.ts";
import type { Host } from "../attach/host.ts";
import { machineId, openNode } from "../attach/node.ts";
import { deadlineIn } from "../deadline.ts";
import { Failure, reasonOf } from "../errors.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import { readNodes } from "../ipam/nodes.ts";
import { removeNode } from "../ipam/remove-node.ts";
import { clearMachine, namesOf, servicesOf } from "./bring-up.ts";
import { type ClusterFiles, etcdDataDir, openFiles } from "./files.ts";
import { storeMs, switchMs } from "./patience.ts";
import { type ClusterWorld, openPatience, type Say } from "./world.ts";

export interface Left {
  readonly node: string;
  /** How many attachments of containers were cut off. */
  readonly detached: number;
  /** What could not be taken out of the store, and what to do about it; undefined for nothing. */
  readonly stays: string | undefined;
}

export interface LeaveWish {
  readonly config: string | undefined;
  readonly force: boolean;
  /** Ends what `socketplane run` has started here. */
  readonly endRuns: (host: Host) => Promise<void>;
}

const action = "leave the cluster";
/** Milliseconds for all containers: the kernel takes up to 40 for one. */
const detachMs = 120_000;

/** Undefined where this machine is in none. */
export async function leaveCluster(
  world: ClusterWorld,
  wish: LeaveWish,
  say: Say,
): Promise<Left | undefined> {
  const files = openFiles(world, wish.config);
  if (files.config().store.type === "file") return undefined;
  return files.alone(action, () => leave(world, files, wish, say));
}

async function leave(
  world: ClusterWorld,
  files: ClusterFiles,
  { force, endRuns }: LeaveWish,
  say: Say,
): Promise<Left> {
  const patient = openPatience(action, world.interrupted());
  const config = files.config();
  const host = openNode(world, config);
  // Whose interface is gone has no VTEP to tell, and leaves all the same.
  const name = config.node ?? host.ipam.node().name;
  const deadline = () => deadlineIn(world.clock, switchMs);
  const attached = attachedHere(host, deadline());
  if (attached.length > 0 && !force) throw inUse(attached);
  const away = files.runsEtcd()
    ? await refuseLast(host, name, force || files.isLeaving())
    : await refuseUnreachable(host, name, force);
  const services = await servicesOf(world, files);
  // From here on it is brought to its end.
  patient.goOn();
  files.markLeaving();
  say("ends the agent");
  await services.disable("agent");
  // With systemd, etcd is another unit, and goes on until what it holds of this node is gone.
  await services.stop("agent");
  say("takes containers, addresses and the bridge away");
  await endRuns(host);
  const each = deadlineIn(world.clock, detachMs);
  detachAll(host, attachedHere(host, each), each);
  if (away === undefined && !files.runsEtcd()) await forget(world, host, name);
  host.close();
  for (const service of namesOf(files)) {
    await services.disable(service);
    await services.stop(service);
  }
  await clearMachine(world, config);
  await removeFiles(world, files);
  return { node: name, detached: attached.length, stays: away };
}

async function removeFiles(world: ClusterWorld, files: ClusterFiles): Promise<void> {
  if (files.runsEtcd()) await world.machine.removeTree(etcdDataDir);
  files.removeRest();
  // Last: without it, nothing says any more that there is something to leave.
  files.restoreNodeJson();
}

/** Its etcd goes with it, and with that the cluster. Gives undefined: nothing of it stays. */
async function refuseLast(host: Host, name: string, force: boolean): Promise<undefined> {
  if (force) return undefined;
  let others: readonly string[];
  try {
    const registry = await host.ipam.registry();
    const nodes = await readNodes(registry, deadlineIn(host.clock, storeMs));
    others = [...nodes.keys()].filter((one) => one !== name);
  } catch (fault) {
    throw new Failure(
      "try-again",
      `Cannot ${action}: its etcd does not say whether others are in it`,
      {
        details: `${reasonOf(fault)}\nStart it (socketplane agent start), or with --force give it up unseen.`,
        cause: fault,
      },
    );
  }
  if (others.length === 0) return undefined;
  throw new Failure(
    "network-conflict",
    `Cannot ${action}: its etcd is here, and others are in it`,
    {
      details: `Have them leave first: ${others.join(", ")}; those that are gone for good: socketplane node remove NAME. With --force the cluster ends here, and they are left without a store.`,
    },
  );
}

/** Gives what stays in a store that can't be reached. */
async function refuseUnreachable(
  host: Host,
  name: string,
  force: boolean,
): Promise<string | undefined> {
  try {
    const registry = await host.ipam.registry();
    await registry.store.identity(deadlineIn(host.clock, storeMs));
    return undefined;
  } catch (fault) {
    const there = `on another node: socketplane node remove ${name}`;
    if (force) return `the store does not answer; what it has of this node is removed ${there}`;
    throw new Failure("try-again", `Cannot ${action}: its store does not answer`, {
      details: `${reasonOf(fault)}\nWith --force this machine leaves all the same; then, ${there}`,
      cause: fault,
    });
  }
}

/** Its record, its leases, and what its agent has written down. */
async function forget(world: ClusterWorld, host: Host, name: string): Promise<void> {
  const registry = await host.ipam.registry();
  const own = { force: true, machineId: machineId(world) };
  await removeNode(registry, name, own, deadlineIn(host.clock, storeMs));
}

function inUse(attached: readonly AttachmentId[]): Failure {
  const count = attached.length === 1 ? "a container is" : `${attached.length} containers are`;
  return new Failure("network-conflict", `Cannot ${action}: ${count} attached here`, {
    details: `Remove them first: ${shownAttachments(attached)}. With --force they are cut off.`,
  });
}
