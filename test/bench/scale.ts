/** A node in a cluster of many: what its agent takes, in time, memory and flows. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { everyFlow, only, peersCookie } from "../../lib/overlay/cookies.ts";
import type { Ffi } from "../../lib/sys/ffi.ts";
import { openFfi } from "../../lib/sys/ffi-node.ts";
import type { Agent } from "../lab/agent.ts";
import { attach } from "../lab/attach.ts";
import { type ClusterNode, startCluster } from "../lab/cluster.ts";
import type { Lab } from "../lab/lab.ts";
import { ip } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import { timeChanges } from "./change.ts";
import { simulateNodes } from "./simulate.ts";
import { managementOf, openCounter } from "./switch-flows.ts";

export interface ScaleSamples {
  /** Milliseconds from the start of the agent's process until an empty switch has every flow. */
  readonly start: readonly number[];
  /** Milliseconds from the answer of an ovs-vswitchd that was killed until it has every flow. */
  readonly restart: readonly number[];
  /** Milliseconds that it took to find nothing different, by the agent's own account. */
  readonly compare: readonly number[];
  /** Milliseconds from a write until the switch has it. */
  readonly change: readonly number[];
  /** The agent's peak memory, MiB, over all of this. */
  readonly memory: number;
  readonly flows: { readonly perLease: number; readonly others: number };
}

const network = "ours";
const subnet = "10.64.0.0/12";
const vni = 77;
const conf = { cniVersion: "1.0.0", name: network, type: "socketplane", subnet, vni };
const leasesEach = 4;

/** Milliseconds from one thing that takes the agent some memory to the next: they are rare. */
const restMs = 2_000;

export async function measureScale(
  lab: Lab,
  { nodes, rounds }: { readonly nodes: number; readonly rounds: number },
): Promise<ScaleSamples> {
  const cluster = await startCluster(lab, { nodes: 1, wire: "unrecorded" });
  const [node] = cluster.nodes;
  const [endpoint = ""] = cluster.etcd.endpoints;
  if (node === undefined) throw new Error("Cannot measure without a node");
  answerForVteps(cluster.underlay, node);
  await attach(node, node.addContainer(), conf);
  await simulateNodes(node, endpoint, { network, subnet, nodes: nodes - 1, leasesEach });
  const leases = (nodes - 1) * leasesEach;

  const ffi = openFfi();
  const samples = { start: [] as number[], restart: [] as number[] };
  const complete = async () => {
    const counter = openCounter(ffi, managementOf(node));
    while (counter.count(only(peersCookie(vni))) < 2 * leases) await sleep(2);
    const all = counter.count(everyFlow);
    const ofPeers = counter.count(only(peersCookie(vni)));
    counter.close();
    return { perLease: ofPeers / leases, others: all - ofPeers };
  };
  for (let round = 1; round < rounds; round += 1) {
    node.ovs.ofctl("del-flows", "sp0");
    const began = performance.now();
    const agent = await node.startAgent({ until: "started" });
    await complete();
    samples.start.push(performance.now() - began);
    await agent.stop();
  }
  const agent = await node.startAgent();
  for (let round = 0; round < rounds; round += 1) {
    await node.ovs.killSwitch();
    const starting = node.ovs.startSwitch();
    await until("the switch", () => answers(ffi, node));
    const began = performance.now();
    await complete();
    samples.restart.push(performance.now() - began);
    await starting;
    await sleep(restMs);
  }
  const flows = await complete();
  const compare = await timeComparing(agent, rounds);
  const change = await timeChanges([node], endpoint, {
    network,
    subnet,
    vni,
    changes: 10 * rounds,
  });
  return { ...samples, compare, change, flows, memory: peakOf(agent.pid) };
}

/** Has the underlay answer for the VTEPs of nodes that are only in the store, as they would. */
function answerForVteps(underlay: string, node: ClusterNode): void {
  ip("-n", underlay, "address", "add", "198.19.0.254/15", "dev", "underlay0");
  ip("-n", underlay, "route", "add", "local", "198.18.0.0/16", "dev", "lo");
  ip("-n", node.netns, "address", "add", "198.19.0.1/15", "dev", "br-phy");
}

function answers(ffi: Ffi, node: ClusterNode): boolean {
  try {
    openCounter(ffi, managementOf(node)).close();
    return true;
  } catch {
    return false;
  }
}

/** Asks the agent to look at everything, again and again. */
async function timeComparing(agent: Agent, rounds: number): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await syncsOf(agent);
    agent.kill("SIGHUP");
    const after = await until("a synchronisation", async () => {
      const now = await syncsOf(agent);
      return now.count > before.count && now;
    });
    samples.push(((after.seconds - before.seconds) / (after.count - before.count)) * 1_000);
    await sleep(restMs);
  }
  return samples;
}

async function syncsOf(
  agent: Agent,
): Promise<{ readonly count: number; readonly seconds: number }> {
  const text = (await agent.ask("/metrics")) ?? "";
  const sum = (pattern: RegExp) =>
    Array.from(text.matchAll(pattern), ([, value]) => Number(value)).reduce((a, b) => a + b, 0);
  return {
    count: sum(/^socketplane_syncs_total\{.*\} (.*)$/gm),
    seconds: sum(/^socketplane_sync_seconds_total (.*)$/gm),
  };
}

/** MiB, at its peak (proc_pid_status(5)). */
function peakOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
