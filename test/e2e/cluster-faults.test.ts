/**
 * What goes wrong in a cluster whose nodes run no agents: each command looks after itself, and no
 * address is given twice.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { age } from "../lab/age.ts";
import { type Attached, attach, codeOf, detach } from "../lab/attach.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import {
  assertClusterEmpty,
  assertClusterSound,
  type ClusterAllowances,
} from "../lab/cluster-invariants.ts";
import { factsOf } from "../lab/facts.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniOutcome } from "../lab/node.ts";
import { ping, reaches } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import { expectRefusal } from "./refusals.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
const db = { ...web, name: "db", subnet: "10.3.0.0/16" };

/** A container of network web. */
interface Placed extends Attached {
  readonly node: ClusterNode;
}

let lab: Lab;
let cluster: Cluster;
let a: ClusterNode;
let b: ClusterNode;
/** Those that are to be deleted at the end. */
let placed: readonly Placed[];
let allowed: ClusterAllowances;
beforeEach(async () => {
  lab = openLab();
  placed = [];
  allowed = {};
  cluster = await startCluster(lab, { nodes: 2 });
  const [first, second] = cluster.nodes;
  if (first === undefined || second === undefined) throw new Error("no nodes");
  [a, b] = [first, second];
});
afterEach(async () => {
  try {
    // Their switches know of each other by the last ADD of each.
    await assertClusterSound(cluster, allowed);
    for (const { node, container } of placed) await detach(node, container, web);
    await assertClusterEmpty(cluster, allowed);
  } finally {
    await lab.close();
  }
});

async function add(node: ClusterNode): Promise<Placed> {
  const one = { ...(await attach(node, node.addContainer(), web)), node };
  placed = [...placed, one];
  return one;
}

/** A container on each node, on whose switches both are known. */
async function addPair(): Promise<readonly [Placed, Placed]> {
  await add(a);
  const two = await add(b);
  age(a);
  return [await add(a), two];
}

const refused = (node: ClusterNode, conf: object = web): Promise<CniOutcome> =>
  node.cni({ command: "ADD", conf, container: node.addContainer() });

async function reachEachOther(...all: readonly Placed[]): Promise<void> {
  for (const from of all) {
    for (const to of all.filter((one) => one !== from)) {
      await until(`${to.address} from ${from.address}`, () =>
        reaches(from.container.netns, to.address),
      );
    }
  }
}

describe.each([
  ["paused", () => cluster.etcd.pause(), () => cluster.etcd.resume()],
  ["killed", () => cluster.etcd.kill(), () => cluster.etcd.start()],
] as const)("while etcd is %s", (_, away, back) => {
  test("ADD goes on where addresses are held, and DEL everywhere", async () => {
    const [one, two] = await addPair();
    await away();
    age(a);
    const three = await add(a);
    await reachEachOther(one, two, three);
    // What has never been here can't be known: it says whom it waited for, and in good time.
    const began = performance.now();
    const outcome = await refused(a, db);
    const seconds = (performance.now() - began) / 1_000;
    expectRefusal(outcome, { code: 11, says: [cluster.etcd.endpoints[0] ?? "?"] });
    // Five, and what a machine under load adds to any command.
    expect(seconds).toBeLessThan(5 + 5);
    // And STATUS says so before, of that and of no other network.
    expectRefusal(await a.cni({ command: "STATUS", conf: db }), {
      code: 50,
      says: ["Cannot take an ADD now", cluster.etcd.endpoints[0] ?? "?"],
    });
    expect(await a.cni({ command: "STATUS", conf: web })).toMatchObject({ status: 0, stdout: "" });
    await detach(b, two.container, web);
    await detach(b, two.container, web);
    expect(await ping(one.container.netns, two.address)).toBe(false);
    placed = placed.filter((other) => other !== two);
    await back();
    age(a);
    age(b);
    await reachEachOther(one, three, await add(b));
  });
});

test("a store that was wiped is refused, and nothing here is changed", async () => {
  const [one, two] = await addPair();
  const before = await Promise.all([a, b].map(factsOf));
  const flows = () => [a, b].map(({ ovs }) => ovs.ofctl("--no-stats", "dump-flows", "sp0"));
  const flowsBefore = flows();
  const backup = cluster.etcd.snapshot();
  await cluster.etcd.wipe();
  for (const node of [a, b]) {
    age(node);
    expectRefusal(await refused(node), { code: 107, says: ["wiped"] });
  }
  const after = await Promise.all([a, b].map(factsOf));
  expect(after.map((one) => ({ ...one, leases: [] }))).toEqual(
    before.map((one) => ({ ...one, leases: [] })),
  );
  expect(flows()).toEqual(flowsBefore);
  // But for what tells stores apart, nothing was written.
  const written = (await cluster.readStore()).filter(
    ({ key }) => !/^(attempts\/|cluster$)/.test(key),
  );
  expect(written).toEqual([]);
  await reachEachOther(one, two);
  await detach(b, two.container, web);
  placed = placed.filter((other) => other !== two);
  await cluster.etcd.restore(backup);
  age(a);
  age(b);
  await reachEachOther(one, await add(b));
});

test("restored from a backup: blocks in use are claimed again before anything new", async () => {
  const one = await add(a);
  const backup = cluster.etcd.snapshot();
  // The backup knows nothing of this node and its block.
  const two = await add(b);
  await cluster.etcd.restore(backup);
  age(b);
  const three = await add(b);
  expect(new Set([one, two, three].map(({ address }) => address)).size).toBe(3);
  age(a);
  await reachEachOther(await add(a), two, three);
});

describe("what is lost on one node is put right by its next ADD", () => {
  test.each<[string, () => Promise<void>]>([
    [
      "vswitchd was killed",
      async () => {
        await a.ovs.killSwitch();
        await a.ovs.startSwitch();
      },
    ],
    [
      "vswitchd has ended, and its ports with it",
      async () => {
        await a.ovs.endSwitch();
        await a.ovs.startSwitch();
      },
    ],
    ["the bridge is gone from the database", async () => void a.ovs.vsctl("del-br", "sp0")],
    [
      "the run directory is gone, under living containers",
      async () => rmSync(a.runDir, { recursive: true }),
    ],
    [
      "the run directory is gone, and vswitchd was killed",
      async () => {
        rmSync(join(a.runDir, "networks"), { recursive: true });
        rmSync(join(a.runDir, "owners"), { recursive: true });
        await a.ovs.killSwitch();
        await a.ovs.startSwitch();
      },
    ],
  ])("%s", async (_, lose) => {
    const [one, two] = await addPair();
    await lose();
    const three = await add(a);
    expect(new Set(placed.map(({ address }) => address)).size).toBe(placed.length);
    await reachEachOther(one, two, three);
  });
});

describe("two machines that say they are one", () => {
  const addresses = async () =>
    (await cluster.readStore()).filter(({ key }) => /^nodes|^vteps|^leases/.test(key));

  test.each<[string, () => Promise<ClusterNode>, readonly string[]]>([
    [
      "a machine copied whole, at another address",
      () => cluster.addNode({ name: "host-a", machineId: a.machineId }),
      ["host-a", "192.0.2.1", "192.0.2.3"],
    ],
    ["another machine of the same name", () => cluster.addNode({ name: "host-a" }), ["host-a"]],
  ])("%s: the second is refused, the first goes on", async (_, start, says) => {
    const [one, two] = await addPair();
    const before = await addresses();
    const twin = await start();
    allowed = { without: [twin] };
    expectRefusal(await refused(twin), { code: 7, says });
    expect((await factsOf(twin)).taken).toEqual([]);
    expect(await addresses()).toEqual(before);
    age(a);
    await reachEachOther(one, two, await add(a));
  });

  test("two nodes with one VTEP: the second is refused, the first goes on", async () => {
    const [one, two] = await addPair();
    const before = await addresses();
    const twin = await cluster.addNode({ config: { vtep: { address: a.vtep } } });
    allowed = { without: [twin] };
    // On a link that leads nowhere: on the underlay, two would fight for it.
    ip("-n", twin.netns, "address", "add", `${a.vtep}/32`, "dev", "lo");
    expectRefusal(await refused(twin), { code: 7, says: ["192.0.2.1", "host-a"] });
    expect(await addresses()).toEqual(before);
    age(a);
    await reachEachOther(one, two, await add(a));
  });
});

test("a node registered under another name by the same machine is another node", async () => {
  const one = await add(a);
  const renamed = await cluster.addNode({ machineId: a.machineId });
  const other = await add(renamed);
  age(a);
  await reachEachOther(one, other, await add(a));
  expect(codeOf(await a.cni({ command: "STATUS", conf: web }))).toBe(0);
});
