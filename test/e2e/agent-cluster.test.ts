/** Agents in a cluster: what happens elsewhere is here, whatever becomes of etcd meanwhile. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../lab/agent.ts";
import { type Attached, attach, codeOf, detach } from "../lab/attach.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { ping } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

let lab: Lab;
let cluster: Cluster;
let a: ClusterNode;
let b: ClusterNode;
let agentA: Agent;
let agentB: Agent;
beforeEach(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 2 });
  const [first, second] = cluster.nodes;
  if (first === undefined || second === undefined) throw new Error("Cannot start two nodes");
  [a, b] = [first, second];
  [agentA, agentB] = await Promise.all([a.startAgent(), b.startAgent()]);
});
afterEach(() => lab.close());

const add = (node: ClusterNode): Promise<Attached> => attach(node, node.addContainer(), web);
const reach = (from: Attached, to: Attached) => ping(from.container.netns, to.address);
const reachEachOther = (one: Attached, other: Attached) =>
  until(`${one.address} and ${other.address} reach each other`, async () => {
    return (await reach(one, other)) && (await reach(other, one));
  });
const isWell = (agent: Agent) => until("that it is well", () => agent.ask("/healthz"));
const isNotWell = (agent: Agent) =>
  until("that it is not well", async () => (await agent.ask("/healthz")) === undefined);
const flows = (node: ClusterNode) => node.ovs.ofctl("dump-flows", "sp0", "--no-stats");
/** One of the node's peers' flows, by the VTEP it leads to. */
const leadsTo = (node: ClusterNode, vtep: string) =>
  flows(node).includes(`set_field:${vtep}->tun_dst`);
const etcd = (...args: readonly string[]) => cluster.etcd.etcdctl(...args);
const key = (name: string) => `/socketplane/v1/${name}`;

describe("a change elsewhere", () => {
  test("is in the switch here, with no ADD, and nothing is left when all are gone", async () => {
    const one = await add(a);
    const two = await add(b);
    await reachEachOther(one, two);
    await assertClusterSound(cluster);
    await detach(a, one.container, web);
    await detach(b, two.container, web);
    expect((await a.socketplane("network", "delete", "web")).status).toBe(0);
    await until("that nothing leads there", () => !leadsTo(b, a.vtep));
    await assertClusterEmpty(cluster);
  });

  test("is a network that the host reaches, with no container of its own", async () => {
    const one = await add(a);
    await until("that b's host reaches it", () => ping(b.netns, one.address));
    await assertClusterSound(cluster);
  });

  test("is there though it came while vswitchd was away", async () => {
    const one = await add(a);
    await a.ovs.killSwitch();
    const two = await add(b);
    await a.ovs.startSwitch();
    await reachEachOther(one, two);
    await assertClusterSound(cluster);
  });

  test("is there though it came while the agent was away", async () => {
    const one = await add(a);
    agentA.kill("SIGKILL");
    await agentA.outcome;
    const c = await cluster.addNode();
    // A runtime tries again as well, where etcd took too long to answer.
    const two = await until("an ADD on c", () => add(c).catch(() => undefined));
    expect(leadsTo(a, c.vtep)).toBe(false);
    agentA = await a.startAgent();
    await reachEachOther(one, two);
    await assertClusterSound(cluster, { killed: true });
  });

  test("is there though etcd forgot it before the agent saw it", async () => {
    const one = await add(a);
    agentA.kill("SIGSTOP");
    const two = await add(b);
    etcd("put", key("unrelated"), "1");
    cluster.etcd.compact();
    await cluster.etcd.kill();
    await cluster.etcd.start();
    agentA.kill("SIGCONT");
    await reachEachOther(one, two);
  });
});

describe("the peers' VTEPs", () => {
  const isResolved = (node: ClusterNode, vtep: string) =>
    until(`${vtep} resolved`, () => node.ovs.appctl("tnl/neigh/show").includes(`${vtep} `));

  test("are resolved before the first frame, which a switch that had to ask would drop", async () => {
    const one = await add(a);
    const two = await add(b);
    await isResolved(a, b.vtep);
    await isResolved(b, a.vtep);
    expect(await reach(one, two)).toBe(true);
  });

  test("are resolved again after the switch was restarted", async () => {
    const one = await add(a);
    const two = await add(b);
    await isResolved(a, b.vtep);
    await a.ovs.killSwitch();
    await a.ovs.startSwitch();
    await isResolved(a, b.vtep);
    await reachEachOther(one, two);
  });

  test("that the kernel knows and the switch does not, the switch is told", async () => {
    await add(a);
    await add(b);
    await isResolved(a, b.vtep);
    // For good: the kernel asks no more, and its switch learns of no answer.
    const neighbour = (...words: readonly string[]) => ip("-n", a.netns, "neigh", ...words);
    const mac = await until("that the kernel knows it", () => {
      return /lladdr (\S+)/.exec(neighbour("show", b.vtep, "dev", "br-phy"))?.[1];
    });
    neighbour("replace", b.vtep, "lladdr", mac, "dev", "br-phy", "nud", "permanent");
    a.ovs.appctl("tnl/neigh/flush");
    agentA.kill("SIGHUP");
    await isResolved(a, b.vtep);
  });
});

describe("etcd", () => {
  test("killed and started again: traffic goes on, and changes come after it", async () => {
    const one = await add(a);
    const two = await add(b);
    await reachEachOther(one, two);
    await cluster.etcd.kill();
    await isNotWell(agentA);
    expect(await reach(one, two)).toBe(true);
    // Of the block that it holds.
    const three = await add(a);
    expect(await reach(three, two)).toBe(true);
    await cluster.etcd.start();
    await Promise.all([isWell(agentA), isWell(agentB)]);
    const c = await cluster.addNode();
    const four = await add(c);
    await until("the new node's flows", () => leadsTo(a, c.vtep) && leadsTo(b, c.vtep));
    await reachEachOther(four, three);
    await assertClusterSound(cluster);
  });

  test("paused: the agent goes on when it does", async () => {
    const one = await add(a);
    cluster.etcd.pause();
    await isNotWell(agentA);
    // One that waits for etcd ends all the same.
    expect(await agentB.stop()).toMatchObject({ status: 0 });
    cluster.etcd.resume();
    agentB = await b.startAgent();
    await isWell(agentA);
    await reachEachOther(one, await add(b));
  });

  test("away: a switch that was restarted has its flows back all the same", async () => {
    const one = await add(a);
    const two = await add(b);
    await reachEachOther(one, two);
    await cluster.etcd.kill();
    const before = flows(a);
    await a.ovs.killSwitch();
    await a.ovs.startSwitch();
    await until("the flows", () => flows(a).length === before.length);
    await reachEachOther(one, two);
    await cluster.etcd.start();
  });

  test("away when the agent starts: it begins with what is here", async () => {
    const one = await add(a);
    const two = await add(b);
    await reachEachOther(one, two);
    await agentA.stop();
    await cluster.etcd.kill();
    await a.ovs.killSwitch();
    await a.ovs.startSwitch();
    agentA = await a.startAgent({ until: "started" });
    await reachEachOther(one, two);
    await cluster.etcd.start();
    await isWell(agentA);
    await assertClusterSound(cluster);
  });

  test("wiped: the agent says so, and nothing on the node is changed", async () => {
    const one = await add(a);
    const two = await add(b);
    await reachEachOther(one, two);
    const cache = () => readFileSync(join(a.runDir, "networks/web/cache.json"), "utf8");
    const before = { flows: flows(a), blocks: blocksIn(cache()) };
    await cluster.etcd.wipe();
    await agentA.says(/cannot follow the store[^\n]*it was wiped, or is another one/);
    await isNotWell(agentA);
    expect({ flows: flows(a), blocks: blocksIn(cache()) }).toEqual(before);
    expect(await reach(one, two)).toBe(true);
    // And no command takes what is here for fresh.
    await until("nothing fresh", () => !existsSync(join(a.runDir, "fresh")));
    expect(etcd("get", "--prefix", "--keys-only", key("leases"))).toBe("");
  });

  test("restored from a backup: what is in use is claimed again", async () => {
    const one = await add(a);
    await add(b);
    const backup = cluster.etcd.snapshot();
    // A second node's block, of which the backup knows nothing.
    const c = await cluster.addNode();
    await c.startAgent();
    const three = await add(c);
    await reachEachOther(one, three);
    await cluster.etcd.restore(backup);
    await until("its lease again", () =>
      etcd("get", "--prefix", key("leases")).includes(`"${c.name}"`),
    );
    await reachEachOther(one, three);
    await assertClusterSound(cluster);
  });
});

describe("a node that was removed", () => {
  const remove = (name: string) => {
    etcd("del", key(`nodes/${name}`));
    etcd("del", "--prefix", key("leases/web/"));
  };

  test("while containers of it run: says so, keeps what it has, and gives nothing more", async () => {
    const one = await add(a);
    remove(a.name);
    await agentA.says(/was removed from it, and containers of it still run/);
    await isNotWell(agentA);
    const added = await a.cni({ command: "ADD", conf: web, container: a.addContainer() });
    expect(codeOf(added)).not.toBe(0);
    expect(etcd("get", "--keys-only", key(`nodes/${a.name}`))).toBe("");
    await detach(a, one.container, web);
    // Then it is as good as new.
    await isWell(agentA);
    await reachEachOther(await add(a), await add(b));
  });
});

test("its session lives as long as it does", async () => {
  const session = () => etcd("get", key(`sessions/${a.name}`), "--print-value-only").trim();
  expect(JSON.parse(session())).toMatchObject({ revision: expect.any(Number) });
  await agentA.stop();
  expect(session()).toBe("");
  // The others' lives on.
  expect(etcd("get", key(`sessions/${b.name}`), "--print-value-only")).not.toBe("");
  await isWell(agentB);
});

// Its connections are dead with the old address, so that the old session has to run out first.
test("a node whose address has changed is registered with the new one, and reached there", async () => {
  const one = await add(a);
  const two = await add(b);
  await reachEachOther(one, two);
  const moved = "192.0.2.77";
  ip("-n", a.netns, "address", "delete", `${a.vtep}/24`, "dev", "br-phy");
  ip("-n", a.netns, "address", "add", `${moved}/24`, "dev", "br-phy");
  await until("the registration", () => etcd("get", key(`nodes/${a.name}`)).includes(moved));
  await until("the peer's flows", () => leadsTo(b, moved) && !leadsTo(b, a.vtep));
  await reachEachOther(one, two);
});

const blocksIn = (cache: string): unknown => JSON.parse(cache).held.blocks;
