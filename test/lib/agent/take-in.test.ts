/** What the agent writes down of what it sees, beside commands that read the store themselves. */
import { expect, onTestFinished, test } from "vitest";
import { applyEvents, clusterOf } from "../../../lib/agent/model.ts";
import { takeIn } from "../../../lib/agent/take-in.ts";
import type { Host } from "../../../lib/attach/host.ts";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { underLock } from "../../../lib/ipam/held.ts";
import { formatVtep, parseVtep } from "../../../lib/ipam/nodes.ts";
import { readPeers } from "../../../lib/ipam/peers.ts";
import { holdNetwork, refresh } from "../../../lib/ipam/refresh.ts";
import { registerNode } from "../../../lib/ipam/register.ts";
import { type IpamLab, ipamLab, soon, specOf } from "../ipam/lab.ts";
import { etcdStore } from "../ipam/stores.ts";

const spec = specOf("10.2.0.0/24");

async function attach({ ipam }: IpamLab): Promise<void> {
  const held = await holdNetwork(ipam, { name: "web", spec }, soon());
  const id = { name: "web", containerId: "c", ifname: "eth0" };
  await assignAddress(ipam, held, { id, port: "none", workload: {} }, soon());
}

test("a peer's new VTEP, though a command has read the store at a later revision before", async () => {
  const { config, close } = await etcdStore();
  onTestFinished(close);
  const here = ipamLab({ store: config, node: "a", vtep: "192.0.2.1" });
  const there = ipamLab({ store: config, node: "b", vtep: "192.0.2.2" });
  await attach(here);
  await attach(there);
  const { keys, store } = here.registry;
  const read = async (prefix: string) => store.range(prefix, soon());
  const seen = clusterOf(keys, {
    networks: await read(keys.networks),
    nodes: await read(keys.nodes),
    leases: await read(keys.leases),
  });
  // The store's revision grows by what is no part of the cluster's state too.
  const session = { put: keys.session("c"), value: "" };
  await store.commit({ compares: [], writes: [session] }, soon());
  await underLock(here.ipam, "web", soon(), (folder) =>
    refresh(here.ipam, folder, { name: "web", spec: undefined }, "able", soon()),
  );
  const moved = { ...there.ipam.node(), vtep: parseVtep("192.0.2.22") };
  await registerNode(there.registry, moved, soon(), "register");
  const entry = await store.get(keys.node("b"), soon());
  if (entry === undefined) throw new Error("node b is gone");
  const { key, value, modRevision: revision } = entry;
  const cluster = applyEvents(keys, seen, "nodes", [{ type: "put", key, value, revision }]);
  const knowledge = { cluster, at: here.ipam.sinceBoot(), how: "watched" } as const;
  const patience = { deadline: soon(), signal: new AbortController().signal };
  // No more of the node is needed for it.
  const host = { ipam: here.ipam } as Host;
  expect(await takeIn(host, "web", knowledge, patience)).toBe("here");
  const vteps = readPeers(here.dirs, "web").map(({ vtep }) => formatVtep(vtep));
  expect(vteps).toEqual(["192.0.2.22"]);
});
