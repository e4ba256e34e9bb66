/**
 * Mirrors this node's assignments into the store, for operators: nothing depends on it.
 *
 * A node writes below its own blocks only, so that what others have left there it may remove.
 */
import { isOwnAddress } from "../attach/names.ts";
import type { Deadline } from "../deadline.ts";
import type { Assignment } from "../ipam/assignment.ts";
import { isHeld, listAssignments } from "../ipam/assignments.ts";
import { heldNow, type NodeIpam } from "../ipam/held.ts";
import type { Registry } from "../ipam/networks.ts";
import type { RegisteredNode } from "../ipam/nodes.ts";
import { hexOfIp4 } from "../net/ip4.ts";
import { formatMac } from "../net/mac.ts";
import { contains4, type Prefix4 } from "../net/prefix.ts";
import type { Keys } from "../store/keys.ts";
import type { Write } from "../store/store.ts";

/** etcd takes 128 operations in one transaction unless it is told otherwise. */
const writesAtOnce = 100;

export interface Mirrored {
  /** This node as it is registered. */
  readonly node: RegisteredNode;
  /** What this process has written, by key: gone wherever it is no longer so. */
  readonly mirrored: Map<string, string>;
}

/** Makes the mirror right. Gives how many entries were written or removed. */
export async function mirror(
  ipam: NodeIpam,
  { keys, store }: Registry,
  { node, mirrored }: Mirrored,
  deadline: Deadline,
): Promise<number> {
  const wanted = wantedEntries(keys, node.name, ownAssignments(ipam));
  const found = new Map<string, string>();
  for (const { network, prefix } of ownBlocks(ipam)) {
    const { entries } = await store.range(stemOf(keys, network, prefix), deadline);
    for (const { key, value } of entries) if (isBelow(keys, key, prefix)) found.set(key, value);
  }
  // A node that was removed has no say any more.
  const registered = { key: keys.node(node.name), createRevision: node.createRevision };
  const writes = mirrorWrites(found, wanted);
  let written = 0;
  for (let at = 0; at < writes.length; at += writesAtOnce) {
    const some = writes.slice(at, at + writesAtOnce);
    const commit = await store.commit({ compares: [registered], writes: some }, deadline);
    if (!commit.ok) return written;
    written += some.length;
  }
  for (const [key, value] of mirrored) {
    if (wanted.has(key) || found.has(key)) continue;
    // Its block may be another node's by now, which has written there: then it is left.
    const compares = [registered, { key, value }];
    const commit = await store.commit({ compares, writes: [{ remove: key }] }, deadline);
    if (commit.ok) written += 1;
  }
  mirrored.clear();
  for (const [key, value] of wanted) mirrored.set(key, value);
  return written;
}

/** What makes the store have what is wanted, and nothing else below this node's blocks: pure. */
export function mirrorWrites(
  found: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): readonly Write[] {
  const surplus = [...found.keys()].filter((key) => !wanted.has(key));
  const missing = [...wanted].filter(([key, value]) => found.get(key) !== value);
  return [
    ...surplus.map((key) => ({ remove: key })),
    ...missing.map(([key, value]) => ({ put: key, value })),
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

/** Of containers: the node's own address is not given to anybody. */
const ownAssignments = ({ dirs }: NodeIpam): readonly Assignment[] =>
  listAssignments(dirs).filter((one) => !isOwnAddress(one.id) && isHeld(dirs, one));

const ownBlocks = ({ dirs }: NodeIpam) =>
  dirs.networks
    .list()
    .flatMap((network) =>
      (heldNow(dirs, network)?.blocks ?? []).map(({ prefix }) => ({ network, prefix })),
    );

/** What the keys of all addresses of a prefix begin with, and few others. */
const stemOf = (keys: Keys, network: string, { base, length }: Prefix4): string =>
  keys.assignments(network) + hexOfIp4(base).slice(0, Math.floor(length / 4));

function isBelow(keys: Keys, key: string, prefix: Prefix4): boolean {
  const said = keys.parse(key);
  return said?.kind === "assignment" && contains4(prefix, said.address);
}
