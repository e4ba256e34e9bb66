/** socketplane-ipam under Debian's interface plugins on two nodes with one etcd. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { documented } from "../clients/samples.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container } from "../lab/node.ts";
import { ip } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

let lab: Lab;
let cluster: Cluster;
beforeEach(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 2 });
});
afterEach(() => lab.close());

type Json = Readonly<Record<string, unknown>>;
const sample = JSON.parse(documented("socketplane-ipam under bridge, ptp and macvlan", "json"));
const confOf = (plugin: string, own: Json) => ({ ...sample, type: plugin, ...own });

/** What an interface plugin above it says or is told. */
interface Given {
  readonly node: ClusterNode;
  readonly container: Container;
  readonly result: unknown;
  readonly address: string;
}

async function call(
  { node, container }: Pick<Given, "node" | "container">,
  command: CniCall["command"],
  conf: Json & { readonly type: string },
) {
  const outcome = await node.cni({ command, plugin: conf.type, container, conf });
  expect(outcome.status, `${command}: ${outcome.stdout}`).toBe(0);
  return outcome.json;
}

async function add(node: ClusterNode, conf: Json & { readonly type: string }): Promise<Given> {
  const container = node.addContainer();
  const result = await call({ node, container }, "ADD", conf);
  const { ips } = result as { ips: { address: string; gateway: string }[] };
  const [only] = ips;
  expect(only).toMatchObject({ address: expect.stringMatching(/\/24$/), gateway: "10.5.0.1" });
  // What it really has inside.
  const inside = ip("-n", container.netns, "-br", "-4", "address", "show", "eth0");
  expect(inside).toContain(only?.address);
  return { node, container, result, address: only?.address ?? "" };
}

test.each<[string, Json]>([
  ["bridge", { bridge: "br9", isGateway: true, ipMasq: true }],
  ["ptp", {}],
  ["macvlan", { master: "nic0", mode: "bridge" }],
])("under %s no address is given twice, on whichever node", async (plugin, own) => {
  const conf = confOf(plugin, own);
  for (const { netns } of cluster.nodes) {
    ip("-n", netns, "link", "add", "nic0", "type", "veth", "peer", "name", "nic1");
    for (const name of ["nic0", "nic1"]) ip("-n", netns, "link", "set", name, "up");
  }
  // More than a block on each, and both nodes at once.
  const given = (
    await Promise.all(
      cluster.nodes.map(async (node) => {
        const all: Given[] = [];
        for (let one = 0; one < 9; one += 1) all.push(await add(node, conf));
        return all;
      }),
    )
  ).flat();
  expect(new Set(given.map(({ address }) => address)).size).toBe(given.length);
  await assertClusterSound(cluster, { behind: "all" });
  for (const one of given) await call(one, "CHECK", { ...conf, prevResult: one.result });
  for (const one of given) await call(one, "DEL", { ...conf, prevResult: one.result });
  await assertClusterEmpty(cluster, { behind: "all" });
});

test("an address asked for on one node is refused on the other, and free after DEL", async () => {
  const [one, two] = cluster.nodes;
  if (one === undefined || two === undefined) throw new Error("no nodes");
  const ask = (command: CniCall["command"], node: ClusterNode, container: Container) =>
    node.cni({
      command,
      container,
      plugin: "socketplane-ipam",
      conf: { ...confOf("bridge", {}), ipam: { ...sample.ipam, ipRange: "10.5.0.0/25" } },
      args: "IP=10.5.0.200",
    });
  const [first, second] = [one.addContainer(), two.addContainer()];
  expect(await ask("ADD", one, first)).toMatchObject({
    json: { ips: [{ address: "10.5.0.200/24" }] },
  });
  expectRefusal(await ask("ADD", two, second), {
    code: 102,
    says: [`its block is held by node "${one.name}"`],
  });
  expect(await ask("DEL", one, first)).toMatchObject({ status: 0 });
  expect(await ask("ADD", two, second)).toMatchObject({
    json: { ips: [{ address: "10.5.0.200/24" }] },
  });
  expect(await ask("DEL", two, second)).toMatchObject({ status: 0 });
  const leases = (await cluster.readStore()).filter(({ key }) => key.startsWith("leases/"));
  expect(leases).toEqual([]);
});

test("STATUS asks etcd only where an ADD would have to", async () => {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error("no node");
  // Two blocks of two addresses, of which the gateway has one.
  const conf = {
    ...confOf("bridge", {}),
    cniVersion: "1.1.0",
    ipam: { type: "socketplane-ipam", subnet: "10.5.0.0/29", blockLength: 30 },
  };
  const ask = (command: CniCall["command"], container?: Container) =>
    node.cni({
      command,
      plugin: "socketplane-ipam",
      conf,
      ...(container !== undefined && { container }),
    });
  const containers = Array.from({ length: 3 }, () => node.addContainer());
  const [first, ...others] = containers;
  if (first === undefined) throw new Error("no container");
  expect(await ask("ADD", first)).toMatchObject({ status: 0 });
  await cluster.etcd.kill();
  expect(await ask("DEL", first)).toMatchObject({ status: 0 });
  expect(await ask("STATUS")).toMatchObject({ status: 0, stdout: "" });
  for (const container of [first, ...others]) {
    const { status } = await ask("ADD", container);
    if (status !== 0) break;
  }
  expectRefusal(await ask("STATUS"), {
    code: 50,
    says: ["Cannot take an ADD now: ", "etcd at http://192.0.2.250:2379"],
  });
  await cluster.etcd.start();
});
