/** Nodes that come and nodes that go, while the others go on. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../lab/agent.ts";
import { type Attached, attach, attachedBy, codeOf, detach, done } from "../lab/attach.ts";
import { capture } from "../lab/capture.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import {
  assertClusterEmpty,
  assertClusterSound,
  type ClusterAllowances,
} from "../lab/cluster-invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { ping, reaches } from "../lab/probe.ts";
import { pingSteadily } from "../lab/steady.ts";
import { until } from "../lab/until.ts";

const web = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

/** A node with its agent and one container. */
interface Member {
  readonly node: ClusterNode;
  readonly agent: Agent;
  readonly attached: Attached;
}

let lab: Lab;
let cluster: Cluster;
let members: readonly Member[];
let allowed: ClusterAllowances;
beforeEach(async () => {
  lab = openLab();
  allowed = {};
  cluster = await startCluster(lab, { nodes: 3 });
  members = await Promise.all(cluster.nodes.map(enter));
  await allReach(members);
});
afterEach(async () => {
  try {
    await assertClusterSound(cluster, allowed);
    for (const { node, attached } of members) await detach(node, attached.container, web);
    await assertClusterEmpty(cluster, allowed);
  } finally {
    await lab.close();
  }
});

async function enter(node: ClusterNode): Promise<Member> {
  const agent = await node.startAgent();
  return { node, agent, attached: await attach(node, node.addContainer(), web) };
}

const get = (index: number): Member => {
  const member = members[index];
  if (member === undefined) throw new Error(`no member ${index}`);
  return member;
};

/** Every container answers every other. */
async function allReach(some: readonly Member[]): Promise<void> {
  const pairs = some.flatMap((one) =>
    some.filter((two) => two !== one).map((two) => [one.attached, two.attached] as const),
  );
  await Promise.all(
    pairs.map(([from, to]) =>
      until(`${to.address} from ${from.address}`, () => reaches(from.container.netns, to.address)),
    ),
  );
}

const leasesOf = async (name: string): Promise<readonly string[]> =>
  (await cluster.readStore())
    .filter(({ key, value }) => key.startsWith("leases/") && JSON.parse(value).node === name)
    .map(({ key }) => key);

/** Whether the node's switch has a flow that names an address. */
const hasFlowsOf = ({ node }: Member, vtep: string): boolean =>
  node.ovs.ofctl("dump-flows", "sp0").includes(`${vtep},`);

test("two nodes join while pings run: none is lost, and all five reach each other", async () => {
  const pings = [0, 1, 2].map((index) =>
    pingSteadily(get(index).attached.container.netns, get((index + 1) % 3).attached.address),
  );
  const joined = await Promise.all([cluster.addNode(), cluster.addNode()]);
  members = [...members, ...(await Promise.all(joined.map(enter)))];
  await allReach(members);
  for (const { end } of pings) {
    const { sent, answered } = await end();
    expect(answered).toBe(sent);
    expect(sent).toBeGreaterThan(20);
  }
  const listed = done("node list", await get(0).node.socketplane("node", "list"));
  expect(listed.json).toMatchObject(
    members.map(({ node: { name, vtep } }) => ({ node: name, vtep, agent: true, leases: 1 })),
  );
});

describe("a node is removed", () => {
  test("when its agent has ended, and it comes back as if it had never been", async () => {
    const [one, two, gone] = [get(0), get(1), get(2)];
    const steady = pingSteadily(one.attached.container.netns, two.attached.address);
    const refused = await one.node.socketplane("node", "remove", gone.node.name);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(gone.node.name);
    await detach(gone.node, gone.attached.container, web);
    await gone.agent.stop();
    done("node remove", await one.node.socketplane("node", "remove", gone.node.name));
    expect(await leasesOf(gone.node.name)).toEqual([]);
    for (const peer of [one, two]) {
      await until("the flows gone", () => !hasFlowsOf(peer, gone.node.vtep));
    }
    allowed = { without: [gone.node] };
    members = [one, two];
    await assertClusterSound(cluster, allowed);

    // The same machine is welcome again.
    members = [one, two, await enter(gone.node)];
    allowed = {};
    await allReach(members);
    const { sent, answered } = await steady.end();
    expect(answered).toBe(sent);
  });

  test("while it is cut off: its frames are dropped, its block another's", async () => {
    const [one, two, lost] = [get(0), get(1), get(2)];
    const [block = ""] = await leasesOf(lost.node.name);
    lost.node.cutOff();
    done("node remove", await one.node.socketplane("node", "remove", "--force", lost.node.name));
    for (const peer of [one, two]) {
      await until("the flows gone", () => !hasFlowsOf(peer, lost.node.vtep));
    }
    // The very address that the lost node's container has, and goes on to have.
    const { address } = lost.attached;
    const heir = await attach(two.node, two.node.addContainer(), web, { args: `IP=${address}` });
    expect(heir.address).toBe(address);
    expect(await leasesOf(two.node.name)).toContain(block);
    allowed = { without: [lost.node] };
    await until("the heir", () => reaches(one.attached.container.netns, heir.address));

    // Its cable is back before its agent knows of anything: it is paused.
    lost.agent.kill("SIGSTOP");
    lost.node.reconnect();
    expect(await reaches(lost.node.netns, one.node.vtep)).toBe(true);
    const mark = await cluster.wire.mark();
    const before = pingSteadily(one.attached.container.netns, heir.address);
    const fromLost = `icmp[icmptype] == icmp-echo and src host ${address}`;
    const heard = await capture(one.attached.container.netns, "eth0", fromLost);
    expect(await ping(lost.attached.container.netns, one.attached.address)).toBe(false);
    expect(await heard.stop()).toEqual([]);
    const { sent, answered } = await before.end();
    expect(answered).toBe(sent);
    const frames = await cluster.wire.since(mark);
    expect(frames.some(({ tunnel }) => tunnel?.from === lost.node.vtep)).toBe(true);

    // Then it is told, and gives nothing more of what it had, for as long as somebody has it.
    lost.agent.kill("SIGCONT");
    const second = lost.node.addContainer();
    const add = () => lost.node.cni({ command: "ADD", conf: web, container: second });
    const refusal = await until("a refusal", async () => {
      const outcome = await add();
      if (codeOf(outcome) !== 0) return outcome;
      // Its agent has not heard of it yet.
      await detach(lost.node, second, web);
      return undefined;
    });
    expect(refusal.stdout).toContain("was removed");
    expect(codeOf(await lost.node.cni({ command: "STATUS", conf: web }))).not.toBe(0);
    await detach(lost.node, lost.attached.container, web);
    const anew = await until("an ADD", async () => {
      const outcome = await add();
      return codeOf(outcome) === 0 && attachedBy(second, outcome);
    });
    expect(await leasesOf(two.node.name)).toContain(block);
    await until("the newcomer", () => reaches(one.attached.container.netns, anew.address));
    await detach(two.node, heir.container, web);
    members = [one, two, { ...lost, attached: anew }];
    allowed = {};
  });
});
