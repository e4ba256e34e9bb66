/** Records of the store, as others or another version may have written them. */
import { changesBetween } from "../../lib/agent/changes.ts";
import { applyEvents, clusterOf } from "../../lib/agent/model.ts";
import { readLeasesAt } from "../../lib/ipam/leases.ts";
import { completeNetwork, describe } from "../../lib/ipam/network.ts";
import { listNetworks, type Registry, readNetwork } from "../../lib/ipam/networks.ts";
import { formatNode, readNodes } from "../../lib/ipam/nodes.ts";
import { holdingOf } from "../../lib/ipam/view.ts";
import { type Prefix4, parsePrefix4, parsePrefix6 } from "../../lib/net/prefix.ts";
import {
  applyTxn,
  emptyState,
  eventsFrom,
  formatState,
  parseState,
  type State,
} from "../../lib/store/file-state.ts";
import { keysUnder } from "../../lib/store/keys.ts";
import type { Entry, Revision, Snapshot, Store, StoreEvent } from "../../lib/store/store.ts";
import type { Random } from "../lib/random.ts";
import type { Target } from "./case.ts";
import { damagedText } from "./mutate-bytes.ts";
import { mutated, textOf } from "./mutate-json.ts";

const keys = keysUnder("/socketplane/v1");
const prefix = (text: string) => parsePrefix4(text) as Prefix4;

const network = completeNetwork(
  { name: "web", subnet: prefix("10.2.0.0/16"), subnet6: parsePrefix6("fd00:2::/64"), mtu: 1400 },
  7,
);
const nodeOf = (vtep: number) =>
  formatNode({
    machineId: "0123456789abcdef0123456789abcdef",
    vtep: { family: 4, address: vtep as never },
    boot: "b",
    version: "0.1.0",
  });

const records: readonly (readonly [key: string, value: string])[] = [
  [keys.network("web"), JSON.stringify(describe(network))],
  [keys.vni(7), "web"],
  [keys.node("host-a"), nodeOf(0xc0000201)],
  [keys.node("host-b"), nodeOf(0xc0000202)],
  [keys.lease("web", prefix("10.2.0.0/26")), JSON.stringify({ node: "host-a" })],
  [
    keys.lease("web", prefix("10.2.1.0/32")),
    JSON.stringify({ node: "host-b", mac: "0a:58:00:00:00:01", owner: "x" }),
  ],
  [keys.session("host-a"), JSON.stringify({ revision: 3 })],
];

function someEntries(random: Random): readonly Entry[] {
  const entries = records.map(([key, value], index) => ({
    key: random.below(12) === 0 ? damagedText(key, random) : key,
    value: random.below(3) === 0 ? someValue(value, random) : value,
    createRevision: (2 + index) as Revision,
    modRevision: (2 + index + random.below(3)) as Revision,
  }));
  return entries.slice(random.below(2)).sort((a, b) => (a.key < b.key ? -1 : 1));
}

function someValue(value: string, random: Random): string {
  if (random.below(2) === 0 || !value.startsWith("{")) return damagedText(value, random);
  return textOf(mutated(JSON.parse(value), random));
}

const revision = 20 as Revision;
const noHurry = { left: () => 1000 };

function registryOf(entries: readonly Entry[]): Registry {
  const range = async (stem: string): Promise<Snapshot> => ({
    entries: entries.filter(({ key }) => key.startsWith(stem)),
    revision,
  });
  const get = async (key: string) => entries.find((one) => one.key === key);
  return { keys, store: { range, get } as unknown as Store, sleep: () => {}, random: () => 0 };
}

const registry: Target = {
  name: "store",
  make: (random) => {
    const entries = someEntries(random);
    return {
      input: entries,
      act: async () => {
        const from = registryOf(entries);
        const nodes = await readNodes(from, noHurry);
        const { leases } = await readLeasesAt(from, "web", noHurry);
        const stored = { network, revision };
        const node = { name: "host-a", createRevision: 1 as Revision };
        const tunnel = { family: 4, address: 1 as never } as const;
        holdingOf({ stored, node, tunnel, leases, nodes, revision, readAt: 0 });
        await readNetwork(from, "web", noHurry);
        await listNetworks(from, noHurry);
      },
    };
  },
};

const clusterFrom = async ({ store }: Registry) =>
  clusterOf(keys, {
    networks: await store.range(keys.networks, noHurry),
    nodes: await store.range(keys.nodes, noHurry),
    leases: await store.range(keys.leases, noHurry),
  });

/** Events lead to the very state that reading gives, whatever they say. */
const events: Target = {
  name: "store's events",
  make: (random) => {
    const entries = someEntries(random);
    return {
      input: entries,
      act: async () => {
        const read = await clusterFrom(registryOf(entries));
        const before = await clusterFrom(registryOf([]));
        const told = parts.reduce(
          (cluster, [part, stem]) => {
            const ours = entries.filter(({ key }) => key.startsWith(stem));
            return applyEvents(keys, cluster, part, ours.map(eventOf));
          },
          startedAt(before, 0 as Revision),
        );
        const [one, other] = [told, read].map((cluster) => JSON.stringify(contentOf(cluster)));
        if (one !== other) throw new Error(`By events: ${one}\nRead: ${other}`);
        changesBetween(before, read, "host-a");
      },
    };
  },
};

type Cluster = ReturnType<typeof clusterOf>;

const parts = [
  ["networks", keys.networks],
  ["nodes", keys.nodes],
  ["leases", keys.leases],
] as const;

const startedAt = (cluster: Cluster, at: Revision): Cluster => ({
  ...cluster,
  revisions: { networks: at, nodes: at, leases: at },
});

/** The key's first revision is that of the event. */
const eventOf = ({ key, value, modRevision }: Entry): StoreEvent => ({
  type: "put",
  key,
  value,
  revision: modRevision,
});

const contentOf = ({ networks, nodes, leases, unreadable }: Cluster) =>
  [
    [...networks.values()].map(({ network: { name } }) => name),
    [...nodes.values()].map(({ name, vtep }) => `${name} ${vtep?.address}`),
    [...leases].map(([name, held]) => [name, [...held.values()].map(({ node }) => node).sort()]),
    [...unreadable.keys()],
  ].map((list) => list.map((one) => JSON.stringify(one)).sort());

function someState(): State {
  const limits = { revisions: 100, length: 100_000 };
  return records.reduce(
    (state, [put, value]) =>
      applyTxn(state, { compares: [], writes: [{ put, value }] }, limits).state,
    emptyState("1f0e"),
  );
}

const good = formatState(someState());

const file: Target = {
  name: "store's file",
  make: (random) => {
    const [head = "", ...log] = good.split("\n");
    const broken = textOf(mutated(JSON.parse(head), random));
    const text = random.below(2) === 0 ? damagedText(good, random) : [broken, ...log].join("\n");
    return {
      input: text,
      act: () => {
        const parsed = parseState(text);
        if (!parsed.ok) return "refused";
        eventsFrom(parsed.state, parsed.state.oldest, "/socketplane/");
        formatState(parsed.state);
        return "taken";
      },
    };
  },
};

export const storeTargets: readonly Target[] = [registry, events, file];
