/** Networks in the store: made and deleted by compare-and-swap. */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import { formatPrefix4, formatPrefix6, overlaps4, overlaps6 } from "../net/prefix.ts";
import { type CasDeps, compareAndSwap } from "../store/cas.ts";
import type { Keys } from "../store/keys.ts";
import { type Entry, endOf, type Revision, type Store, type Txn } from "../store/store.ts";
import {
  completeNetwork,
  describe,
  maxVni,
  type Network,
  type NetworkSpec,
  parseNetwork,
} from "./network.ts";
import { differences } from "./network-fit.ts";

/** The store, and how its keys are named. */
export interface Registry extends CasDeps {
  readonly store: Store;
  readonly keys: Keys;
}

/** A network, and the revision that a claim compares. */
export interface StoredNetwork {
  readonly network: Network;
  readonly revision: Revision;
}

export async function readNetwork(
  registry: Registry,
  name: string,
  deadline: Deadline,
): Promise<StoredNetwork | undefined> {
  const entry = await registry.store.get(registry.keys.network(name), deadline);
  return entry === undefined ? undefined : storedNetwork(entry);
}

export async function listNetworks(
  registry: Registry,
  deadline: Deadline,
): Promise<readonly StoredNetwork[]> {
  const { entries } = await registry.store.range(registry.keys.networks, deadline);
  return entries.map(storedNetwork);
}

/**
 * Makes the network, or finds that it is there as asked for. Throws Failure "network-conflict" if
 * it is there with other settings, or if a subnet or VNI is another network's; and what `refuse`
 * throws of one that would be made.
 */
export async function ensureNetwork(
  registry: Registry,
  spec: NetworkSpec,
  deadline: Deadline,
  refuse?: (network: Network) => void,
): Promise<{ readonly stored: StoredNetwork; readonly made: boolean }> {
  const { keys, store } = registry;
  const key = keys.network(spec.name);
  const action = `create network "${spec.name}"`;
  const made = await compareAndSwap(registry, action, deadline, async () => {
    const snapshot = await store.range(keys.networks, deadline);
    const entry = snapshot.entries.find((one) => one.key === key);
    if (entry !== undefined) {
      return { value: matching(storedNetwork(entry), spec).network, txn: undefined };
    }
    // Only who makes one must be able to read all: what is asked for may overlap them.
    const others = snapshot.entries.map(storedNetwork);
    const network = completeNetwork(spec, spec.vni ?? lowestFreeVni(others));
    await refuseSpecial(network);
    refuseOverlap(
      network,
      others.map((other) => other.network),
    );
    refuse?.(network);
    return {
      value: network,
      txn: {
        compares: [
          { absent: key },
          { absent: keys.vni(network.vni) },
          { unchangedFrom: keys.networks, to: endOf(keys.networks), revision: snapshot.revision },
        ],
        writes: [
          { put: key, value: JSON.stringify(describe(network)) },
          { put: keys.vni(network.vni), value: network.name },
        ],
      },
    };
  });
  const stored = await readNetwork(registry, spec.name, deadline);
  if (stored === undefined) {
    throw new Failure("network-unknown", `Cannot use network "${spec.name}": it was deleted`);
  }
  return { stored, made: made.revision !== undefined };
}

/** The transaction that gives the network another record, if it is as it was read. */
export function rewrite(
  { keys }: Registry,
  { network, revision }: StoredNetwork,
  to: Network,
): Txn {
  const key = keys.network(network.name);
  const value = JSON.stringify(describe(to));
  return { compares: [{ key, modRevision: revision }], writes: [{ put: key, value }] };
}

/** Throws Failure "network-conflict" for a network that is about to go. */
export function refuseDeleting({ name, deleting }: Network): void {
  if (!deleting) return;
  throw new Failure("network-conflict", `Cannot use network "${name}": it is being deleted`, {
    details: `Try again later; or end what was begun: socketplane network delete ${name}`,
  });
}

function storedNetwork(entry: Entry): StoredNetwork {
  let json: unknown;
  try {
    json = JSON.parse(entry.value);
  } catch {
    throw new Failure("store-refused", `Cannot read ${entry.key}: it is not JSON`);
  }
  return { network: parseNetwork(json, entry.key), revision: entry.modRevision };
}

function matching(found: StoredNetwork, spec: NetworkSpec): StoredNetwork {
  const different = differences(found.network, spec);
  if (different.length === 0) return found;
  throw new Failure(
    "network-conflict",
    `Cannot use network "${spec.name}": it exists, and its ${different.join("; its ")}`,
    { details: "Give the settings it has, or another name." },
  );
}

function lowestFreeVni(others: readonly StoredNetwork[]): number {
  const used = new Set(others.map(({ network }) => network.vni));
  for (let vni = 1; vni <= maxVni; vni += 1) if (!used.has(vni)) return vni;
  throw new Failure("network-conflict", "Cannot create a network: all VNIs are taken");
}

/** Loaded here, since only the making of a network needs to know. */
async function refuseSpecial({ name, subnet, subnet6 }: Network): Promise<void> {
  const { specialRange } = await import("../net/special.ts");
  for (const prefix of subnet6 === undefined ? [subnet] : [subnet, subnet6]) {
    const special = specialRange(prefix);
    if (special === undefined) continue;
    throw new Failure(
      "invalid-config",
      `Cannot create network "${name}": its subnet reaches into ${special} addresses`,
      { details: "Take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, or one you own." },
    );
  }
}

function refuseOverlap(network: Network, others: readonly Network[]): void {
  for (const other of others) {
    const { subnet, subnet6, vni } = other;
    if (vni === network.vni) {
      throw new Failure(
        "network-conflict",
        `Cannot create network "${network.name}": VNI ${vni} is network "${other.name}"'s`,
      );
    }
    const clash = overlaps4(subnet, network.subnet)
      ? formatPrefix4(subnet)
      : subnet6 !== undefined &&
          network.subnet6 !== undefined &&
          overlaps6(subnet6, network.subnet6)
        ? formatPrefix6(subnet6)
        : undefined;
    if (clash === undefined) continue;
    throw new Failure(
      "network-conflict",
      `Cannot create network "${network.name}": its subnet overlaps ${clash} of network "${other.name}"`,
      { details: "Choose another subnet, or leave it out to have one chosen." },
    );
  }
}
