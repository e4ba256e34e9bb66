/** Two nodes in one cluster, under containerd and podman. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { startContainerd } from "../clients/containerd.ts";
import { startPodman } from "../clients/podman.ts";
import { list } from "../clients/samples.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";

let lab: Lab;
let cluster: Cluster;
let first: ClusterNode;
let second: ClusterNode;
beforeEach(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 0 });
  first = await cluster.addNode();
  second = await cluster.addNode();
  for (const node of cluster.nodes) await node.startAgent();
});
afterEach(() => lab.close());

test("pods on two nodes, and a container of podman's, reach each other", async () => {
  const one = await (await startContainerd(lab, first, list)).runPod("one");
  const two = await (await startContainerd(lab, second, list)).runPod("two");
  const podman = await startPodman(lab, second, [list]);
  const three = await podman.runContainer("three", "--network=web");
  await three.container();
  await assertClusterSound(cluster);

  const { web } = await three.networks();
  const addresses = [one.address, two.address, web?.IPAddress ?? "none"];
  expect(new Set(addresses).size).toBe(3);
  for (const { exec } of [one, two, three]) {
    // The first frame to a node may be lost: on this datapath the switch looks for its MAC then.
    for (const address of addresses) await exec("ping", "-c3", "-W2", address);
  }
  await two.exec("sh", "-c", "echo hello > /tmp/index.html && httpd -h /tmp -p 80");
  expect(await one.exec("wget", "-qO-", `http://${two.address}/`)).toBe("hello\n");

  for (const pod of [one, two]) await pod.stop();
  await podman.must("rm", "--force", "--time=0", "three");
  await assertClusterEmpty(cluster);
  for (const pod of [one, two]) await pod.remove();
});
