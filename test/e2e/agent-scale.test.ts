/** One real node in a cluster of a thousand, of which the store only tells. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hexOfIp4, type Ip4, parseIp4 } from "../../lib/net/ip4.ts";
import { attach } from "../lab/attach.ts";
import { startCluster } from "../lab/cluster.ts";
import { openLab } from "../lab/lab.ts";
import { must } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.0.0.0/8" };
const nodes = 1_000;
const leasesEach = 4;

const put = (key: string, value: unknown) =>
  `put /socketplane/v1/${key} ${JSON.stringify(JSON.stringify(value))}`;

const peer = (number: number) =>
  put(`nodes/peer-${number}`, {
    machineId: `machine-${number}`,
    vtep: `198.51.${100 + Math.floor(number / 250)}.${1 + (number % 250)}`,
  });

function lease(number: number): string {
  const base = ((parseIp4("10.128.0.0") ?? 0) + number * 64) as Ip4;
  return put(`leases/web/${hexOfIp4(base)}-26`, { node: `peer-${number % nodes}` });
}

test("the agent keeps up with a thousand nodes of four leases each, in little memory", async () => {
  const lab = openLab();
  try {
    const cluster = await startCluster(lab, { nodes: 1, wire: "unrecorded" });
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("Cannot start a node");
    const agent = await node.startAgent();
    await attach(node, node.addContainer(), web);
    const [endpoint = ""] = cluster.etcd.endpoints;
    const write = async (puts: readonly string[]) => {
      for (let at = 0; at < puts.length; at += 100) {
        const stdin = ["", ...puts.slice(at, at + 100), "", "", ""].join("\n");
        const argv = ["etcdctl", "--endpoints", endpoint, "txn"];
        await must({ netns: node.netns, argv, stdin, env: { ...environment, ETCDCTL_API: "3" } });
      }
    };
    const count = () => {
      const aggregate = node.ovs.ofctl("dump-aggregate", "sp0");
      return Number(/flow_count=(\d+)/.exec(aggregate)?.[1]);
    };
    const alone = count();
    await write(Array.from({ length: nodes }, (_, number) => peer(number)));
    await write(Array.from({ length: nodes * leasesEach }, (_, number) => lease(number)));
    const leases = nodes * leasesEach;
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

const environment = { PATH: process.env.PATH ?? "" };
