/**
 * Machines that have nothing of ours yet: on the underlay of a cluster, each with a root of its own,
 * Open vSwitch at its usual place, a hostname and a machine id; no node.json, and no store.
 */
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Machine, openMachine } from "../clients/machine.ts";
import { type Cluster, type ClusterNode, startCluster } from "./cluster.ts";
import type { Lab } from "./lab.ts";
import { type CniOutcome, executables } from "./node.ts";
import { type Running, run } from "./run.ts";

export interface BareMachine {
  readonly machine: Machine;
  /** What checks of a node look at: its files are the machine's. */
  readonly node: ClusterNode;
  /** Runs the operator's command as it is typed. */
  readonly type: (line: string) => Promise<CniOutcome>;
  /** The same for one that must succeed; gives its answer. */
  readonly must: (line: string) => Promise<Answer>;
  /** The same without waiting for its end. */
  readonly start: (line: string) => Running;
  /** All of ours that there is on it: files, links, bridges, tables, processes. */
  readonly traces: () => Promise<readonly string[]>;
}

/** A command's answer as JSON. */
export type Answer = Readonly<Record<string, unknown>>;

export interface BareCluster {
  readonly machines: readonly BareMachine[];
  /** For its checks; its store is that of the machine that ran `cluster init`. */
  readonly cluster: Cluster;
}

/** Far beyond what a command takes that brings a node up, milliseconds. */
const limitMs = 120_000;

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export async function startBare(lab: Lab, count: number): Promise<BareCluster> {
  const cluster = await startCluster(lab, { nodes: count });
  const machines = await Promise.all(cluster.nodes.map((node) => openBare(lab, node)));
  const [first] = machines;
  const readStore = async () => (first === undefined ? [] : readTheirs(first.machine));
  const nodes = machines.map(({ node }) => ({ ...node, readStore }));
  return { machines, cluster: { ...cluster, nodes, readStore } };
}

async function openBare(lab: Lab, node: ClusterNode): Promise<BareMachine> {
  const machine = await openMachine(lab, node);
  symlinkSync(node.ovs.runDir, machine.at("/run/openvswitch"));
  const argv = (line: string) => [
    ...["env", "-i", `PATH=${path}`, join(executables, "socketplane")],
    ...line.replace(/^socketplane +/, "").split(" "),
  ];
  const type = async (line: string): Promise<CniOutcome> => {
    const outcome = await machine.run(argv(line), { limitMs });
    return { ...outcome, json: jsonOf(outcome.stdout) };
  };
  const traces = async () =>
    (await machine.must(["sh", "-c", look])).split("\n").filter(Boolean).sort();
  return {
    machine,
    must: async (line) => {
      const { status, json, stdout, stderr } = await type(line);
      if (status === 0) return (json ?? { text: stdout }) as Answer;
      throw new Error(`${line}: exit status ${status}: ${stderr}`);
    },
    traces,
    node: { ...node, runDir: machine.at("/run/socketplane"), config: machine.at(nodeJson) },
    type,
    start: (line) => machine.start(argv(line), { limitMs }),
  };
}

/** The agent's log is for who looks for what went wrong, and stays. */
const look = `
find /etc/socketplane /var/lib/socketplane /run/socketplane -mindepth 1 2>/dev/null
ip -o link | grep -oE '\\b(sp0|sp-|spv|sptunnel)[^:@ ]*'
nft list tables | grep socketplane
ls /proc | grep -E '^[0-9]+$' | while read pid; do
  tr '\\0' ' ' < /proc/$pid/cmdline 2>/dev/null | grep -E '^[^ ]*(socketplane|etcd) '
done
true`;

export const nodeJson = "/etc/socketplane/node.json";

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const prefix = "/socketplane/v1/";

/** By the certificate of the machine itself. */
async function readTheirs({ at, node }: Machine) {
  const { status, stdout } = await run({
    netns: node.netns,
    argv: ["etcdctl", "get", "--prefix", prefix, "--write-out=json"],
    env: {
      PATH: path,
      ETCDCTL_API: "3",
      ETCDCTL_ENDPOINTS: `https://${(node as ClusterNode).vtep}:2379`,
      ETCDCTL_CACERT: at("/etc/socketplane/pki/ca.pem"),
      ETCDCTL_CERT: at("/etc/socketplane/pki/node.pem"),
      ETCDCTL_KEY: at("/etc/socketplane/pki/node.key"),
    },
  });
  if (status !== 0) return [];
  const { kvs = [] } = JSON.parse(stdout) as { kvs?: readonly Kv[] };
  const text = (base64 = "") => Buffer.from(base64, "base64").toString();
  return kvs.map(({ key, value, mod_revision }) => ({
    key: text(key).slice(prefix.length),
    value: text(value),
    modRevision: mod_revision,
  }));
}

interface Kv {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: number;
}
