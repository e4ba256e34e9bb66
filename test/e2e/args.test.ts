/** What CNI_ARGS, args and capabilities ask for one container, and two interfaces of one. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attach, check, detach } from "../lab/attach.ts";
import { startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, LabNode } from "../lab/node.ts";
import { ping, reaches } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

const plain = { cniVersion: "1.1.0", name: "net", type: "socketplane" };
const web = { ...plain, name: "web", subnet: "10.2.0.0/16" };
const db = { ...plain, name: "db", subnet: "10.3.0.0/16" };

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
});
afterEach(() => lab.close());

const add = (conf: unknown, more: Partial<CniCall> = {}) =>
  node.cni({ command: "ADD", conf, container: node.addContainer(), ...more });

async function networks(): Promise<Readonly<Record<string, string>>> {
  const { json } = await node.socketplane("network", "list");
  const all = json as readonly { id: string; subnet: string; gateway: string }[];
  return Object.fromEntries(all.map(({ id, subnet, gateway }) => [id, `${subnet} ${gateway}`]));
}

describe("SOCKETPLANE_CIDR", () => {
  const args = "SOCKETPLANE_CIDR=10.0.6.1/24";

  test("makes the network of that subnet and gateway, and finds it the next time", async () => {
    const one = await attach(node, node.addContainer(), plain, { args });
    const two = await attach(node, node.addContainer(), web, { args });
    expect([one.address, two.address]).toEqual(["10.0.6.3", "10.0.6.4"]);
    expect(await networks()).toEqual({ "10.0.6.0-24": "10.0.6.0/24 10.0.6.1" });
    expect(await reaches(one.container.netns, two.address)).toBe(true);
    expect(ip("-n", one.container.netns, "route", "show", "default")).toMatch(/via 10\.0\.6\.1 /);
    await assertSound([node]);
    await check(node, one, plain, { args });
    await check(node, two, web, { args });
    // DEL needs no arguments.
    await detach(node, one.container, plain);
    await detach(node, two.container, web, { args });
    await assertNothingLeft([node]);
  });

  test("finds a network by its subnet, whatever it is called", async () => {
    await node.socketplane("network", "create", "old", "10.0.6.0/24", "--gateway", "10.0.6.254");
    const asked = "SOCKETPLANE_CIDR=10.0.6.254/24;IP=10.0.6.9";
    const { container, address } = await attach(node, node.addContainer(), web, { args: asked });
    expect(address).toBe("10.0.6.9");
    expect(Object.keys(await networks())).toEqual(["old"]);
    await detach(node, container, web);
    expectRefusal(await add(web, { args }), {
      code: 101,
      says: ['Cannot use network "old": it exists', "gateway is 10.0.6.254, not 10.0.6.1"],
    });
    await assertNothingLeft([node]);
  });

  test("is the configuration's own network where its subnet is that", async () => {
    const conf = { ...web, subnet: "10.0.6.0/24" };
    const { container } = await attach(node, node.addContainer(), conf, { args });
    expect(await networks()).toEqual({ web: "10.0.6.0/24 10.0.6.1" });
    await detach(node, container, conf);
    expectRefusal(await add({ ...conf, gateway: "10.0.6.9" }, { args }), {
      code: 2,
      says: [
        'Cannot honour "SOCKETPLANE_CIDR" 10.0.6.1/24: the configuration\'s gateway is 10.0.6.9',
      ],
    });
  });

  test.each<[string, number, string]>([
    ["10.0.6/24", 4, "SOCKETPLANE_CIDR"],
    ["10.0.6.0/24", 7, "gateway 10.0.6.0 is not a usable address"],
    ["10.0.6.1/31", 7, "subnet 10.0.6.0/31 is too small"],
    ["127.0.0.1/24", 7, "its subnet reaches into"],
  ])("%s is refused", async (text, code, says) => {
    const outcome = await add(web, { args: `SOCKETPLANE_CIDR=${text}` });
    expect((JSON.parse(outcome.stdout) as { code: number }).code, outcome.stdout).toBe(code);
    expectRefusal(outcome, { code, says: [says] });
    expect(await networks()).toEqual({});
    await assertNothingLeft([node]);
  });

  test("is the same network on all nodes, and for socketplane-ipam", async () => {
    const cluster = await startCluster(lab, { nodes: 2 });
    const attached = await Promise.all(
      cluster.nodes.map((each) => attach(each, each.addContainer(), plain, { args })),
    );
    expect(new Set(attached.map(({ address }) => address)).size).toBe(2);
    const [one] = cluster.nodes;
    const ipam = { ...plain, type: "bridge", ipam: { type: "socketplane-ipam" } };
    const container = one?.addContainer();
    if (one === undefined || container === undefined) throw new Error("no node");
    const call = { plugin: "socketplane-ipam", conf: ipam, container, ifname: "eth7" } as const;
    expect(await one.cni({ command: "ADD", ...call, args })).toMatchObject({
      json: { ips: [{ address: expect.stringMatching(/^10\.0\.6\..*\/24/), gateway: "10.0.6.1" }] },
    });
    const stored = (await cluster.readStore()).map(({ key }) => key);
    expect(stored.filter((key) => key.startsWith("networks/"))).toEqual(["networks/10.0.6.0-24"]);
    await assertClusterSound(cluster, { behind: "all" });
    expect(await one.cni({ command: "DEL", ...call })).toMatchObject({ status: 0 });
    for (const [at, { container }] of attached.entries()) {
      const each = cluster.nodes[at];
      if (each !== undefined) await detach(each, container, plain);
    }
    await assertClusterEmpty(cluster, { behind: "all" });
  });
});

test("what Kubernetes says of a pod is written down, and shown by address list", async () => {
  const pod = { K8S_POD_NAMESPACE: "shop", K8S_POD_NAME: "web-0", K8S_POD_UID: "1-2-3" };
  const said = Object.entries({ ...pod, K8S_POD_INFRA_CONTAINER_ID: "abc" });
  const args = ["IgnoreUnknown=1", ...said.map((pair) => pair.join("="))].join(";");
  const { container, address } = await attach(node, node.addContainer(), web, { args });
  const list = ["address", "list"];
  const { json } = await node.socketplane(...list);
  expect((json as readonly { address: string }[]).find((one) => one.address === address)).toEqual({
    network: "web",
    address,
    node: node.name,
    container: container.id,
    ifname: "eth0",
    mac: "02:42:0a:02:00:03",
    name: "web",
    pod: "shop/web-0",
    workload: { ...pod, K8S_POD_INFRA_CONTAINER_ID: "abc" },
  });
  const { stdout } = await node.socketplane(...list, "-o", "table");
  expect(stdout).toMatch(/^NETWORK .* POD$/m);
  expect(stdout).toMatch(/^web +10\.2\.0\.3 .* shop\/web-0$/m);
  await detach(node, container, web, { args });
  await assertNothingLeft([node]);
});

test("aliases are taken, by all who write them, and dns is handed on", async () => {
  const dns = { servers: ["192.0.2.53"], searches: ["shop.example"], options: ["ndots:2"] };
  for (const aliases of [["db", "main"], { web: ["db"] }]) {
    const conf = { ...web, runtimeConfig: { aliases, dns } };
    const { container, result } = await attach(node, node.addContainer(), conf);
    expect(result).toMatchObject({
      dns: { nameservers: dns.servers, search: dns.searches, options: dns.options },
    });
    await detach(node, container, conf);
  }
  expectRefusal(
    await add({ ...web, runtimeConfig: { portMappings: [{ hostPort: 1, containerPort: 2 }] } }),
    {
      code: 2,
      says: ['"runtimeConfig.portMappings" is not supported', "hostPort"],
    },
  );
  await assertNothingLeft([node]);
});

describe("two interfaces of one container", () => {
  const defaultOf = (netns: string) => ip("-n", netns, "route", "show", "default").trim();
  const net1 = { ifname: "net1" };

  test("the second leaves the default route of the first alone", async () => {
    const container = node.addContainer();
    const first = await attach(node, container, web);
    const second = await attach(node, container, db, net1);
    expect(second.result).toMatchObject({ ips: [{ address: "10.3.0.3/16" }] });
    expect((second.result as { routes?: object[] }).routes ?? []).toEqual([]);
    expect(defaultOf(container.netns)).toMatch(/^default via 10\.2\.0\.1 dev eth0/);
    for (const gateway of ["10.2.0.1", "10.3.0.1"]) {
      expect(await ping(container.netns, gateway)).toBe(true);
    }
    await assertSound([node]);
    await check(node, first, web);
    await check(node, second, db, net1);
    await detach(node, container, web);
    expect(await ping(container.netns, "10.3.0.1")).toBe(true);
    await check(node, second, db, net1);
    await detach(node, container, db, net1);
    await assertNothingLeft([node]);
  });

  test("unless it is told to, or neither is", async () => {
    const container = node.addContainer();
    await attach(node, container, { ...web, defaultRoute: false });
    expect(defaultOf(container.netns)).toBe("");
    const second = await attach(node, container, { ...db, defaultRoute: true }, net1);
    expect(defaultOf(container.netns)).toMatch(/^default via 10\.3\.0\.1 dev net1/);
    await check(node, second, { ...db, defaultRoute: true }, net1);
    // Told to set one that is there, it can't: an error, and nothing is left of it.
    const third = { ...plain, name: "cache", subnet: "10.4.0.0/16", defaultRoute: true };
    const refused = await add(third, { container, ifname: "net2" });
    expect(refused.status).toBe(1);
    expect(ip("-n", container.netns, "-br", "link")).not.toContain("net2");
    await detach(node, container, web);
    await detach(node, container, db, net1);
    await assertNothingLeft([node]);
  });

  test("of both families", async () => {
    const container = node.addContainer();
    await attach(node, container, { ...web, subnet6: "fd00:2::/64" });
    const six = { ...db, subnet6: "fd00:3::/64" };
    const second = await attach(node, container, six, net1);
    const default6 = ip("-n", container.netns, "-6", "route", "show", "default");
    expect(default6).toMatch(/^default via fd00:2::a02:1 dev eth0/);
    expect(default6).not.toContain("net1");
    await check(node, second, six, net1);
    expect(await ping(container.netns, "fd00:3::a03:1")).toBe(true);
    await detach(node, container, web);
    await detach(node, container, six, net1);
    await assertNothingLeft([node]);
  });
});
