/** One real node in a cluster of a thousand, of which the store only tells. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hexOfIp4, type Ip4, parseIp4 } from "../../lib/net/ip4.ts";
import { attach } from "../lab/attach.ts";
import { startCluster } from "../lab/cluster.ts";
import { type Put, putAll } from "../lab/etcd-puts.ts";
import { openLab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.0.0.0/8" };
const nodes = 1_000;
const leasesEach = 4;

const peer = (number: number): Put => ({
  key: `nodes/peer-${number}`,
  value: {
    machineId: `machine-${number}`,
    vtep: `198.51.${100 + Math.floor(number / 250)}.${1 + (number % 250)}`,
  },
});

function lease(number: number): Put {
  const base = ((parseIp4("10.128.0.0") ?? 0) + number * 64) as Ip4;
  return { key: `leases/web/${hexOfIp4(base)}-26`, value: { node: `peer-${number % nodes}` } };
}

test("the agent keeps up with a thousand nodes of four leases each, in little memory", async () => {
  const lab = openLab();
  try {
    const cluster = await startCluster(lab, { nodes: 1, wire: "unrecorded" });
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("Cannot start a node");
    const agent = await node.startAgent();
    await attach(node, node.addContainer(), web);
    const count = () => {
      const aggregate = node.ovs.ofctl("dump-aggregate", "sp0");
      return Number(/flow_count=(\d+)/.exec(aggregate)?.[1]);
    };
    const alone = count();
    const leases = nodes * leasesEach;
    await putAll(cluster, [
      ...Array.from({ length: nodes }, (_, number) => peer(number)),
      ...Array.from({ length: leases }, (_, number) => lease(number)),
    ]);
    await until("the flows of all", () => count() >= alone + 2 * leases);
    expect(count()).toBeLessThanOrEqual(alone + 3 * leases);

    // A switch that forgets gets all of it, in one go.
    const before = count();
    await node.ovs.killSwitch();
    await node.ovs.startSwitch();
    await until("all flows again", () => count() === before);
    const [, kibibytes = ""] =
      /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8")) ?? [];
    expect(Number(kibibytes) / 1024).toBeLessThan(200);
    await until("that it is well", () => agent.ask("/healthz"));
  } finally {
    await lab.close();
  }
});
