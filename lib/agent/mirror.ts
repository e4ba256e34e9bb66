/**
 * Mirrors this node's assignments into the store, for operators: nothing depends on it.
 *
 * A node writes below its own blocks only. So what others left there it may remove, and of what it
 * has not the block any more the next holder sees to.
 */
import type { Deadline } from "../deadline.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { heldNow, type NodeIpam } from "../ipam/held.ts";
import type { Registry } from "../ipam/networks.ts";
import { isHeld, listAssignments } from "../ipam/pool.ts";
import { hexOfIp4 } from "../net/ip4.ts";
import { formatMac } from "../net/mac.ts";
import { contains4, type Prefix4 } from "../net/prefix.ts";
import type { Keys } from "../store/keys.ts";
import type { Entry, Write } from "../store/store.ts";

/** etcd takes 128 operations in one transaction unless it is told otherwise. */
const writesAtOnce = 100;

/** Makes the mirror right below this node's blocks. Gives how many entries that took. */
export async function mirror(
  ipam: NodeIpam,
  registry: Registry,
  createRevision: number,
  deadline: Deadline,
): Promise<number> {
  const { keys, store } = registry;
  const self = ipam.node().name;
  const wanted = wantedEntries(keys, self, ownAssignments(ipam));
  const found: Entry[] = [];
  for (const { network, prefix } of ownBlocks(ipam)) {
    const { entries } = await store.range(stemOf(keys, network, prefix), deadline);
    found.push(...entries.filter((entry) => isBelow(keys, entry, prefix)));
  }
  const writes = mirrorWrites(found, wanted);
  const key = keys.node(self);
  for (let at = 0; at < writes.length; at += writesAtOnce) {
    // A node that was removed has no say in what is in its former blocks.
    const compares = [{ key, createRevision: createRevision as Entry["createRevision"] }];
    const commit = await store.commit(
      { compares, writes: writes.slice(at, at + writesAtOnce) },
      deadline,
    );
    if (!commit.ok) break;
  }
  return writes.length;
}

/** What has to be written so that the store has what is wanted, and nothing else: pure. */
export function mirrorWrites(
  found: readonly Entry[],
  wanted: ReadonlyMap<string, string>,
): readonly Write[] {
  const have = new Map(found.map(({ key, value }) => [key, value]));
  return [
    ...found.filter(({ key }) => !wanted.has(key)).map(({ key }) => ({ remove: key })),
    ...[...wanted]
      .filter(([key, value]) => have.get(key) !== value)
      .map(([key, value]) => ({ put: key, value })),
  ];
}

function wantedEntries(
  keys: Keys,
  node: string,
  assignments: readonly Assignment[],
): ReadonlyMap<string, string> {
  return new Map(
    assignments.map(({ id, network, address, mac, workload }) => [
      keys.assignment(network, address),
      JSON.stringify({ ...id, mac: formatMac(mac), workload, node }),
    ]),
  );
}

const ownAssignments = ({ dirs }: NodeIpam): readonly Assignment[] =>
  listAssignments(dirs).filter((one) => isHeld(dirs, one));

const ownBlocks = ({ dirs }: NodeIpam) =>
  dirs.networks
    .list()
    .flatMap((network) =>
      (heldNow(dirs, network)?.blocks ?? []).map(({ prefix }) => ({ network, prefix })),
    );

/** What the keys of all addresses of a prefix begin with, and few others. */
const stemOf = (keys: Keys, network: string, { base, length }: Prefix4): string =>
  keys.assignments(network) + hexOfIp4(base).slice(0, Math.floor(length / 4));

function isBelow(keys: Keys, { key }: Entry, prefix: Prefix4): boolean {
  const said = keys.parse(key);
  return said?.kind === "assignment" && contains4(prefix, said.address);
}
