/**
 * TCP between two nodes: ours through VXLAN, in turn with a bridge made by hand.
 *
 * Four connections stand all the time, both ways of both, and one at a time may send, for a
 * fraction of a second. So what else the machine does falls on both alike, and nothing of a
 * connection's beginning is measured. Their windows are bounded: with more under way than the
 * sockets hold by which the userspace datapath reads a veth, frames are lost, and luck decides.
 */
import { readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { attach } from "../lab/attach.ts";
import { type ClusterNode, startCluster } from "../lab/cluster.ts";
import type { Lab } from "../lab/lab.ts";
import { ping } from "../lab/probe.ts";
import { start } from "../lab/run.ts";
import { type End, makeBridge, plugIn } from "./by-hand.ts";

/** One value for each round: ours over the one made by hand. */
export interface TcpSamples {
  /** Bytes that arrived in a time. */
  readonly throughput: readonly number[];
  /** CPU time of both switches for a byte. */
  readonly cpu: readonly number[];
  /** Mbit/s, ours. */
  readonly rate: readonly number[];
}

type Kind = "ours" | "by hand";
type Way = "there" | "back";

/** Milliseconds that one connection may send, and of them, those that are not counted. */
const turnMs = 350;
const settleMs = 50;
const window = "64K";
/** Before whatever else the machine does (setpriority(2)). */
const first = -15;

export async function measureTcp(lab: Lab, rounds: number): Promise<TcpSamples> {
  const cluster = await startCluster(lab, { nodes: 2, wire: "unrecorded" });
  const [one, other] = cluster.nodes;
  if (one === undefined || other === undefined) throw new Error("Cannot start two nodes");
  await Promise.all([one.startAgent(), other.startAgent()]);
  const ends = await connectNodes(lab, one, other);
  const connections: Connection[] = [];
  for (const kind of ["ours", "by hand"] as const) {
    await ping(ends[kind][0].netns, ends[kind][1].address);
    for (const way of ["there", "back"] as const) {
      const [from, to] = way === "there" ? ends[kind] : [ends[kind][1], ends[kind][0]];
      connections.push({ kind, way, ...(await openConnection(lab, from, to, way)) });
    }
  }
  for (const { pids } of connections) for (const pid of pids) setPriority(pid, first);
  for (const node of [one, other]) setPriority(switchOf(node), first);
  const cpu = () => cpuOf(one) + cpuOf(other);
  const samples = { throughput: [] as number[], cpu: [] as number[], rate: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ["there", "back"] as const) {
      const turns = { ours: [] as Turn[], "by hand": [] as Turn[] };
      for (const kind of orderOf(round, way)) {
        const connection = connections.find((each) => each.kind === kind && each.way === way);
        if (connection !== undefined) turns[kind].push(await giveTurn(connection, cpu));
      }
      const [ours, theirs] = [sumOf(turns.ours), sumOf(turns["by hand"])];
      samples.throughput.push(ours.bytes / ours.ms / (theirs.bytes / theirs.ms));
      samples.cpu.push(ours.cpu / ours.bytes / (theirs.cpu / theirs.bytes));
      samples.rate.push((ours.bytes * 8) / ours.ms / 1_000);
    }
  }
  for (const { stop } of connections) await stop();
  return samples;
}

/** Each is before and after the other, and either is first as often. */
const orderOf = (round: number, way: Way): readonly Kind[] =>
  (round % 2 === 0) === (way === "there")
    ? ["ours", "by hand", "by hand", "ours"]
    : ["by hand", "ours", "ours", "by hand"];

/**
 * *Measured*: of two ports, the switch takes a tenth more time for a byte of the one that it was
 * given later. So one node gets ours first, the other the one made by hand.
 */
async function connectNodes(
  lab: Lab,
  one: ClusterNode,
  other: ClusterNode,
): Promise<Record<Kind, readonly [End, End]>> {
  const conf = { cniVersion: "1.0.0", name: "ours", type: "socketplane", subnet: "10.8.0.0/16" };
  const attachOurs = async (node: ClusterNode): Promise<End> => {
    const { container, address } = await attach(node, node.addContainer(), conf);
    return { netns: container.netns, address };
  };
  makeBridge(one, other);
  makeBridge(other, one);
  const attached = await attachOurs(one);
  const handmade = [
    await plugIn(lab, one, "10.9.0.1"),
    await plugIn(lab, other, "10.9.0.2"),
  ] as const;
  return { ours: [attached, await attachOurs(other)], "by hand": handmade };
}

interface Connection {
  readonly kind: Kind;
  readonly way: Way;
  readonly pids: readonly number[];
  readonly go: () => void;
  readonly hold: () => void;
  /** Bytes that have arrived so far. */
  readonly arrived: () => number;
  readonly stop: () => Promise<void>;
}

/** Starts iperf3, and holds it. */
async function openConnection(lab: Lab, from: End, to: End, way: Way) {
  const port = ["-p", way === "there" ? "5201" : "5202"];
  const mortal = ["setpriv", "--pdeathsig", "KILL", "iperf3", "--forceflush"];
  const limitMs = 600_000;
  const serve = [...mortal, "-s", "-1", ...port];
  const server = start({ netns: to.netns, argv: serve, limitMs });
  lab.onClose(() => server.kill("SIGKILL"));
  await server.says(/listening/);
  const send = [...mortal, "-c", to.address, ...port, "-w", window, "-t", `${limitMs / 1_000}`];
  const client = start({ netns: from.netns, argv: send, limitMs });
  lab.onClose(() => client.kill("SIGKILL"));
  await client.says(/0\.00-1\.\d+ +sec/);
  client.kill("SIGSTOP");
  return {
    pids: [server.pid, client.pid],
    go: () => client.kill("SIGCONT"),
    hold: () => client.kill("SIGSTOP"),
    arrived: () => receivedBy(server.pid),
    stop: async () => {
      for (const program of [client, server]) {
        program.kill("SIGKILL");
        await program.outcome;
      }
    },
  };
}

interface Turn {
  readonly ms: number;
  readonly bytes: number;
  /** Nanoseconds. */
  readonly cpu: number;
}

async function giveTurn(connection: Connection, cpu: () => number): Promise<Turn> {
  const look = () => ({ ms: performance.now(), bytes: connection.arrived(), cpu: cpu() });
  connection.go();
  await sleep(settleMs);
  const before = look();
  await sleep(turnMs - settleMs);
  const after = look();
  connection.hold();
  await sleep(settleMs);
  return {
    ms: after.ms - before.ms,
    bytes: after.bytes - before.bytes,
    cpu: after.cpu - before.cpu,
  };
}

const sumOf = (turns: readonly Turn[]): Turn =>
  turns.reduce((sum, { ms, bytes, cpu }) => ({
    ms: sum.ms + ms,
    bytes: sum.bytes + bytes,
    cpu: sum.cpu + cpu,
  }));

/** Bytes that the eth0 of a process's namespace has received (proc_net_dev(5)). */
function receivedBy(pid: number): number {
  const lines = readFileSync(`/proc/${pid}/net/dev`, "utf8").split("\n");
  const counters = lines.find((line) => line.includes("eth0:"))?.split(":")[1] ?? "";
  return Number(counters.trim().split(/\s+/)[0]);
}

/** Nanoseconds that a node's switch has run for: its main thread, which does it all. */
function cpuOf(node: ClusterNode): number {
  return Number(readFileSync(`/proc/${switchOf(node)}/schedstat`, "utf8").split(" ")[0]);
}

/** Its process. */
function switchOf({ ovs }: ClusterNode): number {
  return Number(readFileSync(join(ovs.runDir, "ovs-vswitchd.pid"), "utf8"));
}
