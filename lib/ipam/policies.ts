/**
 * Which networks reach each other: said in the records of both, and changed in both at one
 * revision. There it comes to every node with the record, by the agent or with what ADD reads.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { compareAndSwap } from "../store/cas.ts";
import type { Txn } from "../store/store.ts";
import type { Network } from "./network.ts";
import {
  type Registry,
  readNetwork,
  refuseDeleting,
  rewrite,
  type StoredNetwork,
} from "./networks.ts";

/** How many a network may reach: all must go with it in one transaction, of at most 128 writes. */
export const mostAllowed = 100;

export interface Pair {
  readonly one: Network;
  readonly other: Network;
  /** False where it was so already. */
  readonly changed: boolean;
}

/**
 * Lets the containers of two networks reach each other, or keeps them apart again. Throws Failure
 * "network-unknown" for one that is not there, "network-conflict" for one that is being deleted or
 * reaches too many, and "usage" for a network and itself.
 */
export async function setPolicy(
  registry: Registry,
  policy: "allow" | "deny",
  [first, second]: readonly [string, string],
  deadline: Deadline,
): Promise<Pair> {
  const action = `${policy} traffic between networks "${first}" and "${second}"`;
  if (first === second) {
    throw new Failure("usage", `Cannot ${action}: a network always reaches itself`);
  }
  const { value, revision } = await compareAndSwap(registry, action, deadline, async () => {
    const read = [
      await readOne(registry, first, action, deadline),
      await readOne(registry, second, action, deadline),
    ] as const;
    const [one, other] = [
      changed(policy, read[0].network, second),
      changed(policy, read[1].network, first),
    ];
    const isSame = one === read[0].network && other === read[1].network;
    if (policy === "allow" && !isSame) [one, other].forEach(refuseMore);
    const txn = isSame
      ? undefined
      : joined([rewrite(registry, read[0], one), rewrite(registry, read[1], other)]);
    return { value: { one, other }, txn };
  });
  return { ...value, changed: revision !== undefined };
}

/** What takes the network out of the records of all that it reaches, to be committed with more. */
export async function endPolicies(
  registry: Registry,
  { name, allowed = [] }: Network,
  deadline: Deadline,
): Promise<Txn> {
  const txns: Txn[] = [];
  for (const other of allowed) {
    const stored = await readNetwork(registry, other, deadline);
    if (stored === undefined) continue;
    const to = changed("deny", stored.network, name);
    if (to !== stored.network) txns.push(rewrite(registry, stored, to));
  }
  return joined(txns);
}

/** Pure: the record with the other network in it, or without; the same object where it is so. */
function changed(policy: "allow" | "deny", network: Network, other: string): Network {
  const { allowed = [], ...rest } = network;
  if (allowed.includes(other) === (policy === "allow")) return network;
  const now =
    policy === "allow" ? [...allowed, other].sort() : allowed.filter((one) => one !== other);
  return now.length === 0 ? rest : { ...rest, allowed: now };
}

const joined = (txns: readonly Txn[]): Txn => ({
  compares: txns.flatMap(({ compares }) => compares),
  writes: txns.flatMap(({ writes }) => writes),
});

async function readOne(
  registry: Registry,
  name: string,
  action: string,
  deadline: Deadline,
): Promise<StoredNetwork> {
  const stored = await readNetwork(registry, name, deadline);
  if (stored === undefined) {
    throw new Failure("network-unknown", `Cannot ${action}: there is no network "${name}"`, {
      details: "See which there are: socketplane network list",
    });
  }
  refuseDeleting(stored.network);
  return stored;
}

function refuseMore({ name, allowed = [] }: Network): void {
  if (allowed.length <= mostAllowed) return;
  throw new Failure(
    "network-conflict",
    `Cannot allow more to network "${name}": it reaches ${mostAllowed} others already`,
    { details: `See which: socketplane network show ${name}` },
  );
}
