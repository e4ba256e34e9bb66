/**
 * Eight nodes take 500 addresses each at once, whole processes, while etcd is paused, killed and
 * started again: no address twice, each inside its holder's lease, and leases, assignments and
 * switches say the same.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Attached, attachedBy, codeOf, detach, done } from "../lab/attach.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { clusterFactsOf } from "../lab/cluster-facts.ts";
import { assertClusterSound } from "../lab/cluster-invariants.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { executables } from "../lab/node.ts";
import { type Running, start } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const nodes = 8;
const each = 500;
/** At a time, on each node. */
const workers = 2;
const attachments = 3;
/** With Node in them, 4,000 processes begin in several times the time. */
const patient = { timeout: 1_800_000 };

/** 128 blocks of 64 addresses, of which these nodes need 72. */
const network = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/19" };
const plain = { ...network, type: "bridge", subnet: undefined };
const ipam = { ...plain, ipam: { type: "socketplane-ipam", subnet: network.subnet } };

let lab: Lab;
let cluster: Cluster;
beforeEach(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes });
});
afterEach(() => lab.close());

/**
 * A shell in a node that calls socketplane-ipam for each of a row of containers, as a runtime does:
 * again after a refusal. It prints a line for each answer.
 */
function callRow(
  { netns, config }: ClusterNode,
  command: "ADD" | "DEL",
  row: { readonly first: number; readonly last: number },
): Running {
  const script = `for number in $(seq ${row.first} ${row.last}); do
    for attempt in $(seq 100); do
      if answer=$(CNI_CONTAINERID=plain-$number "$0" <<< "$1" 2>/dev/null); then
        echo "done $number $answer"; break
      fi
      echo "refused $number" $answer; sleep 0.2
    done
  done`;
  const env = {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    SOCKETPLANE_CONFIG: config,
    SOCKETPLANE_LOG: "error",
    CNI_COMMAND: command,
    CNI_NETNS: "/run/netns/none",
    CNI_IFNAME: "eth0",
    CNI_PATH: executables,
  };
  const die = ["setpriv", "--pdeathsig", "KILL"];
  const program = `${executables}socketplane-ipam`;
  const argv = [...die, "bash", "--norc", "-c", script, program, JSON.stringify(ipam)];
  return start({ netns, env, argv, limitMs: patient.timeout });
}

const rows = Array.from({ length: workers }, (_, index) => ({
  first: (index * each) / workers + 1,
  last: ((index + 1) * each) / workers,
}));

/** ADD, again after a refusal for the time being. */
async function attachAtLast(node: ClusterNode): Promise<Attached> {
  const container = node.addContainer();
  for (;;) {
    const outcome = await node.cni({ command: "ADD", conf: network, container });
    if (outcome.status === 0) return attachedBy(container, outcome);
    if (codeOf(outcome) !== 11) return attachedBy(container, done("ADD", outcome));
    await sleep(200);
  }
}

test("8 nodes take 500 addresses each, whatever becomes of etcd", patient, async () => {
  // The other half has none: its commands look after themselves.
  const withAgent = cluster.nodes.filter((_, index) => index % 2 === 0);
  const agents = await Promise.all(withAgent.map((node) => node.startAgent()));

  const calls = cluster.nodes.map((node) => ({
    node,
    running: rows.map((row) => callRow(node, "ADD", row)),
  }));
  const running = calls.flatMap((one) => one.running);
  let isUnderWay = true;
  const ended = Promise.all(running.map(({ outcome }) => outcome)).finally(() => {
    isUnderWay = false;
  });
  // Bounded by the test's own limit, as the rows are.
  const attaching = Promise.all(
    cluster.nodes.flatMap((node) => Array.from({ length: attachments }, () => attachAtLast(node))),
  );

  attaching.catch(() => {});

  await Promise.all(running.map(({ says }) => says(/^done \d*5 /m)));
  const faults = [
    async () => {
      cluster.etcd.pause();
      await sleep(2_500);
      cluster.etcd.resume();
    },
    async () => {
      await cluster.etcd.kill();
      await sleep(1_500);
      await cluster.etcd.start();
    },
  ];
  for (const suffer of [...faults, ...faults]) {
    await suffer();
    expect(isUnderWay).toBe(true);
    await sleep(1_000);
  }

  const attached = await attaching;
  await ended;
  const given: string[] = attached.map(({ address }) => address);
  for (const { node, running } of calls) {
    const said = (await Promise.all(running.map(({ outcome }) => outcome))).map(
      (one) => one.stdout,
    );
    const lines = said.join("\n").split("\n");
    const addresses = lines.flatMap((line) => /^done .*"address":"([\d.]+)/.exec(line)?.[1] ?? []);
    expect({ node: node.name, count: addresses.length }).toEqual({ node: node.name, count: each });
    given.push(...addresses);
    const refusals = lines.filter((line) => line.startsWith("refused"));
    // For the time being, each: never "no address".
    expect(refusals.filter((line) => !line.includes('"code":11'))).toEqual([]);
  }
  expect(given).toHaveLength(nodes * (each + attachments));
  expect(new Set(given).size).toBe(given.length);

  const behind = cluster.nodes.filter((node) => !withAgent.includes(node)).map(({ name }) => name);
  await assertClusterSound(cluster, { behind });
  const { nodes: facts } = await clusterFactsOf(cluster, withAgent);
  const containers = facts.flatMap(({ taken }) => taken.filter(({ name }) => name === "web"));
  // The mirror is the minute's work, which this signal asks for now.
  for (const agent of agents) agent.kill("SIGHUP");
  await until("the mirror", async () => {
    const stored = await cluster.readStore();
    const mirrored = stored.filter(({ key }) => key.startsWith("assignments/")).length;
    return mirrored === containers.length;
  });

  const [last] = cluster.nodes.slice(-1);
  if (last === undefined) throw new Error("no node");
  await Promise.all(rows.map((row) => callRow(last, "DEL", row).outcome));
  for (const container of last.containers) await detach(last, container, network);
  await assertNothingLeft([last]);
});
