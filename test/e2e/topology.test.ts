/** Three nodes, two networks, twelve containers: what is where, also where a part of it is away. */
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Topology, Traffic } from "../../lib/topology/topology.ts";
import type { Agent } from "../lab/agent.ts";
import { type Attached, attach, detach } from "../lab/attach.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { reaches } from "../lab/probe.ts";
import { must, type Outcome, start } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const conf = { cniVersion: "1.1.0", type: "socketplane" };
const networks = [
  { ...conf, name: "web", subnet: "10.2.0.0/16", subnet6: "fd00:2::/64" },
  { ...conf, name: "db", subnet: "10.3.0.0/16" },
] as const;
/** Of each network, on each node. */
const each = 2;

let lab: Lab;
let cluster: Cluster;
let agents: readonly Agent[];
let first: ClusterNode;
/** By the pod's name. */
const attached = new Map<string, Attached>();
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 3, wire: "unrecorded" });
  agents = await Promise.all(cluster.nodes.map((node) => node.startAgent()));
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error("no node");
  first = node;
  // Before the nodes, which would all make them at once.
  await first.socketplane("network", "create", "web", "10.2.0.0/16", "--subnet6", "fd00:2::/64");
  await first.socketplane("network", "create", "db", "10.3.0.0/16");
  for (const one of cluster.nodes) await fill(one);
  await first.socketplane("network", "allow", "web", "db");
  const [from, to] = ["web-host-a-1", "web-host-b-1"].map((pod) => attached.get(pod));
  if (from === undefined || to === undefined) throw new Error("no container");
  await until("a way", () => reaches(from.container.netns, to.address));
  for (const agent of agents) agent.kill("SIGHUP");
  await until("the mirror", async () => {
    const stored = await cluster.readStore();
    return stored.filter(({ key }) => key.startsWith("assignments/")).length === 12;
  });
  // The switch writes its ports' statistics down every five seconds.
  await until("statistics", async () => {
    const { containers, tunnels } = await model(first);
    const sent = (one?: { readonly traffic?: Traffic | undefined }) =>
      one?.traffic?.sent.packets ?? 0;
    const sender = containers.find(({ name }) => name === "shop/web-host-a-1");
    return sent(sender) > 1 && sent(sender) >= sent(tunnels[0]);
  });
}, 240_000);
afterAll(() => lab.close());

async function fill(node: ClusterNode): Promise<void> {
  for (const network of networks) {
    for (let number = 1; number <= each; number += 1) {
      const pod = `${network.name}-${node.name}-${number}`;
      const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${pod}`;
      attached.set(pod, await attach(node, node.addContainer(), network, { args }));
    }
  }
}

function topology(node: LabNode, args: readonly string[] = [], lang = "C.UTF-8") {
  const command = node.operatorCommand("topology", ...args);
  return start({ ...command, env: { ...command.env, LC_ALL: lang } }).outcome;
}

/** Its exit status is 0 whatever is away, and it says nothing beside. */
async function said(outcome: Promise<Outcome>): Promise<string> {
  const { status, stdout, stderr } = await outcome;
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

const text = (node: LabNode, ...args: readonly string[]) => said(topology(node, args));
const model = async (node: LabNode, ...args: readonly string[]): Promise<Topology> =>
  JSON.parse(await said(topology(node, ["-o", "json", ...args])));

const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);
const podsOf = (node: ClusterNode) => [...attached.keys()].filter((pod) => pod.includes(node.name));

/** Of a container that was attached, as the result of its ADD says it. */
const resultOf = (pod: string) => {
  const one = attached.get(pod);
  return { name: `shop/${pod}`, address: one?.address, mac: one?.mac };
};

test("as JSON: every node, network and container, and what the tunnels have carried", async () => {
  const topology = await model(first);
  const { self, store, networks: shown, nodes, containers, tunnels, missing } = topology;
  expect({ self, store: store.kind, state: store.state, missing }).toEqual({
    self: "host-a",
    store: "etcd",
    state: "ok",
    missing: [],
  });
  expect(names(shown)).toEqual(["web", "db"]);
  expect(
    shown.map(({ allowed, mtu, containerCount }) => ({ allowed, mtu, containerCount })),
  ).toEqual([["db"], ["web"]].map((allowed) => ({ allowed, mtu: 1450, containerCount: 6 })));
  expect(nodes.map(({ name, vtep, agent }) => [name, vtep, agent])).toEqual(
    cluster.nodes.map(({ name, vtep }) => [name, vtep, "alive"]),
  );
  for (const node of cluster.nodes) {
    const found = containers.filter((one) => one.node === node.name);
    expect(found.map(({ name, address, mac }) => ({ name, address, mac }))).toEqual(
      podsOf(node).map(resultOf),
    );
    const state = node === first ? "alive" : "unknown";
    expect(new Set(found.map((one) => one.state))).toEqual(new Set([state]));
  }
  const [toB, toC] = tunnels;
  expect([toB?.to, toC?.to]).toEqual(["host-b", "host-c"]);
  expect(toB?.networks).toEqual(["web", "db"]);
  expect(toB?.traffic?.sent.packets).toBeGreaterThan(0);
  expect(toB?.traffic?.received.packets).toBeGreaterThan(0);
  expect(topology.carried?.sent.bytes).toBe(
    (toB?.traffic?.sent.bytes ?? 0) + (toC?.traffic?.sent.bytes ?? 0),
  );
  const sender = containers.find(({ name }) => name === "shop/web-host-a-1");
  expect(sender?.traffic?.sent.packets).toBeGreaterThanOrEqual(toB?.traffic?.sent.packets ?? 0);
  const { outer = "" } = attached.get("web-host-a-1") ?? {};
  expect(sender?.port).toEqual({
    name: outer,
    number: Number(first.ovs.vsctl("get", "Interface", outer, "ofport")),
  });
});

test("as a tree, in UTF-8 or in ASCII", async () => {
  const tree = await text(first);
  expect(tree).toMatch(/^3 nodes · 2 networks · 12 containers · etcd ok\n/);
  expect(tree).toContain("\nhost-a  192.0.2.1 · agent up · this node\n├─ web  10.2.");
  for (const pod of attached.keys()) {
    expect(tree).toMatch(
      new RegExp(`^[│ ]  [├└]─ shop/${pod} +${attached.get(pod)?.address} `, "m"),
    );
  }
  expect(tree).toMatch(/^├─ host-b +192\.0\.2\.2 +web, db +sent \d+ B in \d+ packets/m);
  expect(await said(topology(first, [], "C"))).toMatch(/^[\x20-\x7e\n]+$/);
});

test("as a page and as a picture", async () => {
  const page = await text(first, "-o", "html");
  expect(page).toMatch(/^<!doctype html>/);
  // Whatever a bundler makes of it, it is the script that the page's policy lets run.
  const [, script = ""] = /<script>([\s\S]*)<\/script>/.exec(page) ?? [];
  expect(page).toContain(`sha256-${createHash("sha256").update(script).digest("base64")}`);
  const picture = await text(first, "-o", "svg", "--theme", "dark");
  expect(picture).toMatch(/^<svg /);
  for (const pod of attached.keys()) expect(page).toContain(`shop/${pod}`);
});

test("a part of it", async () => {
  const db = await model(first, "--network", "db");
  expect([names(db.networks), db.containers.length]).toEqual([["db"], 6]);
  const one = await model(first, "--node", "host-b");
  expect([names(one.nodes), names(one.containers)]).toEqual([
    ["host-b"],
    cluster.nodes
      .slice(1, 2)
      .flatMap(podsOf)
      .map((pod) => `shop/${pod}`),
  ]);
  const failed = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await topology(first, args);
    expect(stdout).toBe("");
    return `${status} ${stderr}`;
  };
  expect(await failed("--network", "wbe")).toBe(
    '1 socketplane: Cannot show network "wbe": there is none\n  See which there are: socketplane network list\n',
  );
  expect(await failed("--node", "host-z")).toMatch(/^1 socketplane: Cannot show node "host-z"/);
  expect(await failed("--node", "host-z", "--network", "wbe")).toBe(
    '1 socketplane: Cannot show node "host-z": there is none; network "wbe": there is none\n' +
      "  See which there are: socketplane node list; socketplane network list\n",
  );
  expect(await failed("-o", "table")).toContain("--output must be one of");
  expect(await failed("--theme", "dark")).toMatch(/^2 socketplane: .*--theme needs -o svg\n/);
});

test("completed for trace: pods and nodes, by name", async () => {
  const node = first;
  const offered = await must(node.operatorCommand("__complete", "trace", ""));
  const words = offered
    .trim()
    .split("\n")
    .map((line) => line.trim());
  const here = podsOf(first).map((pod) => `shop/${pod}`);
  expect(words).toEqual(expect.arrayContaining([...here, ...names(cluster.nodes)]));
  expect(words).toHaveLength(here.length + cluster.nodes.length);
});

test("a pod is traced by its name alone, where it is unique", async () => {
  const run = (...args: readonly string[]) =>
    start(first.operatorCommand("trace", ...args)).outcome;
  const found = await run("web-host-a-1", "web-host-b-1");
  expect(found.stdout).toContain("From container shop/web-host-a-1 (");
  const { status, stderr } = await run("shop/web-host-a", "nope2", "--network", "wbe");
  expect(`${status} ${stderr}`).toMatch(
    /^1 socketplane: Cannot trace "shop\/web-host-a": .*; "nope2": .*; in network "wbe": there is none\n/,
  );
  expect(stderr).toContain('Did you mean "shop/web-host-a-1" or "shop/web-host-a-2"?');
});

test("to another than root, how to be it is said", async () => {
  const { argv, ...more } = first.operatorCommand("topology");
  // Who may not even start the executable would say nothing of it.
  const folder = mkdtempSync("/tmp/sp-not-root-");
  chmodSync(folder, 0o755);
  try {
    const program = join(folder, "socketplane");
    copyFileSync(argv[0] ?? "", program);
    const ids = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    const command = { ...more, argv: ["setpriv", ...ids, program, ...argv.slice(1)] };
    const { status, stderr } = await start(command).outcome;
    expect(`${status} ${stderr}`).toMatch(/^1 socketplane: Cannot .* permission is denied/);
    expect(stderr).toContain("  SocketPlane must run as root: sudo socketplane topology\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("is seen by each node", async () => {
  const seen = await Promise.all(cluster.nodes.map((node) => model(node)));
  expect(seen.map(({ self }) => self)).toEqual(["host-a", "host-b", "host-c"]);
  for (const { nodes, containers } of seen) {
    expect(nodes[0]?.isSelf).toBe(true);
    expect(containers.map(({ address }) => address).sort()).toEqual(
      [...attached.values()].map(({ address }) => address).sort(),
    );
  }
});

test("nothing is made by looking", async () => {
  const node = await cluster.addNode();
  const store = await cluster.readStore();
  const tree = await text(node);
  expect(tree).toMatch(/^4 nodes .*\n/);
  expect(tree).toContain(`\n${node.name}  192.0.2.4 · agent away · this node\n└─ holds nothing\n`);
  expect(tree).not.toContain("Not known");
  expect(readdirSync(dirname(node.runDir))).not.toContain(basename(node.runDir));
  expect(node.ovs.vsctl("list-br").split("\n")).not.toContain("sp0");
  // Of the agents, who say again and again that they live.
  const still = (all: typeof store) => all.filter(({ key }) => !key.startsWith("sessions/"));
  expect(still(await cluster.readStore())).toEqual(still(store));
});

test("nor on a machine alone, whose store nobody has written to yet", async () => {
  const node = await lab.startNode({ name: "alone" });
  const tree = await text(node);
  expect(tree).toBe(
    "1 node · 0 networks · 0 containers · embedded store ok\n\nalone  agent away · this node\n└─ holds nothing\n",
  );
  for (const folder of [node.runDir, node.storeDir]) {
    expect(readdirSync(dirname(folder))).not.toContain(basename(folder));
  }
  await attach(node, node.addContainer(), networks[0]);
  expect(await model(node)).toMatchObject({
    store: { kind: "embedded", state: "ok" },
    networks: [{ name: "web" }],
    containers: [{ node: "alone", state: "alive" }],
    tunnels: [],
    missing: [],
  });
});

test("again when it changes, until Ctrl-C", async () => {
  const watching = start(first.operatorCommand("topology", "--watch", "--node", "host-a"));
  lab.onClose(async () => {
    watching.kill("SIGKILL");
    await watching.outcome;
  });
  await watching.says(/4 containers/);
  const made = await attach(first, first.addContainer(), networks[1]);
  await watching.says(/5 containers/);
  await watching.says(new RegExp(` ${made.address} `));
  await detach(first, made.container, networks[1]);
  watching.kill("SIGINT");
  expect(await watching.outcome).toMatchObject({ status: 0, stderr: "" });
  const { status, stderr } = await topology(first, ["--watch", "-o", "json"]);
  expect(`${status} ${stderr}`).toMatch(/^2 socketplane: .*--watch is for text only\n/);
});

test("a container whose namespace was deleted is gone", async () => {
  await agents[0]?.stop();
  const one = await attach(first, first.addContainer(), networks[0]);
  one.container.remove();
  const { containers } = await until("that it is gone", async () => {
    const topology = await model(first);
    return topology.containers.some(({ state }) => state === "gone") && topology;
  });
  expect(containers.filter(({ state }) => state === "gone")).toMatchObject([
    { address: one.address, node: "host-a" },
  ]);
});

/** In this order: each leaves what it has ended as it is. */
describe("where a part is away", () => {
  const own = ["web-host-a-1", "web-host-a-2", "db-host-a-1", "db-host-a-2"];
  const isWhole = (topology: Topology) =>
    expect(names(topology.containers)).toEqual(
      expect.arrayContaining(own.map((pod) => `shop/${pod}`)),
    );

  test("this node's agent", async () => {
    const topology = await model(first);
    expect(topology.nodes.map(({ agent }) => agent)).toEqual(["away", "alive", "alive"]);
    expect(topology.missing).toEqual([]);
    isWhole(topology);
  });

  test("another node's agent", async () => {
    await agents[1]?.stop();
    const { missing } = await until("that it is away", async () => {
      const topology = await model(first);
      return topology.nodes[1]?.agent === "away" && topology;
    });
    expect(missing.map(({ what }) => what)).toEqual(["what containers host-b has now"]);
  });

  test("etcd, that does not answer", async () => {
    cluster.etcd.pause();
    try {
      const topology = await model(first);
      expect(topology.store.state).toBe("away");
      expect(topology.missing[0]?.why).toMatch(/no answer within/);
      isWhole(topology);
    } finally {
      cluster.etcd.resume();
    }
  });

  test("etcd, that is down: what this node remembers", async () => {
    await cluster.etcd.kill();
    const topology = await model(first);
    expect(topology.store.state).toBe("away");
    expect(names(topology.nodes)).toEqual(["host-a", "at 192.0.2.2", "at 192.0.2.3"]);
    expect(topology.tunnels.map(({ to, traffic }) => [to, traffic === undefined])).toEqual([
      ["at 192.0.2.2", false],
      ["at 192.0.2.3", false],
    ]);
    expect(names(topology.networks)).toEqual(["web", "db"]);
    expect(topology.missing.map(({ why }) => why)).toEqual([
      expect.stringMatching(/^Cannot read keys .*connection refused, or no route to it$/),
    ]);
    isWhole(topology);
    expect(await text(first)).toContain("etcd away: as this node remembers it");
  });

  test("ovs-vswitchd, too", async () => {
    await first.ovs.killSwitch();
    const topology = await model(first);
    expect(topology.tunnels.map(({ traffic }) => traffic)).toEqual([undefined, undefined]);
    expect(topology.missing).toMatchObject([{}, { why: /^Cannot reach ovs-vswitchd/ }]);
    isWhole(topology);
  });

  test("all of Open vSwitch, too", async () => {
    await first.ovs.stop();
    const topology = await model(first);
    expect(topology.missing.map(({ what }) => what)).toEqual([
      "other nodes' names, agents and containers, and networks that this node is not in",
      "containers' ports and traffic",
      "the tunnels' traffic, and what containers send now",
    ]);
    isWhole(topology);
    expect(await text(first)).toContain("Cannot reach ovsdb-server");
  });
});
