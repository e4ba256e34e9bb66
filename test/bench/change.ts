/** From a change in etcd to the switch of every node, with an agent on each. */
import { fileURLToPath } from "node:url";
import { attach } from "../lab/attach.ts";
import { type ClusterNode, startCluster } from "../lab/cluster.ts";
import type { Lab } from "../lab/lab.ts";
import { must } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import type { ChangePlan } from "./change-worker.ts";
import { blockAt, keys, nameOf, simulateNodes } from "./simulate.ts";
import { managementOf } from "./switch-flows.ts";

const network = "ours";
const subnet = "10.8.0.0/16";
const vni = 77;
const conf = { cniVersion: "1.0.0", name: network, type: "socketplane", subnet, vni };
const worker = fileURLToPath(new URL("change-worker.ts", import.meta.url));

/** Milliseconds from a write's being sent until the last switch has it, for each change. */
export async function measureChanges(
  lab: Lab,
  { nodes, changes }: { readonly nodes: number; readonly changes: number },
): Promise<readonly number[]> {
  const cluster = await startCluster(lab, { nodes, wire: "unrecorded" });
  const [endpoint = ""] = cluster.etcd.endpoints;
  const [first] = cluster.nodes;
  if (first === undefined) throw new Error("Cannot measure without nodes");
  const agents = await Promise.all(cluster.nodes.map((node) => node.startAgent()));
  for (const node of cluster.nodes) await attach(node, node.addContainer(), conf);
  await simulateNodes(first, endpoint, { network, subnet, nodes: 1, leasesEach: 0 });
  // All know of all: what is measured begins with one change, not amid others.
  const told = `socketplane_leases{of="peer"} ${nodes - 1}\n`;
  for (const agent of agents) {
    await until("each agent's knowing all leases", async () =>
      (await agent.ask("/metrics"))?.includes(told),
    );
  }
  return timeChanges(cluster.nodes, endpoint, { network, subnet, vni, changes });
}

export interface Changes {
  readonly network: string;
  /** Its last block is what comes and goes. */
  readonly subnet: string;
  readonly vni: number;
  readonly changes: number;
}

/** The same on nodes that stand; the first simulated node is whose lease it is. */
export async function timeChanges(
  nodes: readonly ClusterNode[],
  endpoint: string,
  { network, subnet, vni, changes }: Changes,
): Promise<readonly number[]> {
  const plan: ChangePlan = {
    endpoint,
    key: keys.lease(network, blockAt(subnet, 0)),
    value: JSON.stringify({ node: nameOf(0) }),
    vni,
    switches: nodes.map(managementOf),
    flows: 2,
    changes,
  };
  const argv = [process.execPath, ...process.execArgv, worker, JSON.stringify(plan)];
  const [first] = nodes;
  if (first === undefined) throw new Error("Cannot measure without nodes");
  return JSON.parse(await must({ netns: first.netns, argv, limitMs: 300_000 }));
}
