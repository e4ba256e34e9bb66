/** The lab itself: what tests of clusters stand on works without any of ours. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, type ClusterNode, startCluster } from "./cluster.ts";
import { type Lab, openLab } from "./lab.ts";
import { ping, reaches, transfer } from "./probe.ts";
import { ip, must } from "./run.ts";

let lab: Lab;
let cluster: Cluster;
let one: ClusterNode;
let two: ClusterNode;
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 2 });
  const [first, second] = cluster.nodes;
  if (first === undefined || second === undefined) throw new Error("no nodes");
  [one, two] = [first, second];
});
afterAll(() => lab.close());

test("nodes reach each other's VTEPs and the store", async () => {
  expect([one.name, two.name]).toEqual(["host-a", "host-b"]);
  expect(await reaches(one.netns, two.vtep)).toBe(true);
  expect(await reaches(one.netns, "2001:db8:2::2")).toBe(true);
  const health = `${cluster.etcd.endpoints[0]}/health`;
  expect(await must({ netns: two.netns, argv: ["curl", "-s", health] })).toContain("true");
  cluster.etcd.etcdctl("put", "/socketplane/v1/networks/web", '{"id":"web"}');
  expect(await two.readStore()).toMatchObject([{ key: "networks/web", value: '{"id":"web"}' }]);
});

test("each is a machine of its own", async () => {
  const ids = [one, two].map(({ netns }) => must({ netns, argv: ["cat", "/etc/machine-id"] }));
  expect(await Promise.all(ids)).toEqual([`${one.machineId}\n`, `${two.machineId}\n`]);
  expect(one.machineId).not.toBe(two.machineId);
});

test("a frame is answered once", async () => {
  const argv = ["ping", "-n", "-c3", "-i0.2", "-W1", two.vtep];
  expect(await must({ netns: one.netns, argv })).not.toContain("DUP");
});

test("a cable is pulled out, and put in again", async () => {
  two.cutOff();
  expect(await ping(one.netns, two.vtep)).toBe(false);
  two.reconnect();
  expect(await reaches(one.netns, two.vtep)).toBe(true);
});

test("VXLAN passes between bridges made by hand, and is on the wire", async () => {
  const [from, to] = [bridge(one, two, "10.9.0.1"), bridge(two, one, "10.9.0.2")];
  for (const netns of [from, to])
    await must({ netns, argv: ["ethtool", "-K", "eth0", "tx", "off"] });
  expect(await reaches(from, "10.9.0.2")).toBe(true);
  const whole = ["ping", "-n", "-c1", "-W1", "-Mdo", "-s", `${1450 - 28}`, "10.9.0.2"];
  await must({ netns: from, argv: whole });
  expect(await transfer({ from, to, address: "10.9.0.2" })).toMatchObject({ received: 100_000 });
  const tunnelled = (await cluster.wire.news()).filter(({ tunnel }) => tunnel?.vni === 77);
  expect(tunnelled.some(({ senders }) => senders.includes("10.9.0.1"))).toBe(true);
});

test("a switch that was ended and started has its VTEP again", async () => {
  await one.ovs.endSwitch();
  expect(await ping(two.netns, one.vtep)).toBe(false);
  await one.ovs.startSwitch();
  expect(await reaches(two.netns, one.vtep)).toBe(true);
});

/** A learning switch with a tunnel and a container; gives the container's namespace. */
function bridge(node: ClusterNode, peer: ClusterNode, address: string): string {
  const { netns } = node.addContainer();
  const { vsctl } = node.ovs;
  vsctl("add-br", "hand0", "--", "set", "bridge", "hand0", "datapath_type=netdev");
  const options = { remote_ip: peer.vtep, local_ip: node.vtep, key: "77" };
  const set = Object.entries(options).map(([key, value]) => `options:${key}=${value}`);
  vsctl("add-port", "hand0", "tunnel0", "--", "set", "interface", "tunnel0", "type=vxlan", ...set);
  const inner = ["peer", "name", "eth0", "mtu", "1450", "netns", netns];
  ip("-n", node.netns, "link", "add", "hand1", "mtu", "1450", "type", "veth", ...inner);
  ip("-n", node.netns, "link", "set", "hand1", "up");
  ip("-n", netns, "address", "add", `${address}/24`, "dev", "eth0");
  ip("-n", netns, "link", "set", "eth0", "up");
  vsctl("add-port", "hand0", "hand1");
  return netns;
}
