/** Two networks that reach each other where no agent runs: the command and ADDs do it all. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { age } from "../lab/age.ts";
import { type Attached, attach, detach } from "../lab/attach.ts";
import { type ClusterNode, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { ping, reaches } from "../lab/probe.ts";
import { must } from "../lab/run.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const db = { ...web, name: "db", subnet: "10.3.0.0/16", subnet6: "fd00:3::/64" };

let lab: Lab;
beforeEach(() => {
  lab = openLab();
});
afterEach(() => lab.close());

const add = (node: LabNode, conf: unknown): Promise<Attached> =>
  attach(node, node.addContainer(), conf);
const policy = async (node: LabNode, what: "allow" | "deny") => {
  const { status, stderr } = await node.socketplane("network", what, "web", "db");
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
};
/** In both directions and families. */
const areOpen = (one: Attached, other: Attached) =>
  Promise.all(
    [
      ping(one.container.netns, other.address),
      ping(other.container.netns, one.address),
      ping(one.container.netns, other.address6 ?? ""),
      ping(other.container.netns, one.address6 ?? ""),
    ].map(async (reached) => (await reached) === true),
  );
const open = [true, true, true, true];
const shut = [false, false, false, false];

test("on a machine alone, at once, and for networks that are first used later", async () => {
  const node = await lab.startNode();
  const inWeb = await add(node, web);
  expect(
    (await node.socketplane("network", "create", "db", db.subnet, "--subnet6", db.subnet6)).status,
  ).toBe(0);
  await policy(node, "allow");
  const inDb = await add(node, db);
  expect(await areOpen(inWeb, inDb)).toEqual(open);
  await policy(node, "deny");
  expect(await areOpen(inWeb, inDb)).toEqual(shut);
  await policy(node, "allow");
  expect(await areOpen(inWeb, inDb)).toEqual(open);
  // What others did to the rules is put right by the next ADD.
  await must({ netns: node.netns, argv: ["nft", "delete", "table", "inet", "socketplane"] });
  const more = [await add(node, web), await add(node, db)] as const;
  expect(await areOpen(...more)).toEqual(open);
  await assertSound([node]);
  for (const one of [inWeb, more[0]]) await detach(node, one.container, web);
  expect((await node.socketplane("network", "delete", "web")).status).toBe(0);
  const { json } = await node.socketplane("network", "show", "db");
  expect(json).not.toHaveProperty("allowed");
  for (const one of [inDb, more[1]]) await detach(node, one.container, db);
  await assertNothingLeft([node]);
});

test("in a cluster, a node follows with its next ADD, and joins what it then needs", async () => {
  const cluster = await startCluster(lab, { nodes: 2 });
  const [a, b] = cluster.nodes as [ClusterNode, ClusterNode];
  const onA = await add(a, web);
  const onB = await add(b, db);
  await policy(a, "allow");
  expect(await areOpen(onA, onB)).toEqual(shut);
  const followed = [];
  for (const [node, conf] of [
    [b, db],
    [a, web],
    [b, db],
  ] as const) {
    age(node);
    const { container } = await add(node, conf);
    followed.push({ node, conf, container });
  }
  // A switch may drop the first frame to a new neighbour.
  for (const [from, to] of [
    [onA, onB],
    [onB, onA],
  ] as const) {
    expect(await reaches(from.container.netns, to.address)).toBe(true);
    expect(await reaches(from.container.netns, to.address6 ?? "")).toBe(true);
  }
  await policy(b, "deny");
  expect(await areOpen(onA, onB)).toEqual(shut);
  await assertClusterSound(cluster, { behind: "all" });
  for (const { node, conf, container } of followed) await detach(node, container, conf);
  await detach(a, onA.container, web);
  await detach(b, onB.container, db);
  await assertClusterEmpty(cluster, { behind: "all" });
});
