import { describe, expect, test } from "vitest";
import { formatPrefix4 } from "../../../lib/net/prefix.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Entry, Revision, Snapshot, Store } from "../../../lib/store/store.ts";
import { readCluster } from "../../../lib/survey/cluster.ts";

const keys = keysUnder("/socketplane/v1");

const entry = (key: string, value: unknown, revision = 7): Entry => ({
  key,
  value: typeof value === "string" ? value : JSON.stringify(value),
  createRevision: revision as Revision,
  modRevision: revision as Revision,
});

const web = { id: "web", subnet: "10.2.0.0/16", gateway: "10.2.0.1", vni: 1, blockLength: 26 };
const entries = [
  entry("/socketplane/v1/networks/web", web),
  entry("/socketplane/v1/networks/odd", { id: "odd" }),
  entry("/socketplane/v1/networks/torn", '{"id":'),
  entry("/socketplane/v1/nodes/host-a", { machineId: "a", vtep: "192.0.2.1" }),
  entry("/socketplane/v1/nodes/host-b", { machineId: "b", vtep: "192.0.2.2" }),
  entry("/socketplane/v1/nodes/torn", "["),
  entry("/socketplane/v1/sessions/host-b", { beat: 1 }),
  entry("/socketplane/v1/leases/web/0a020000-26", { node: "host-a" }),
  entry("/socketplane/v1/leases/web/0a020040-26", "nobody's"),
  entry("/socketplane/v1/assignments/web/0a020003", {
    name: "web",
    containerId: "c-1",
    ifname: "eth0",
    mac: "02:42:0a:02:00:03",
    node: "host-a",
  }),
  entry("/socketplane/v1/assignments/web/0a020004", { containerId: { toString: 1 }, node: 1 }),
];

const storeOf = (range: (prefix: string) => Snapshot) =>
  ({ range: async (prefix: string) => range(prefix) }) as unknown as Store;
const deadline = { left: () => 1_000 };
const casDeps = { sleep: () => {}, random: () => 0 };

describe("what the store has", () => {
  const store = storeOf((prefix) => ({
    entries: entries.filter(({ key }) => key.startsWith(prefix)),
    revision: (prefix === keys.nodes ? 12 : 11) as Revision,
  }));

  test("is read part by part, and what can't be read of it is named", async () => {
    const facts = await readCluster({ store, keys, ...casDeps }, deadline);
    expect(facts.revision).toBe(12);
    expect(facts.nodes.map(({ name, agent }) => [name, agent])).toEqual([
      ["host-a", false],
      ["host-b", true],
    ]);
    expect(facts.networks.map(({ name, revision }) => [name, revision])).toEqual([["web", 7]]);
    expect(
      facts.leases.map(({ network, prefix, node }) => [network, formatPrefix4(prefix), node]),
    ).toEqual([["web", "10.2.0.0/26", "host-a"]]);
    expect(
      facts.assignments.map(({ network, id, node }) => [network, id.containerId, node]),
    ).toEqual([["web", "c-1", "host-a"]]);
    expect([...facts.unreadable].sort()).toEqual([
      "/socketplane/v1/assignments/web/0a020004",
      "/socketplane/v1/leases/web/0a020040-26",
      "/socketplane/v1/networks/odd",
      "/socketplane/v1/networks/torn",
      "/socketplane/v1/nodes/torn",
    ]);
  });
});

test("a store that is away is not known", async () => {
  const store = storeOf(() => {
    throw new Error("away");
  });
  await expect(readCluster({ store, keys, ...casDeps }, deadline)).rejects.toThrow("away");
});
