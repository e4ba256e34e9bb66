/** A MAC that was asked for: on the link, on the switches of all nodes, and free again after DEL. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { age } from "../lab/age.ts";
import { attach, check, detach } from "../lab/attach.ts";
import { type Cluster, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { deedsOf, dyingBefore } from "../lab/deeds.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { arping, isFree, ping, reaches, transfer } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { until } from "../lab/until.ts";
import { expectRefusal } from "./refusals.ts";

const conf = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/24",
  subnet6: "fd00:2::/64",
};
const mac = "0a:58:00:00:00:01";
const other = "0a:58:00:00:00:02";
const withMac = (text: string) => ({ ...conf, runtimeConfig: { mac: text } });

let lab: Lab;
beforeEach(() => {
  lab = openLab();
});
afterEach(() => lab.close());

describe("on one machine", () => {
  let node: LabNode;
  let container: Container;
  beforeEach(async () => {
    node = await lab.startNode();
    container = node.addContainer();
  });
  const add = (more: Partial<CniCall>) => node.cni({ command: "ADD", conf, container, ...more });
  const macsInStore = async () =>
    (await node.readStore()).map(({ key }) => key).filter((key) => key.startsWith("macs/"));

  test.each<[string, Partial<CniCall>]>([
    ["the capability", { conf: withMac(mac) }],
    ["args", { conf: { ...conf, args: { cni: { mac } } } }],
    ["CNI_ARGS", { args: `MAC=${mac}` }],
    [
      "the capability, before the other two",
      {
        conf: { ...withMac(mac), args: { cni: { mac: other } } },
        args: "MAC=0a:58:00:00:00:03",
      },
    ],
  ])("by %s", async (_, asked) => {
    const plain = await attach(node, node.addContainer(), conf);
    const { json, stdout, status } = await add(asked);
    expect(status, stdout).toBe(0);
    const result = json as { ips: { address: string }[] };
    expect(json).toMatchObject({ interfaces: [{}, { name: "eth0", mac }] });
    await assertSound([node]);
    const [address = "", address6 = ""] = result.ips.map((one) => one.address.replace(/\/.*/, ""));
    // From a container, from the host, and back; both families; nobody else answers.
    expect(await arping(plain.container.netns, address)).toEqual([mac]);
    expect(await isFree(plain.container.netns, address)).toBe(false);
    for (const from of [plain.container.netns, node.netns]) {
      for (const to of [address, address6])
        expect(await ping(from, to), `${from} ${to}`).toBe(true);
    }
    for (const to of ["10.2.0.1", plain.address, plain.address6 ?? ""]) {
      expect(await ping(container.netns, to), to).toBe(true);
    }
    const { conf: askedBy = conf, ...more } = asked;
    await check(node, { container, result }, askedBy as object, more);
    expect(await macsInStore()).toHaveLength(1);
    await detach(node, container, conf);
    expect(await macsInStore()).toEqual([]);
    expect((await factsOf(node)).leases).toHaveLength(1);
    await detach(node, plain.container, conf);
    await assertNothingLeft([node]);
  });

  test("a computed one asks for its address", async () => {
    const { address } = await attach(node, container, withMac("02:42:0a:02:00:09"));
    expect(address).toBe("10.2.0.9");
    await detach(node, container, conf);
    await assertNothingLeft([node]);
  });

  test.each<[string, number, string]>([
    ["01:00:5e:00:00:01", 2, "it is no single interface's"],
    ["02:42:0a:09:00:09", 2, "it is that of 10.9.0.9"],
    ["0a:58", 7, '"runtimeConfig.mac" must be a MAC, not "0a:58"'],
  ])("%s is refused", async (text, code, says) => {
    expectRefusal(await add({ conf: withMac(text) }), { code, says: [says] });
    await assertNothingLeft([node]);
  });

  test("one that is taken is refused, and is had after GC", async () => {
    await attach(node, container, withMac(mac));
    const second = node.addContainer();
    expectRefusal(await node.cni({ command: "ADD", conf: withMac(mac), container: second }), {
      code: 102,
      says: [`Cannot assign MAC ${mac} in network "web": it is taken by container ${container.id}`],
    });
    // Another network is another matter.
    const db = { ...withMac(mac), name: "db", subnet: "10.3.0.0/24", subnet6: "fd00:3::/64" };
    await attach(node, second, db, { ifname: "eth1" });
    await detach(node, second, db, { ifname: "eth1" });
    const gc = { ...conf, "cni.dev/valid-attachments": [] };
    expect(await node.cni({ command: "GC", conf: gc })).toMatchObject({ status: 0 });
    expect(await macsInStore()).toEqual([]);
    await assertNothingLeft([node]);
    await attach(node, second, withMac(mac));
    await detach(node, second, conf);
  });

  test("an ADD that fails after it leaves nothing of it", async () => {
    ip("-n", container.netns, "link", "add", "eth0", "type", "veth", "peer", "name", "eth9");
    expectRefusal(await add({ conf: withMac(mac) }), { code: 103, says: ["eth0"] });
    expect(await macsInStore()).toEqual([]);
    await assertNothingLeft([node]);
  });
});

test("killed at any moment of an ADD or DEL, then DEL and GC: nothing is left of it", {
  timeout: 600_000,
}, async () => {
  const node = await lab.startNode();
  const container = node.addContainer();
  const gc = { command: "GC", conf: { ...conf, "cni.dev/valid-attachments": [] } } as const;
  const asked = { conf: withMac(mac), container } as const;
  const first = await attach(node, node.addContainer(), conf);
  await detach(node, first.container, conf);
  const adding = await deedsOf(node, { command: "ADD", ...asked });
  expect(adding.outcome).toMatchObject({ status: 0 });
  const removing = await deedsOf(node, { command: "DEL", ...asked });
  const store = async () =>
    (await node.readStore()).map(({ key }) => key).filter((key) => /^macs|-32$/.test(key));
  expect(await store()).toEqual([]);
  const faults: string[] = [];
  for (const [command, { deeds }] of [["ADD", adding] as const, ["DEL", removing] as const]) {
    expect(deeds.length).toBeGreaterThan(10);
    for (const deed of deeds) {
      try {
        if (command === "DEL") await attach(node, container, withMac(mac));
        await node.cni({ command, ...asked, under: dyingBefore(deed) });
        await detach(node, container, conf);
        expect(await node.cni(gc)).toMatchObject({ status: 0 });
        expect(await store()).toEqual([]);
        await assertNothingLeft([node], { killed: true });
      } catch (fault) {
        faults.push(`${command} before ${deed.shown}: ${String(fault)}`);
        await node.cni(gc);
      }
    }
  }
  expect(faults).toEqual([]);
  // And all begins anew.
  await attach(node, container, withMac(mac));
  await detach(node, container, conf);
});

describe("in a cluster", () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await startCluster(lab, { nodes: 2 });
  });

  test.each(["with agents", "without agents"])(
    "containers reach it from another node, and it moves there: %s",
    async (agents) => {
      const [one, two] = cluster.nodes;
      if (one === undefined || two === undefined) throw new Error("no nodes");
      if (agents === "with agents") {
        for (const node of cluster.nodes) await node.startAgent();
      }
      const behind = agents === "with agents" ? {} : { behind: "all" as const };
      const given = await attach(one, one.addContainer(), withMac(mac));
      expect(given.mac).toBe(mac);
      const far = await attach(two, two.addContainer(), conf);
      if (agents === "without agents") {
        // Its node learns of the other's block with an ADD, once what it has read is old.
        age(one);
        const more = one.addContainer();
        await attach(one, more, conf);
        await detach(one, more, conf);
      }
      await until("they reach each other", () => reaches(far.container.netns, given.address));
      expect(await arping(far.container.netns, given.address)).toEqual([mac]);
      expect(await arping(given.container.netns, far.address)).toEqual([far.mac]);
      expect(await reaches(far.container.netns, given.address6 ?? "")).toBe(true);
      const way = { from: far.container.netns, to: given.container.netns };
      expect(await transfer({ ...way, address: given.address })).toMatchObject({
        from: expect.stringContaining(far.address),
      });
      await assertClusterSound(cluster, behind);
      expectRefusal(
        await two.cni({ command: "ADD", conf: withMac(mac), container: two.addContainer() }),
        { code: 102, says: [`it is taken by ${given.address} on node "${one.name}"`] },
      );
      await detach(one, given.container, conf);
      const again = await attach(two, two.addContainer(), withMac(mac));
      expect(again.mac).toBe(mac);
      await detach(two, again.container, conf);
      await detach(two, far.container, conf);
      await assertClusterEmpty(cluster, behind);
      const left = (await cluster.readStore()).filter(({ key }) => key.startsWith("macs/"));
      expect(left).toEqual([]);
    },
  );
});
