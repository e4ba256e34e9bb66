/** Two networks that are let reach each other on two nodes, and kept apart again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Agent } from "../lab/agent.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { leaveCluster } from "../lab/leave.ts";
import { type Place, placeOn } from "../lab/place.ts";
import { ping } from "../lab/probe.ts";
import { must, run } from "../lab/run.ts";
import { ask } from "../lab/services.ts";
import { openTalk } from "../lab/talk.ts";
import { until } from "../lab/until.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
/** Its links take less than those of web. */
const db = { ...web, name: "db", subnet: "10.3.0.0/16", subnet6: "fd00:3::/64", mtu: 1400 };
/** Reached by nobody. */
const apart = { ...web, name: "apart", subnet: "10.4.0.0/16", subnet6: "fd00:4::/64" };
const port = 8080;

let lab: Lab;
let cluster: Cluster;
let nodeA: ClusterNode;
let nodeB: ClusterNode;
let agents: readonly Agent[];
let webA: Place;
let dbA: Place;
let dbB: Place;
let apartA: Place;
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 2 });
  [nodeA, nodeB] = cluster.nodes as [ClusterNode, ClusterNode];
  agents = await Promise.all(cluster.nodes.map((node) => node.startAgent()));
  // As kube-proxy has it, and ip-masq-agent: what a node knows half of, and others' addresses.
  for (const { netns } of cluster.nodes) {
    const stdin = `table inet others {
      chain pass { type filter hook forward priority 0; ct state invalid drop; };
      chain out { type nat hook postrouting priority 90; iifname "sp-*" masquerade; }; }`;
    await must({ netns, argv: ["nft", "-f", "-"], stdin });
  }
  // Of each network there is a container on one node at least; of web on the first alone.
  webA = await placeOn(lab, nodeA, web, { name: "web-a", ports: [port] });
  dbB = await placeOn(lab, nodeB, db, { name: "db-b", ports: [port + 1] });
  dbA = await placeOn(lab, nodeA, db, { name: "db-a", ports: [port + 1] });
  apartA = await placeOn(lab, nodeA, apart, { name: "apart-a", ports: [port + 2] });
});
afterAll(() =>
  leaveCluster(lab, cluster, [
    [web, webA],
    [apart, apartA],
    [db, dbA, dbB],
  ]),
);

/** What each answers to the other over TCP and UDP, in both families: whom it sees. */
async function exchanged(one: Place, ports: readonly [number, number], other: Place) {
  const ways = (to: Place, at: number) =>
    Object.fromEntries(
      (["tcp", "udp"] as const).flatMap((protocol) =>
        (["ip", "ip6"] as const).map((family) => [
          `${protocol} ${family}`,
          { protocol, address: to.address[family], port: at },
        ]),
      ),
    );
  const answers = await Promise.all([
    ask(one.netns, ways(other, ports[1])),
    ask(other.netns, ways(one, ports[0])),
  ]);
  return answers.map((answer) => Object.values(answer));
}
const webToDb = (db: Place) => exchanged(webA, [port, port + 1], db);
/** Under its own address, which is what it has here of each family, twice. */
const seen = (server: string, { address }: Place) =>
  ["tcp", "udp"].flatMap(() => [`${server} ${address.ip}`, `${server} ${address.ip6}`]);
const bothWays = (name: string, db: Place) => [seen(name, webA), seen("web-a", db)];
const nothing = [undefined, undefined, undefined, undefined];

const policy = async (what: "allow" | "deny", on: ClusterNode) => {
  const { status, stderr, json } = await on.socketplane("network", what, "web", "db");
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return json as readonly { readonly id: string; readonly allowed?: readonly string[] }[];
};
/** Agents of both nodes have taken it in. */
const settled = (state: boolean) =>
  until(`that web and db ${state ? "reach each other" : "are apart"}`, async () => {
    const pings = [webA, dbB].map(({ netns }, index) =>
      ping(netns, index === 0 ? dbB.address.ip : webA.address.ip),
    );
    return (await Promise.all(pings)).every((one) => one === state);
  });

test("they are apart until it is said", async () => {
  expect(await webToDb(dbA)).toEqual([nothing, nothing]);
  expect(await webToDb(dbB)).toEqual([nothing, nothing]);
});

test("then they reach each other, on one node and on two, under their own addresses", async () => {
  const shown = await policy("allow", nodeB);
  expect(shown.map(({ id, allowed }) => [id, allowed])).toEqual([
    ["web", ["db"]],
    ["db", ["web"]],
  ]);
  await settled(true);
  expect(await webToDb(dbA)).toEqual(bothWays("db-a", dbA));
  expect(await webToDb(dbB)).toEqual(bothWays("db-b", dbB));
  expect(await ping(webA.netns, dbB.address.ip6)).toBe(true);
  expect(await ping(dbB.netns, webA.address.ip6)).toBe(true);
});

test("a third network is as apart as ever, and so are the nodes' addresses in the other", async () => {
  expect(await exchanged(webA, [port, port + 2], apartA)).toEqual([nothing, nothing]);
  expect(await exchanged(dbB, [port + 1, port + 2], apartA)).toEqual([nothing, nothing]);
  const hosts = [dbA.own, dbB.own, { ip: "10.3.0.1", ip6: "fd00:3::a03:1" }];
  const tries = Object.fromEntries(
    hosts.flatMap(({ ip, ip6 }) =>
      [ip, ip6].map((address) => [address, { protocol: "tcp", address, port: port + 1 } as const]),
    ),
  );
  expect(Object.values(await ask(webA.netns, tries))).toEqual([...nothing, undefined, undefined]);
  expect(Object.values(await ask(dbA.netns, tries))).not.toContain(undefined);
});

test("a packet that is too large for a link on the way is answered as routers do", async () => {
  const say = async (family: "ip" | "ip6") => {
    const argv = ["ping", "-n", "-c1", "-W1", "-Mdo", "-s1395", dbB.address[family]];
    return (await run({ netns: webA.netns, argv })).stdout;
  };
  expect(await say("ip")).toMatch(/Frag needed and DF set \(mtu = 1400\)/);
  expect(await say("ip6")).toMatch(/Packet too big: mtu=1400/);
});

test("it is put back where others took the rules, or the switch's flows, away", async () => {
  await must({ netns: nodeA.netns, argv: ["nft", "delete", "table", "inet", "socketplane"] });
  const { stdout } = await nodeB.socketplane("network", "list", "-o", "table");
  expect(stdout).toMatch(/^web .* db$/m);
  const argv = ["nft", "flush", "set", "inet", "socketplane", "allowed"];
  await must({ netns: nodeB.netns, argv });
  for (const agent of agents) agent.kill("SIGHUP");
  await settled(true);
  await nodeB.ovs.killSwitch();
  await nodeB.ovs.startSwitch();
  await settled(true);
  expect(await webToDb(dbB)).toEqual(bothWays("db-b", dbB));
});

test("kept apart again, open connections are cut, and nothing is left of it", async () => {
  const talks = await Promise.all([
    openTalk({ from: webA.netns, to: dbB.netns, address: dbB.address.ip }),
    openTalk({ from: dbA.netns, to: webA.netns, address: webA.address.ip6 }),
  ]);
  try {
    expect(await Promise.all(talks.map(({ passes }) => passes()))).toEqual([true, true]);
    await policy("deny", nodeA);
    await settled(false);
    expect(await Promise.all(talks.map(({ passes }) => passes()))).toEqual([false, false]);
  } finally {
    for (const { end } of talks) await end();
  }
  expect(await webToDb(dbA)).toEqual([nothing, nothing]);
  expect(await webToDb(dbB)).toEqual([nothing, nothing]);
  for (const { netns } of cluster.nodes) {
    const argv = ["nft", "list", "set", "inet", "socketplane", "allowed"];
    expect(await must({ netns, argv })).not.toMatch(/"sp-(\w+)" \. "sp-(?!\1")/);
  }
});

test("a network that is deleted takes its policy with it", async () => {
  expect((await nodeA.socketplane("network", "create", "gone", "10.5.0.0/16")).status).toBe(0);
  expect((await nodeA.socketplane("network", "allow", "gone", "web")).status).toBe(0);
  const allowedOf = async () => {
    const { json } = await nodeB.socketplane("network", "show", "web");
    return (json as { readonly allowed?: readonly string[] }).allowed;
  };
  expect(await allowedOf()).toEqual(["gone"]);
  const deleted = await nodeB.socketplane("network", "delete", "gone");
  expect({ status: deleted.status, stderr: deleted.status === 0 ? "" : deleted.stderr }).toEqual({
    status: 0,
    stderr: "",
  });
  expect(await allowedOf()).toBeUndefined();
  await until("that nothing names it", async () => {
    const argv = ["nft", "list", "set", "inet", "socketplane", "allowed"];
    const sets = await Promise.all(cluster.nodes.map(({ netns }) => must({ netns, argv })));
    return !sets.join().includes("sp-gone");
  });
});
