/**
 * Deletes a network that nobody holds a lease of. Where other nodes do, it is marked first: nothing
 * of it is claimed any more, and agents give back what they have of it and don't use.
 */
import { type Deadline, deadlineIn, within } from "../deadline.ts";
import { asFailure, Failure } from "../errors.ts";
import { compareAndSwap } from "../store/cas.ts";
import { endOf, type Txn } from "../store/store.ts";
import { type Lease, readLeases } from "./leases.ts";
import { type Registry, readNetwork, rewrite, type StoredNetwork } from "./networks.ts";
import { endPolicies } from "./policies.ts";

/**
 * Deletes the network if no lease of it is left; false if one is. A claim compares the network's
 * revision, so none can slip in between.
 */
export async function deleteUnheld(
  registry: Registry,
  name: string,
  deadline: Deadline,
): Promise<boolean> {
  const action = `delete network "${name}"`;
  const { value } = await compareAndSwap(registry, action, deadline, async () => {
    const stored = await readNetwork(registry, name, deadline);
    if (stored === undefined) return { value: true, txn: undefined };
    const held = (await readLeases(registry, name, deadline)).length > 0;
    return held
      ? { value: false, txn: undefined }
      : { value: true, txn: await removal(registry, stored, deadline) };
  });
  return value;
}

/**
 * Deletes the network once the nodes that hold leases of it have given them back, for which those
 * that have an agent get some time. Throws Failure "network-conflict" naming the others, and then
 * the network stays as it was.
 */
export async function deleteWhenLeft(
  registry: Registry,
  name: string,
  clock: () => number,
  deadline: Deadline,
): Promise<boolean> {
  await refuseUnattended(registry, name, deadline);
  if (!(await mark(registry, name, true, deadline))) return false;
  try {
    const patience = within(deadline, clock, patienceMs);
    for (;;) {
      if (await deleteUnheld(registry, name, deadline)) return true;
      await refuseUnattended(registry, name, deadline);
      if (patience.left() <= 0) {
        throw stillHeld(name, await readLeases(registry, name, deadline), "in use by");
      }
      await registry.sleep(pauseMs);
    }
  } catch (failure) {
    // Under a deadline of its own: the other may be what failed.
    const unmarked = mark(registry, name, undefined, deadlineIn(clock, unmarkMs));
    throw await unmarked.then(
      () => failure,
      () => stillMarked(failure, name),
    );
  }
}

/** How long agents have to give back what they hold, milliseconds. */
const patienceMs = 8_000;
/** How long the mark's taking back may take, milliseconds. */
const unmarkMs = 5_000;
const pauseMs = 50;

/** Sets the mark, or takes it back; false if there is no such network. */
async function mark(
  registry: Registry,
  name: string,
  deleting: true | undefined,
  deadline: Deadline,
): Promise<boolean> {
  const action = `mark network "${name}"`;
  const { value } = await compareAndSwap(registry, action, deadline, async () => {
    const stored = await readNetwork(registry, name, deadline);
    if (stored === undefined) return { value: false, txn: undefined };
    const done = stored.network.deleting === deleting;
    return {
      value: true,
      txn: done ? undefined : rewrite(registry, stored, { ...stored.network, deleting }),
    };
  });
  return value;
}

/** The network goes, and what others say of it, at one revision. */
async function removal(
  registry: Registry,
  { network, revision }: StoredNetwork,
  deadline: Deadline,
): Promise<Txn> {
  const { keys } = registry;
  const key = keys.network(network.name);
  const leases = keys.leasesOf(network.name);
  const others = await endPolicies(registry, network, deadline);
  return {
    compares: [
      { key, modRevision: revision },
      { absentFrom: leases, to: endOf(leases) },
      ...others.compares,
    ],
    writes: [{ remove: key }, { remove: keys.vni(network.vni) }, ...others.writes],
  };
}

/** Where no agent runs, nobody gives anything back. */
async function refuseUnattended(
  registry: Registry,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const { keys, store } = registry;
  const { entries } = await store.range(keys.sessions, deadline);
  const attended = new Set(entries.map(({ key }) => key));
  const leases = await readLeases(registry, name, deadline);
  const alone = leases.filter(({ node }) => !attended.has(keys.session(node)));
  if (alone.length > 0) throw stillHeld(name, alone, "held by");
}

function stillHeld(name: string, leases: readonly Lease[], how: string): Failure {
  const nodes = [...new Set(leases.map(({ node }) => `node "${node}"`))].join(", ");
  return new Failure(
    "network-conflict",
    `Cannot delete network "${name}": blocks of it are ${how} ${nodes}`,
    { details: "Remove its containers there first, and delete it again." },
  );
}

/** The first failure, and what else the store would not take. */
function stillMarked(failure: unknown, name: string): Failure {
  const { kind, message } = asFailure(failure);
  return new Failure(kind, message, {
    details: `It is still marked as being deleted, and no node can use it. Delete it again: socketplane network delete ${name}`,
    cause: failure,
  });
}
