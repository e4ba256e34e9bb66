import { describe, expect, test } from "vitest";
import { changesBetween } from "../../../lib/agent/changes.ts";
import {
  applyEvents,
  type Cluster,
  clusterOf,
  type Part,
  parts,
  unknownCluster,
} from "../../../lib/agent/model.ts";
import { isOf, type Lease } from "../../../lib/ipam/leases.ts";
import { digestOf, peerLeases, peersOf } from "../../../lib/ipam/peers.ts";
import { formatPrefix4, parsePrefix4 } from "../../../lib/net/prefix.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Entry, Revision, Snapshot, StoreEvent } from "../../../lib/store/store.ts";
import { type Random, seeded } from "../random.ts";

const keys = keysUnder("/sp");
const self = "host-0";

/** A store as far as it matters here: entries with their revisions. */
function openFake() {
  const entries = new Map<string, Entry>();
  let revision = 1;
  const write = (key: string, value: string | undefined): readonly StoreEvent[] => {
    if (value === undefined && !entries.has(key)) return [];
    revision += 1;
    const now = revision as Revision;
    const createRevision = entries.get(key)?.createRevision ?? now;
    if (value === undefined) entries.delete(key);
    else entries.set(key, { key, value, createRevision, modRevision: now });
    const type = value === undefined ? "remove" : "put";
    return [{ type, key, value: value ?? "", revision: now }];
  };
  const snapshot = (part: Part): Snapshot => ({
    entries: [...entries.values()]
      .filter(({ key }) => key.startsWith(keys[part]))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    revision: revision as Revision,
  });
  const read = () =>
    clusterOf(
      keys,
      Object.fromEntries(parts.map((part) => [part, snapshot(part)])) as Record<Part, Snapshot>,
    );
  return { write, read };
}

const network = (name: string, subnet: string, more: object = {}) =>
  JSON.stringify({ id: name, subnet, vni: 7, ...more });
const prefix = (text: string) => {
  const parsed = parsePrefix4(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

/** One write of any kind, sensible and not. */
function anyWrite(random: Random): { part: Part; key: string; value: string | undefined } {
  const name = random.one(["web", "db"]);
  const node = `host-${random.below(4)}`;
  // Now and then it is removed, or unreadable.
  const value = (text: string) => [text, text, text, undefined, "?"][random.below(5)];
  switch (random.one(parts)) {
    case "networks": {
      const more = random.one([{}, { deleting: true }, { mtu: 1400 }]);
      return {
        part: "networks",
        key: keys.network(name),
        value: value(network(name, "10.2.0.0/16", more)),
      };
    }
    case "nodes": {
      const vtep = random.one(["192.0.2.1", "192.0.2.2", "2001:db8::1", "nowhere"]);
      return {
        part: "nodes",
        key: keys.node(node),
        value: value(JSON.stringify({ machineId: "m", vtep })),
      };
    }
    case "leases": {
      const lease = prefix(`10.2.0.${64 * random.below(4)}/26`);
      const more = random.one([{}, {}, { mac: "0e:00:00:00:00:01" }, { mac: "no" }]);
      return {
        part: "leases",
        key: keys.lease(name, lease),
        value: value(JSON.stringify({ node, ...more })),
      };
    }
  }
}

describe("whatever happens", () => {
  const seeds = Array.from({ length: 40 }, (_, seed) => seed);

  test.each(seeds)("events lead where a fresh reading does (%i)", (seed) => {
    const random = seeded(seed);
    const store = openFake();
    let cluster: Cluster = { ...store.read() };
    for (let step = 0; step < 200; step += 1) {
      const { part, key, value } = anyWrite(random);
      cluster = applyEvents(keys, cluster, part, store.write(key, value));
    }
    expect({ ...plain(cluster), revisions: 0, certain: 0 }).toEqual({
      ...plain(store.read()),
      revisions: 0,
      certain: 0,
    });
  });

  test.each(seeds)("the parts may be seen in any order (%i)", (seed) => {
    const random = seeded(seed);
    const store = openFake();
    const begin = store.read();
    const waiting: Record<Part, StoreEvent[]> = { networks: [], nodes: [], leases: [] };
    for (let step = 0; step < 100; step += 1) {
      const { part, key, value } = anyWrite(random);
      waiting[part].push(...store.write(key, value));
    }
    let cluster = begin;
    while (parts.some((part) => waiting[part].length > 0)) {
      const part = random.one(parts.filter((one) => waiting[one].length > 0));
      const events = waiting[part].splice(0, 1 + random.below(5));
      // What was given already may come again.
      cluster = applyEvents(keys, applyEvents(keys, cluster, part, events), part, events);
    }
    expect({ ...plain(cluster), revisions: 0, certain: 0 }).toEqual({
      ...plain(store.read()),
      revisions: 0,
      certain: 0,
    });
  });

  test.each(seeds)("the changes lead from one state to the other (%i)", (seed) => {
    const random = seeded(seed);
    const store = openFake();
    let before: Cluster = unknownCluster;
    const known = new Map<string, { peers: Set<string>; digest: number; blocks: Set<string> }>();
    for (let round = 0; round < 20; round += 1) {
      for (let step = random.below(12); step > 0; step -= 1) {
        const { key, value } = anyWrite(random);
        store.write(key, value);
      }
      const after = store.read();
      for (const change of changesBetween(before, after, self)) {
        const one = known.get(change.network) ?? { peers: new Set(), digest: 0, blocks: new Set() };
        known.set(change.network, one);
        for (const gone of change.peers.removed) expect(one.peers.delete(text(gone))).toBe(true);
        for (const more of change.peers.added) one.peers.add(text(more));
        for (const peer of [...change.peers.removed, ...change.peers.added])
          one.digest = (one.digest ^ digestOf(peer)) >>> 0;
        for (const gone of change.lost) expect(one.blocks.delete(text(gone))).toBe(true);
        for (const more of change.gained) one.blocks.add(text(more));
      }
      for (const [name, one] of known) {
        const peers = peerLeases(leasesIn(after, name), self, after.nodes);
        expect([...one.peers].sort()).toEqual(peers.map(text).sort());
        expect({ count: one.peers.size, digest: one.digest }).toEqual(peersOf(peers));
        expect([...one.blocks].sort()).toEqual(blocksIn(after, name).map(text).sort());
      }
      before = after;
    }
  });
});

describe("what a change says", () => {
  const changes = (
    write: (store: ReturnType<typeof openFake>) => void,
    then: (store: ReturnType<typeof openFake>) => void,
  ) => {
    const store = openFake();
    write(store);
    const before = store.read();
    then(store);
    return changesBetween(before, store.read(), self);
  };
  const web = keys.network("web");
  const lease = keys.lease("web", prefix("10.2.0.64/26"));
  const node = JSON.stringify({ machineId: "m", vtep: "192.0.2.9" });

  test("of a network that is made, marked, deleted, and made anew", () => {
    const made = network("web", "10.2.0.0/16");
    const records = (before: () => void, then: () => void, store: ReturnType<typeof openFake>) => {
      before();
      const state = store.read();
      then();
      return changesBetween(state, store.read(), self).map(({ record }) => record);
    };
    const store = openFake();
    const put = (value: string | undefined) => () => void store.write(web, value);
    expect(records(() => {}, put(made), store)).toEqual(["made"]);
    expect(
      records(() => {}, put(network("web", "10.2.0.0/16", { deleting: true })), store),
    ).toEqual(["changed"]);
    expect(store.read().networks.get("web")?.network.deleting).toBe(true);
    expect(
      records(
        () => {},
        () => {
          put(undefined)();
          put(made)();
        },
        store,
      ),
    ).toEqual(["remade"]);
    expect(records(() => {}, put(undefined), store)).toEqual(["deleted"]);
  });

  test("nothing, of a node that has no lease there", () => {
    const found = changes(
      (store) => store.write(web, network("web", "10.2.0.0/16")),
      (store) => store.write(keys.node("host-3"), node),
    );
    expect(found).toEqual([]);
  });

  test("a peer, of a lease that a node claims which is registered; and none when it is removed", () => {
    const leased = (store: ReturnType<typeof openFake>) => store.write(lease, `{"node":"host-3"}`);
    const registered = (store: ReturnType<typeof openFake>) =>
      store.write(keys.node("host-3"), node);
    // What it had before it was registered is of an earlier registration.
    expect(changes(leased, registered)).toEqual([]);
    expect(changes(registered, leased)[0]?.peers.added).toHaveLength(1);
    const removed = changes(
      (store) => [registered(store), leased(store)],
      (store) => store.write(keys.node("host-3"), undefined),
    );
    expect(removed[0]?.peers.removed).toHaveLength(1);
  });

  test("a peer that is another, when its node has another VTEP", () => {
    const found = changes(
      (store) => [store.write(keys.node("host-3"), node), store.write(lease, `{"node":"host-3"}`)],
      (store) => store.write(keys.node("host-3"), node.replace("2.9", "2.10")),
    );
    expect(found[0]?.peers).toMatchObject({ added: [{}], removed: [{}] });
  });

  test("a block that is lost and gained, when it was given back and claimed again", () => {
    const own = `{"node":"${self}"}`;
    const found = changes(
      (store) => [store.write(keys.node(self), node), store.write(lease, own)],
      (store) => [store.write(lease, undefined), store.write(lease, own)],
    );
    expect(found[0]).toMatchObject({ lost: [{ revision: 3 }], gained: [{ revision: 5 }] });
  });
});

const leasesIn = (cluster: Cluster, name: string): readonly Lease[] => [
  ...(cluster.leases.get(name)?.values() ?? []),
];
const blocksIn = (cluster: Cluster, name: string) => {
  const node = cluster.nodes.get(self);
  return leasesIn(cluster, name)
    .filter((lease) => node !== undefined && isOf(lease, node))
    .map(({ prefix, revision }) => ({ prefix, revision }));
};

const plain = (cluster: Cluster) => ({
  ...cluster,
  // Of unreadable leases nobody asks when they were made.
  unreadable: new Set(cluster.unreadable.keys()),
  leases: Object.fromEntries([...cluster.leases].map(([name, leases]) => [name, leases])),
});
const text = (one: { prefix: { base: number; length: number } }) =>
  JSON.stringify({ ...one, prefix: formatPrefix4(one.prefix as never) }, (_, value) =>
    typeof value === "bigint" ? `${value}` : value,
  );
