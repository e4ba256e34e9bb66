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

let lab: Lab;
let cluster: Cluster;
let a: ClusterNode;
let b: ClusterNode;
let vtepOfB: string;
let placed: (readonly [ClusterNode, Container])[];
beforeEach(() => {
  lab = openLab();
  placed = [];
});
afterEach(async () => {
  try {
    await assertClusterSound(cluster);
    for (const [node, container] of placed) await detach(node, container, web);
    await assertClusterEmpty(cluster);
  } finally {
    await lab.close();
  }
});

async function startWith(one: string, two: string): Promise<void> {
  cluster = await startCluster(lab, { nodes: 0 });
  a = await cluster.addNode({ config: { vtep: { address: one } } });
  b = await cluster.addNode({ config: { vtep: { address: two } } });
  vtepOfB = two;
}

async function add(node: ClusterNode) {
  const one = await attach(node, node.addContainer(), web);
  placed.push([node, one.container]);
  return one;
}

/** The MAC that a's switch has for b's VTEP. */
const macOfB = () =>
  a.ovs
    .appctl("tnl/neigh/show")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([address]) => address === vtepOfB)?.[1];

/** Has a's kernel take this for b's MAC, and ask no more: its switch learns of no answer. */
function setForGood(mac: string): void {
  const entry = [vtepOfB, "lladdr", mac, "dev", "br-phy", "nud", "permanent"];
  ip("-n", a.netns, "neigh", "replace", ...entry);
}

describe.each([
  ["IPv4", "192.0.2.1", "192.0.2.2"],
  ["IPv6", "2001:db8:2::1", "2001:db8:2::2"],
])("with VTEPs of %s", (_, one, two) => {
  beforeEach(() => startWith(one, two));

  test("a peer's is known before there is a frame for it", async () => {
    await add(a);
    await add(b);
    expect(macOfB()).toBeUndefined();
    age(a);
    await add(a);
    expect(await until("that b's is known", macOfB)).toMatch(/^([0-9a-f]{2}:){5}/);
  });

  test("what the kernel knows, the switch is told", async () => {
    const one = await add(a);
    const two = await add(b);
    age(a);
    await add(a);
    const mac = await until("that b's is known", macOfB);
    expect(await reaches(one.container.netns, two.address)).toBe(true);
    setForGood(mac);
    // Nothing is sent meanwhile that the switch would have to ask for.
    a.ovs.ofctl("del-flows", "sp0");
    a.ovs.appctl("tnl/neigh/flush");
    await add(a);
    expect(await until("that b's is known", macOfB)).toBe(mac);
    expect(await reaches(one.container.netns, two.address)).toBe(true);
  });
});
