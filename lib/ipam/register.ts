/** Registers this node: its name and its VTEP, in one transaction. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { compareAndSwap } from "../store/cas.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Compare, Entry, Revision, Txn } from "../store/store.ts";
import type { Registry } from "./networks.ts";
import {
  formatNode,
  formatVtep,
  type NodeRecord,
  nodeOf,
  type RegisteredNode,
  sameVtep,
  type ThisNode,
} from "./nodes.ts";

/**
 * Registers the node, or finds it registered. Throws Failure "invalid-config" where another machine
 * has its name, or another node its VTEP; and where the node is registered with another VTEP, which
 * may mean that this machine's disk was copied. `moved`: with "register", such a node is taken to
 * have moved, as long as it has no living session.
 */
export async function registerNode(
  registry: Registry,
  node: ThisNode,
  deadline: Deadline,
  moved: "refuse" | "register" = "refuse",
): Promise<RegisteredNode> {
  const { keys, store } = registry;
  const key = keys.node(node.name);
  const action = `register node "${node.name}"`;
  const registered = await compareAndSwap(registry, action, deadline, async () => {
    const entry = await store.get(key, deadline);
    const found = entry && nodeOf(keys, entry);
    if (entry !== undefined) refuseOtherMachine(found, entry, node);
    const value = entry?.createRevision;
    if (found !== undefined && isAsRegistered(found, node)) return { value, txn: undefined };
    if (found?.vtep !== undefined && !sameVtep(found.vtep, node.vtep)) {
      await refuseMoved(registry, node, found.vtep, moved, deadline);
    }
    const vtep = node.vtep && (await claimVtep(registry, node.name, node.vtep, deadline));
    return { value, txn: registration(registry, node, found, vtep) };
  });
  return { name: node.name, createRevision: (registered.value ?? registered.revision) as Revision };
}

/** The boot and the version are for people, and written where there is anything to tell apart. */
function isAsRegistered(found: NodeRecord, { vtep, boot, version }: ThisNode): boolean {
  if (vtep === undefined) return true;
  const sameVersion = version === undefined || version === found.version;
  return sameVtep(found.vtep, vtep) && found.boot === boot && sameVersion;
}

function registration(
  { keys }: Registry,
  node: ThisNode,
  found: NodeRecord | undefined,
  vtep: Compare | undefined,
): Txn {
  const key = keys.node(node.name);
  const version = node.version ?? found?.version;
  const put = { put: key, value: formatNode({ ...node, version }) };
  const known: Compare = found ? { key, modRevision: found.modRevision } : { absent: key };
  if (node.vtep === undefined || vtep === undefined) return { compares: [known], writes: [put] };
  const compares = [known, vtep];
  const writes: Txn["writes"] = [put, { put: keys.vtep(node.vtep), value: node.name }];
  if (found?.vtep === undefined || sameVtep(found.vtep, node.vtep)) return { compares, writes };
  return {
    compares: [...compares, { absent: keys.session(node.name) }],
    writes: [...writes, { remove: keys.vtep(found.vtep) }],
  };
}

/** What proves that the VTEP is nobody else's. */
async function claimVtep(
  { keys, store }: Registry,
  name: string,
  vtep: VtepAddress,
  deadline: Deadline,
): Promise<Compare> {
  const key = keys.vtep(vtep);
  const holder = await store.get(key, deadline);
  if (holder === undefined) return { absent: key };
  if (holder.value === name) return { key, value: name };
  throw new Failure(
    "invalid-config",
    `Cannot register node "${name}": VTEP ${formatVtep(vtep)} is node "${holder.value}"'s`,
    {
      details: `Give this machine an address of its own ("vtep" in node.json). If that node is gone for good: socketplane node remove ${holder.value}`,
    },
  );
}

function refuseOtherMachine(
  found: NodeRecord | undefined,
  entry: Entry,
  { name, machineId }: ThisNode,
): void {
  if (found === undefined) {
    throw new Failure("store-refused", `Cannot read ${entry.key}: it is not a node's record`);
  }
  if (found.machineId === machineId) return;
  throw new Failure(
    "invalid-config",
    `Cannot register node "${name}": another machine (${found.machineId}) has that name`,
    {
      details: `Give this machine a name of its own: "node" in node.json. If it stands in for that one: socketplane node remove ${name}`,
    },
  );
}

async function refuseMoved(
  { keys, store }: Registry,
  { name, vtep }: ThisNode,
  before: VtepAddress,
  moved: "refuse" | "register",
  deadline: Deadline,
): Promise<void> {
  const lives = (await store.get(keys.session(name), deadline)) !== undefined;
  if (moved === "register" && !lives) return;
  const agent = lives ? ", whose agent runs" : "";
  const now = vtep === undefined ? "none" : formatVtep(vtep);
  throw new Failure(
    "invalid-config",
    `Cannot register node "${name}": it is registered with VTEP ${formatVtep(before)}${agent}, and this machine has ${now}`,
    {
      details: `If this machine is a copy of that one: give it a name ("node" in node.json) and an /etc/machine-id of its own. If its address has changed: start its agent, or call socketplane node remove ${name}`,
    },
  );
}
