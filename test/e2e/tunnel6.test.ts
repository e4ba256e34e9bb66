/** The same tunnel, over an underlay of IPv6. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { age } from "../lab/age.ts";
import { type Attached, attach, check, detach } from "../lab/attach.ts";
import { capture } from "../lab/capture.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { reply4 } from "../lab/frames.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { link, reaches, transfer } from "../lab/probe.ts";
import { run } from "../lab/run.ts";
import { sendTunnelled, vxlan } from "../lab/tunnel-frames.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const vteps = ["2001:db8:2::1", "2001:db8:2::2", "2001:db8:2::3"] as const;

let lab: Lab;
let cluster: Cluster;
let a: ClusterNode;
let b: ClusterNode;
let c: ClusterNode;
let onA: Attached;
let onB: Attached;
let again: Attached;
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 0 });
  const [one, two, three] = vteps;
  a = await cluster.addNode({ config: { vtep: { address: one } } });
  b = await cluster.addNode({ config: { vtep: { address: two } } });
  c = await cluster.addNode({ config: { vtep: { address: three } } });
  onA = await attach(a, a.addContainer(), web);
  onB = await attach(b, b.addContainer(), web);
  age(a);
  again = await attach(a, a.addContainer(), web);
});
afterAll(async () => {
  try {
    for (const { container } of [onA, again]) await detach(a, container, web);
    await detach(b, onB.container, web);
    await assertNothingLeft([a, b]);
  } finally {
    await lab.close();
  }
});

test("containers on two nodes reach each other, under the network's VNI", async () => {
  for (const address of [onB.address, onB.address6 ?? ""]) {
    expect(await reaches(onA.container.netns, address)).toBe(true);
  }
  const way = { from: onA.container.netns, to: onB.container.netns, address: onB.address };
  expect(await transfer(way)).toMatchObject({ received: 100_000 });
  const frames = (await cluster.wire.news()).filter(({ tunnel }) => tunnel !== undefined);
  expect(frames.length).toBeGreaterThan(0);
  for (const { tunnel } of frames) expect(tunnel?.vni).toBe(1);
  await check(a, onA, web);
});

test("IPv6 takes 20 bytes more: what fits passes whole", async () => {
  const { netns } = onA.container;
  expect(await link(netns, "eth0")).toMatchObject({ mtu: 1430 });
  const whole = ["ping", "-n", "-c2", "-i0.2", "-W1", "-Mdo", "-s", `${1430 - 28}`, onB.address];
  expect(await run({ netns, argv: whole })).toMatchObject({ status: 0 });
});

test("a source is taken from the VTEP that holds its lease only", async () => {
  const seen = await capture(onA.container.netns, "eth0", `ether src ${onB.mac}`);
  const head = { to: onA.mac, from: onB.mac };
  const packet = vxlan(1, reply4(head, onB.address, onA.address));
  await sendTunnelled(c.netns, vteps[0], [packet, packet]);
  await sendTunnelled(b.netns, vteps[0], [packet]);
  expect(await seen.stop()).toHaveLength(1);
});
