/**
 * The MACs of the peers' VTEPs, by which the userspace switch finds them. One that it has to ask for
 * it may never get to know, as long as frames come. Without agents: an ADD sees to it.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { age } from "../lab/age.ts";
import { attach, detach } from "../lab/attach.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { Container } from "../lab/node.ts";
import { reaches } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
const db = { ...web, name: "db", subnet: "10.3.0.0/16" };

let lab: Lab;
let cluster: Cluster;
let a: ClusterNode;
let b: ClusterNode;
let vtepOfA: string;
let vtepOfB: string;
let placed: (readonly [ClusterNode, Container, object])[];
beforeEach(() => {
  lab = openLab();
  placed = [];
});
afterEach(async () => {
  try {
    await assertClusterSound(cluster);
    for (const [node, container, conf] of placed) await detach(node, container, conf);
    await assertClusterEmpty(cluster);
  } finally {
    await lab.close();
  }
});

async function startWith(one: string, two: string): Promise<void> {
  cluster = await startCluster(lab, { nodes: 0 });
  a = await cluster.addNode({ config: { vtep: { address: one } } });
  b = await cluster.addNode({ config: { vtep: { address: two } } });
  [vtepOfA, vtepOfB] = [one, two];
}

async function add(node: ClusterNode, conf: object = web) {
  const one = await attach(node, node.addContainer(), conf);
  placed.push([node, one.container, conf]);
  return one;
}

/** The MAC that one node's switch has for another's VTEP. */
const macIn = (node: ClusterNode, vtep: string) =>
  node.ovs
    .appctl("tnl/neigh/show")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([address]) => address === vtep)?.[1];
const macOfB = () => macIn(a, vtepOfB);

const neighbour = (...words: readonly string[]) => ip("-n", a.netns, "neigh", ...words);

/** Has a's kernel take this for b's MAC, and ask no more: its switch learns of no answer. */
function setForGood(mac: string): void {
  const entry = [vtepOfB, "lladdr", mac, "dev", "br-phy", "nud", "permanent"];
  neighbour("replace", ...entry);
}

describe.each([
  ["IPv4", "192.0.2.1", "192.0.2.2"],
  ["IPv6", "2001:db8:2::1", "2001:db8:2::2"],
])("with VTEPs of %s", (_, one, two) => {
  beforeEach(() => startWith(one, two));

  test("a peer's is asked for before there is a frame for it", async () => {
    await add(a);
    await add(b);
    // It has learnt of b when that asked.
    neighbour("flush", "dev", "br-phy");
    expect(macOfB()).toBeUndefined();
    age(a);
    await add(a);
    expect(await until("that b's is known", macOfB)).toMatch(/^([0-9a-f]{2}:){5}/);
  });

  test("what the kernel knows, the switch is told, of every network", async () => {
    const one = await add(a);
    const two = await add(b);
    age(a);
    await add(a);
    const mac = await until("that b's is known", macOfB);
    await until("that a's is known", () => macIn(b, vtepOfA));
    setForGood(mac);
    // Nothing is sent meanwhile that the switch would have to ask for.
    a.ovs.ofctl("del-flows", "sp0");
    a.ovs.appctl("tnl/neigh/flush");
    await add(a, db);
    expect(await until("that b's is known", macOfB)).toBe(mac);
    expect(await reaches(one.container.netns, two.address)).toBe(true);
  });

  test("another MAC that the kernel has confirmed takes the place of what the switch has", async () => {
    await add(a);
    await add(b);
    age(a);
    await add(a);
    const mac = await until("that b's is known", macOfB);
    const agent = await a.startAgent();
    // Whatever it asks for when it starts.
    await until("that it is well", () => agent.ask("/healthz"));
    setForGood(mac);
    a.ovs.appctl("tnl/neigh/set", "br-phy", vtepOfB, "02:00:00:00:00:99");
    agent.kill("SIGHUP");
    await until("that it is put right", () => macOfB() === mac);
  });
});
