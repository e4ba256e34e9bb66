/**
 * Removes a node from the store: the record and the VTEP first, which fences it off, as its claims
 * compare the record and its peers believe no lease without one; then what it leaves behind.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { isObject, parseJson } from "../json.ts";
import { compareAndSwap } from "../store/cas.ts";
import type { Compare, Entry, Revision, Write } from "../store/store.ts";
import { leaseOf } from "./leases.ts";
import type { Registry } from "./networks.ts";
import { nodeOf } from "./nodes.ts";

/** How much of a node was removed. */
export interface RemovedNode {
  readonly leases: number;
  readonly assignments: number;
}

/**
 * Removes the node; undefined if there is nothing of it. Throws Failure "network-conflict" while its
 * agent runs, unless `force` is given: then that node's containers are cut off. `machineId`: where
 * the name is another machine's by now, nothing is removed.
 */
export async function removeNode(
  registry: Registry,
  name: string,
  wish: { readonly force: boolean; readonly machineId?: string },
  deadline: Deadline,
): Promise<RemovedNode | undefined> {
  const fenced = await removeRecord(registry, name, wish, deadline);
  if (fenced === undefined) return undefined;
  const leases = await removeAll(registry, name, fenced.revision, "leases", deadline);
  const assignments = await removeAll(registry, name, fenced.revision, "assignments", deadline);
  return fenced.removed || leases > 0 ? { leases, assignments } : undefined;
}

/**
 * Gives the revision up to which everything under the node's name is of who was removed; undefined
 * where the name is another machine's.
 */
async function removeRecord(
  registry: Registry,
  name: string,
  { force, machineId }: { readonly force: boolean; readonly machineId?: string },
  deadline: Deadline,
): Promise<{ readonly removed: boolean; readonly revision: Revision } | undefined> {
  const { keys, store } = registry;
  const key = keys.node(name);
  const session = keys.session(name);
  const done = await compareAndSwap(registry, `remove node "${name}"`, deadline, async () => {
    const { entries, revision } = await store.range(key, deadline);
    const entry = entries.find((one) => one.key === key);
    // What is left is of a removal that was cut short.
    if (entry === undefined) return { value: revision, txn: undefined };
    const owner = nodeOf(keys, entry)?.machineId;
    const isAnothers = machineId !== undefined && owner !== undefined && owner !== machineId;
    if (isAnothers) return { value: undefined, txn: undefined };
    if (!force && (await store.get(session, deadline)) !== undefined) throw isAlive(name);
    const held: Compare = { key, modRevision: entry.modRevision };
    return {
      value: revision,
      txn: {
        compares: force ? [held] : [held, { absent: session }],
        writes: [{ remove: key }, ...(await vtepOf(registry, entry, deadline))],
      },
    };
  });
  if (done.value === undefined) return undefined;
  return { removed: done.revision !== undefined, revision: done.revision ?? done.value };
}

/** The VTEP of the record, if it is this node's. */
async function vtepOf(
  { keys, store }: Registry,
  entry: Entry,
  deadline: Deadline,
): Promise<readonly Write[]> {
  const node = nodeOf(keys, entry);
  if (node?.vtep === undefined) return [];
  const remove = keys.vtep(node.vtep);
  const holder = await store.get(remove, deadline);
  return holder?.value === node.name ? [{ remove }] : [];
}

/**
 * How many go in one transaction: etcd takes 128 operations unless it is told otherwise, and counts
 * for each of these its compare, and its removal and that of its MAC.
 */
const atOnce = 40;

/** In portions, and again for as long as some had changed since they were read. */
async function removeAll(
  registry: Registry,
  name: string,
  upTo: Revision,
  what: "leases" | "assignments",
  deadline: Deadline,
): Promise<number> {
  const { keys, store } = registry;
  const prefix = what === "leases" ? keys.leases : keys.allAssignments;
  const action = `remove the ${what} of node "${name}"`;
  for (let count = 0; ; ) {
    const { value } = await compareAndSwap(registry, action, deadline, async () => {
      const { entries } = await store.range(prefix, deadline);
      const left = entries.filter((one) => isOf(one, name) && one.modRevision <= upTo);
      const portion = left.slice(0, atOnce);
      if (portion.length === 0) return { value: 0, txn: undefined };
      const compares = portion.map(({ key, modRevision }) => ({ key, modRevision }));
      const writes = portion.flatMap((entry) => removalOf(registry, entry));
      return { value: portion.length, txn: { compares, writes } };
    });
    if (value === 0) return count;
    count += value;
  }
}

function isOf({ value }: Entry, name: string): boolean {
  const json = parseJson(value);
  return isObject(json) && json.node === name;
}

/** With the MAC that the lease has reserved. */
function removalOf({ keys }: Registry, entry: Entry): readonly Write[] {
  const parts = keys.parse(entry.key);
  const mac = parts?.kind === "lease" ? leaseOf(keys, entry).mac : undefined;
  if (parts?.kind !== "lease" || mac === undefined) return [{ remove: entry.key }];
  return [{ remove: entry.key }, { remove: keys.mac(parts.network, mac) }];
}

const isAlive = (name: string): Failure =>
  new Failure("network-conflict", `Cannot remove node "${name}": its agent runs`, {
    details:
      "Stop the agent there, and remove its containers first. With --force it is removed at once, and its containers are cut off.",
  });
