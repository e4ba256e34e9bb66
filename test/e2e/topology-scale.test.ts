/** What is where in a cluster of 200 nodes, of which the store only tells. */
import { expect, test } from "vitest";
import { hexOfIp4, type Ip4, parseIp4 } from "../../lib/net/ip4.ts";
import type { Topology } from "../../lib/topology/topology.ts";
import { attach } from "../lab/attach.ts";
import { startCluster } from "../lab/cluster.ts";
import { type Put, putAll } from "../lab/etcd-puts.ts";
import { openLab } from "../lab/lab.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
const others = 199;
const containersEach = 12;

const put = (key: string, value: unknown): Put => ({ key, value });
const blockOf = (number: number) => ((parseIp4("10.2.128.0") ?? 0) + number * 64) as Ip4;
const numbers = Array.from({ length: others }, (_, number) => number);

test("200 nodes and 2,389 containers are read, and the tree is one that people read", async () => {
  const lab = openLab();
  try {
    const cluster = await startCluster(lab, { nodes: 1, wire: "unrecorded" });
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("Cannot start a node");
    await attach(node, node.addContainer(), web);
    await putAll(
      cluster,
      numbers.flatMap((number) => [
        put(`nodes/far-${number}`, { machineId: `m-${number}`, vtep: `198.18.0.${number}` }),
        put(`sessions/far-${number}`, {}),
      ]),
    );
    await putAll(
      cluster,
      numbers.flatMap((number) => [
        put(`leases/web/${hexOfIp4(blockOf(number))}-26`, { node: `far-${number}` }),
        ...Array.from({ length: containersEach }, (_, at) => {
          const address = (blockOf(number) + at) as Ip4;
          const id = { name: "web", containerId: `c-${number}-${at}`, ifname: "eth0" };
          const mac = "02:42:0a:02:80:00";
          const about = { ...id, mac, workload: {}, node: `far-${number}` };
          return put(`assignments/web/${hexOfIp4(address)}`, about);
        }),
      ]),
    );
    const shown = async (...args: readonly string[]) => {
      const { status, stdout, stderr } = await node.socketplane("topology", ...args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      return stdout;
    };
    const topology: Topology = JSON.parse(await shown("-o", "json"));
    expect(topology.nodes.length).toBe(1 + others);
    expect(topology.containers.length).toBe(1 + others * containersEach);

    const tree = (await shown()).split("\n");
    expect(tree.length).toBeLessThan(60);
    const left = others - 24;
    expect(tree).toContain(
      "`- and 175 more nodes with 2,100 containers: --all shows them".replace("175", `${left}`),
    );
    expect((await shown("--all")).split("\n").length).toBeGreaterThan(others * containersEach);
    const one = await shown("--node", "far-77");
    expect(one.match(/c-77-\d+ /g)?.length).toBe(containersEach);
    expect(await shown("-o", "html")).toContain("c-198-11");
  } finally {
    await lab.close();
  }
});
