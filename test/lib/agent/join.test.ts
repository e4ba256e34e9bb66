import { expect, test } from "vitest";
import { joinable } from "../../../lib/agent/join.ts";
import { clusterOf } from "../../../lib/agent/model.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Entry, Revision, Snapshot } from "../../../lib/store/store.ts";

const keys = keysUnder("/sp");
const at = (revision: number) => revision as Revision;

const entry = (key: string, value: unknown): Entry => ({
  key,
  value: JSON.stringify(value),
  createRevision: at(7),
  modRevision: at(7),
});
const snapshot = (entries: readonly Entry[]): Snapshot => ({ entries, revision: at(9) });

/** A network of four blocks, with the nodes and the blocks held that are given. */
function clusterWith(
  nodes: readonly string[],
  held: Readonly<Record<string, string>>,
  more: object = {},
) {
  const network = {
    id: "web",
    subnet: "10.2.0.0/28",
    gateway: "10.2.0.1",
    ipRange: "10.2.0.1-10.2.0.14",
    blockLength: 30,
    vni: 1,
    masquerade: true,
    ...more,
  };
  return clusterOf(keys, {
    networks: snapshot([entry(keys.network("web"), network)]),
    nodes: snapshot(nodes.map((node) => entry(keys.node(node), { machineId: node }))),
    leases: snapshot(
      Object.entries(held).map(([place, node]) =>
        entry(`${keys.leasesOf("web")}${place}`, { node }),
      ),
    ),
  });
}

test("a node joins a network that it has no block of", () => {
  expect(joinable(clusterWith(["a", "b"], { "0a020000-30": "b" }), "a")).toEqual(["web"]);
});

test("it has joined what it has a block of", () => {
  expect(joinable(clusterWith(["a"], { "0a020000-30": "a" }), "a")).toEqual([]);
});

test("what is left is left to containers where it is not enough for every node", () => {
  const held = { "0a020000-30": "b", "0a020004-30": "b", "0a020008-30": "b" };
  expect(joinable(clusterWith(["a", "b"], held), "a")).toEqual(["web"]);
  expect(joinable(clusterWith(["a", "b", "c"], held), "a")).toEqual([]);
});

test("one that a network of the node reaches is joined as long as a block is left", () => {
  const held = { "0a020000-30": "b", "0a020004-30": "b", "0a020008-30": "b" };
  const reaching = clusterWith(["a", "b", "c"], held, { allowed: ["db"] });
  const leasesOfDb = { ...reaching, leases: new Map(reaching.leases) };
  expect(joinable(reaching, "a")).toEqual([]);
  const ofWeb = [...(reaching.leases.get("web")?.values() ?? [])].slice(0, 1);
  const inDb = (node: string) => new Map(ofWeb.map((lease) => ["key", { ...lease, node }]));
  leasesOfDb.leases.set("db", inDb("a"));
  expect(joinable(leasesOfDb, "a")).toEqual(["web"]);
  leasesOfDb.leases.set("db", inDb("b"));
  expect(joinable(leasesOfDb, "a")).toEqual([]);
});

test("a network that is being deleted is not joined", () => {
  expect(joinable(clusterWith(["a"], {}, { deleting: true }), "a")).toEqual([]);
});
