/**
 * Brings what this node holds of a network up to date with the store.
 *
 * With a fresh cache and a free address the store is not asked; and one that is away is waited for
 * no longer than an ADD can, and not by each ADD anew.
 */
import { type Deadline, within } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure } from "../errors.ts";
import { isFresh, markAway, type restMs, storeAway, unmarkAway } from "./freshness.ts";
import { type HeldNetwork, heldNow, type NodeIpam, readCache, underLock } from "./held.ts";
import { matches } from "./network-fit.ts";
import { type Registry, refuseDeleting } from "./networks.ts";
import { readHeld, type WantedNetwork } from "./read-held.ts";

/**
 * The network, from the cache if it is fresh and fits. With a spec, it is created on first use;
 * without, it must exist. Throws Failure "network-unknown" or "network-conflict".
 */
export async function holdNetwork(
  ipam: NodeIpam,
  wanted: WantedNetwork,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const held = await current(ipam, wanted, deadline);
  refuseDeleting(held.stored.network);
  return held;
}

/** The same of one that this node has held before; undefined for any other: nothing is made. */
export async function holdKnown(
  ipam: NodeIpam,
  name: string,
  deadline: Deadline,
): Promise<HeldNetwork | undefined> {
  const cached = heldNow(ipam.dirs, name);
  if (cached === undefined) return undefined;
  const isGood = holds(ipam, cached) || isAway(ipam);
  const held = isGood ? cached : await current(ipam, { name, spec: undefined }, deadline);
  refuseDeleting(held.stored.network);
  return held;
}

async function current(
  ipam: NodeIpam,
  wanted: WantedNetwork,
  deadline: Deadline,
): Promise<HeldNetwork> {
  const folder = ipam.dirs.networks.open(wanted.name);
  const cached = folder && fitting(folder, wanted);
  folder?.close();
  if (cached !== undefined && (holds(ipam, cached) || isAway(ipam))) return cached;
  return underLock(ipam, wanted.name, deadline, async (locked) => {
    const now = fitting(locked, wanted);
    if (now !== undefined && (holds(ipam, now) || isAway(ipam))) return now;
    try {
      return await refresh(ipam, locked, wanted, now === undefined ? "unable" : "able", deadline);
    } catch (failure) {
      if (now === undefined || !isPassing(failure)) throw failure;
      ipam.log.warn("the store is away: going on with what this node holds", {
        network: wanted.name,
        reason: failure.message,
      });
      return now;
    }
  });
}

/**
 * Reads the network again, under its lock, which the caller holds with its folder. `who`: whether
 * the caller can go on without the store, which then is waited for less, and asked less often.
 */
export function refresh(
  ipam: NodeIpam,
  folder: Dir,
  wanted: WantedNetwork,
  who: keyof typeof restMs,
  deadline: Deadline,
): Promise<HeldNetwork> {
  return asking(ipam, who, deadline, (registry, until) =>
    readHeld(ipam, registry, folder, wanted, until),
  );
}

/**
 * Asks the store, for no longer than a runtime should wait, and remembers when it did not answer.
 */
export async function asking<T>(
  ipam: NodeIpam,
  who: keyof typeof restMs,
  deadline: Deadline,
  ask: (registry: Registry, deadline: Deadline) => Promise<T>,
): Promise<T> {
  const away = storeAway(ipam, who);
  if (away !== undefined) throw new Failure("try-again", away);
  // The embedded store is a file of this machine, and a slow disk no reason to give up.
  const alone = ipam.node().vtep === undefined;
  const until = alone ? deadline : within(deadline, ipam.sinceBoot, patienceMs[who]);
  try {
    const answer = await ask(await ipam.registry(), until);
    unmarkAway(ipam);
    return answer;
  } catch (failure) {
    if (isPassing(failure)) markAway(ipam, failure.message);
    throw failure;
  }
}

/** How long a store that does not answer is waited for, milliseconds. */
const patienceMs = { able: 2_000, unable: 4_000 } as const;

function fitting(folder: Dir, { spec }: WantedNetwork): HeldNetwork | undefined {
  const cached = readCache(folder);
  const fits = cached !== undefined && (spec === undefined || matches(cached.stored.network, spec));
  return fits ? cached : undefined;
}

/** A network that was being deleted may be gone by now, or be there again. */
const holds = (ipam: NodeIpam, { stored, readAt }: HeldNetwork): boolean =>
  !stored.network.deleting && isFresh(ipam, readAt);

const isAway = (ipam: NodeIpam): boolean => storeAway(ipam, "able") !== undefined;

const isPassing = (failure: unknown): failure is Failure =>
  failure instanceof Failure && ["try-again", "io"].includes(failure.kind);
