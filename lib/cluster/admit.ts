/** Who is taken in: by a token, under a name and with a VTEP that are no other node's. */
import type { Deadline } from "../deadline.ts";
import type { Registry } from "../ipam/networks.ts";
import { formatVtep, nodeOf } from "../ipam/nodes.ts";
import { compareAndSwap } from "../store/cas.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Compare } from "../store/store.ts";
import type { Checked } from "../trust/request.ts";
import type { JoinQuestion } from "./messages.ts";
import { takeToken } from "./tokens.ts";

/** Why not: an HTTP status, the state, and what to do. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly details: string | undefined;
}

export const refuse = (status: number, error: string, details?: string): Refusal => ({
  status,
  error,
  details,
});

export const isRefusal = (value: object): value is Refusal => "error" in value;

export interface Admitted {
  readonly checked: Checked | undefined;
}

/**
 * Takes the token, if name and VTEP are free; all of it in one transaction, so that of two with one
 * token one is taken in. `check` is for the rest of the question: what it throws leaves the token.
 */
export async function admit(
  { registry, needsToken }: { readonly registry: Registry; readonly needsToken: boolean },
  question: JoinQuestion,
  {
    check,
    deadline,
  }: {
    readonly check: () => Promise<Checked | undefined>;
    readonly deadline: Deadline;
  },
): Promise<Admitted | Refusal> {
  const { node, vtep, token, machineId } = question;
  const action = `take in node "${node}"`;
  const { value } = await compareAndSwap<Admitted | Refusal>(
    registry,
    action,
    deadline,
    async () => {
      const taken = token && (await takeToken(registry, token, deadline));
      // First of all: a stranger learns nothing of the nodes.
      if (needsToken && taken === undefined) return { value: wrongToken, txn: undefined };
      const checked = await check();
      const free = await freeName(registry, node, machineId, deadline);
      if (isRefusal(free)) return { value: free, txn: undefined };
      const held = await freeVtep(registry, node, vtep, deadline);
      if (isRefusal(held)) return { value: held, txn: undefined };
      if (taken === undefined) return { value: { checked }, txn: undefined };
      const txn = { compares: [taken.compare, free, held], writes: [taken.write] };
      return { value: { checked }, txn };
    },
  );
  return value;
}

const wrongToken = refuse(
  401,
  "its token is not known: it was used, its time is over, or it is not written right",
  "Make another one, on a node of the cluster: socketplane cluster token create",
);

/** Whether a node may go on as such; undefined if so. */
export async function confirmMember(
  registry: Registry,
  { node, vtep }: { readonly node: string; readonly vtep: VtepAddress },
  deadline: Deadline,
): Promise<Refusal | undefined> {
  if ((await registry.store.get(registry.keys.node(node), deadline)) === undefined) {
    return refuse(409, `node "${node}" is not of the cluster any more`, "Let it join again.");
  }
  const held = await freeVtep(registry, node, vtep, deadline);
  return isRefusal(held) ? held : undefined;
}

async function freeName(
  { store, keys }: Registry,
  node: string,
  machineId: string,
  deadline: Deadline,
): Promise<Compare | Refusal> {
  const key = keys.node(node);
  const entry = await store.get(key, deadline);
  if (entry === undefined) return { absent: key };
  if (nodeOf(keys, entry)?.machineId === machineId) return { key, modRevision: entry.modRevision };
  return refuse(
    409,
    `another machine has the name "${node}" in the cluster`,
    `Give this one a name of its own (--name, or "node" in node.json). If it stands in for that one, first, on a node of the cluster: socketplane node remove ${node}`,
  );
}

async function freeVtep(
  { store, keys }: Registry,
  node: string,
  vtep: VtepAddress,
  deadline: Deadline,
): Promise<Compare | Refusal> {
  const key = keys.vtep(vtep);
  const holder = await store.get(key, deadline);
  if (holder === undefined) return { absent: key };
  if (holder.value === node) return { key, value: node };
  return refuse(
    409,
    `its address ${formatVtep(vtep)} is node "${holder.value}"'s in the cluster`,
    `Give this machine an address of its own. If that node is gone for good, first, on a node of the cluster: socketplane node remove ${holder.value}`,
  );
}
