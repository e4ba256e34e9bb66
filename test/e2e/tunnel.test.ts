/**
 * What crosses between nodes, and what does not. Forged frames are sent together with honest ones:
 * those arrive, so that the absence of the others says something. Without agents: an ADD alone
 * brings its network up to date.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { age } from "../lab/age.ts";
import { type Attached, attach, check, detach } from "../lab/attach.ts";
import { capture, captureFrames } from "../lab/capture.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { arp, nd, reply4, reply6, sendFrames, tagged } from "../lab/frames.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { arping, isFree, link, ping, reaches, transfer } from "../lab/probe.ts";
import { must, run } from "../lab/run.ts";
import { sendTunnelled, vxlan } from "../lab/tunnel-frames.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const db = { cniVersion: "1.1.0", name: "db", type: "socketplane", subnet: "10.3.0.0/16" };
const gateway = { address: "10.2.0.1", address6: "fd00:2::a02:1", mac: "02:42:0a:02:00:01" };

let lab: Lab;
let cluster: Cluster;
let a: ClusterNode;
let b: ClusterNode;
let c: ClusterNode;
/** One container on each node. */
let onA: Attached;
let onB: Attached;
let onC: Attached;
const all: { readonly node: ClusterNode; readonly conf: object; readonly one: Attached }[] = [];

async function add(node: ClusterNode, conf: object): Promise<Attached> {
  const one = await attach(node, node.addContainer(), conf);
  // What is counted are frames that were sent on purpose: a kernel asks each neighbour again, some
  // seconds after it has spoken to it.
  const never = ["ipv4", "ipv6"].map((ip) => `net.${ip}.neigh.eth0.delay_first_probe_time=3600`);
  await must({ netns: one.container.netns, argv: ["sysctl", "-qw", ...never] });
  all.push({ node, conf, one });
  return one;
}

beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 3 });
  const [first, second, third] = cluster.nodes;
  if (first === undefined || second === undefined || third === undefined) throw new Error("nodes");
  [a, b, c] = [first, second, third];
  onA = await add(a, web);
  onB = await add(b, web);
  onC = await add(c, web);
});
afterAll(async () => {
  try {
    for (const { node, conf, one } of all) await detach(node, one.container, conf);
    await assertNothingLeft(cluster.nodes);
  } finally {
    await lab.close();
  }
});

async function vniOf(network: string): Promise<number> {
  const stored = (await cluster.readStore()).find(({ key }) => key === `networks/${network}`);
  return JSON.parse(stored?.value ?? "{}").vni;
}

test("an ADD that finds its network's cache stale brings the switch up to date", async () => {
  // C came last, and knows of both; A came first, and of nobody.
  expect(await ping(onC.container.netns, onA.address)).toBe(false);
  age(a);
  const another = await add(a, web);
  expect(await reaches(onC.container.netns, onA.address)).toBe(true);
  expect(await reaches(onC.container.netns, another.address)).toBe(true);
  // The container that was there before is confirmed on all of it.
  await check(a, onA, web);
  age(b);
  await add(b, web);
  await reachAll();
});

async function reachAll(): Promise<void> {
  const places = [onA, onB, onC];
  for (const from of places) {
    for (const to of places.filter((one) => one !== from)) {
      for (const address of [to.address, to.address6 ?? ""]) {
        const reached = await reaches(from.container.netns, address);
        expect({ from: from.address, address, reached }).toMatchObject({ reached: true });
      }
    }
  }
}

describe("on the wire", () => {
  test("frames go under the network's VNI, and each to one container", async () => {
    const mark = await cluster.wire.mark();
    const { netns } = onA.container;
    await must({ netns, argv: ["ip", "neighbour", "flush", "dev", "eth0"] });
    await must({ netns, argv: ["ip", "-6", "neighbour", "flush", "dev", "eth0"] });
    expect(await reaches(netns, onB.address)).toBe(true);
    expect(await reaches(netns, onB.address6 ?? "")).toBe(true);
    // What has no single receiver crosses to nobody.
    const head = { to: "ff:ff:ff:ff:ff:ff", from: onA.mac };
    const claim = { sha: onA.mac, spa: onA.address, tpa: "10.2.255.255" };
    await sendFrames(netns, "eth0", [
      arp(head, "request", claim),
      reply4(head, onA.address, "255.255.255.255"),
      reply6({ ...head, to: "33:33:00:00:00:01" }, onA.address6 ?? "", "ff02::1"),
    ]);
    const frames = (await cluster.wire.since(mark)).filter(({ tunnel }) => tunnel !== undefined);
    const vni = await vniOf("web");
    const asked = frames.filter(({ destination }) => destination === onB.mac);
    // ARP and neighbour discovery are among them: made unicast, from A's VTEP to B's.
    expect(new Set(asked.map(({ etherType }) => etherType))).toEqual(
      new Set([0x0806, 0x0800, 0x86dd]),
    );
    for (const { tunnel } of asked) expect(tunnel).toEqual({ vni, from: a.vtep, to: b.vtep });
    const receivers = new Set(frames.map(({ destination }) => destination));
    expect(receivers).toEqual(new Set([onA.mac, onB.mac]));
  });

  test("nothing of a network that is on one node only", async () => {
    const mark = await cluster.wire.mark();
    const one = await add(a, db);
    const other = await add(a, db);
    expect(await reaches(one.container.netns, other.address)).toBe(true);
    expect(await ping(one.container.netns, "10.3.9.9")).toBe(false);
    const vni = await vniOf("db");
    const frames = await cluster.wire.since(mark);
    expect(frames.filter(({ tunnel }) => tunnel?.vni === vni)).toEqual([]);
  });
});

test("an address on another node is found taken, and a free one free", async () => {
  const { netns } = onA.container;
  expect(await arping(netns, onB.address)).toEqual([onB.mac]);
  expect(await isFree(netns, onB.address)).toBe(false);
  const free = onB.address.replace(/\.\d+$/, ".60");
  expect(await isFree(netns, free)).toBe(true);
  expect(await arping(netns, free)).toEqual([]);
});

test("the gateway is the own node's, whichever node holds its block", async () => {
  const own = await must({ netns: b.netns, argv: ["cat", "/sys/class/net/sp-web/address"] });
  expect(await arping(onB.container.netns, gateway.address)).toEqual([own.trim()]);
});

test("what fits into the underlay with VXLAN around it passes whole, and TCP does", async () => {
  expect(await link(onA.container.netns, "eth0")).toMatchObject({ mtu: 1450 });
  const whole = (address: string, size: number) => {
    const argv = ["ping", "-n", "-c2", "-i0.2", "-W1", "-Mdo", "-s", `${size}`, address];
    return run({ netns: onA.container.netns, argv });
  };
  expect(await whole(onB.address, 1450 - 28)).toMatchObject({ status: 0 });
  expect(await whole(onB.address6 ?? "", 1450 - 48)).toMatchObject({ status: 0 });
  expect((await whole(onB.address, 1450 - 27)).status).not.toBe(0);
  const way = { from: onA.container.netns, to: onB.container.netns };
  expect(await transfer({ ...way, address: onB.address })).toMatchObject({ received: 100_000 });
});

describe("of what a node sends to another past its own switch", () => {
  /** What B may send to the container on A, by name. */
  function honest(): Readonly<Record<string, Uint8Array>> {
    const head = { to: onA.mac, from: onB.mac };
    const claim = { sha: onB.mac, spa: onB.address, tpa: onA.address };
    const [source, destination] = [onB.address6 ?? "", onA.address6 ?? ""];
    const about = { source, destination, option: onB.mac };
    return {
      IPv4: reply4(head, onB.address, onA.address),
      // What B's host routes into the network: any source is right.
      "IPv4 from far away": reply4(head, "203.0.113.9", onA.address),
      IPv6: reply6(head, source, destination),
      "ARP request": arp(head, "request", claim),
      "ARP reply": arp(head, "reply", claim),
      advertisement: nd(head, "neighbourAdvertisement", { ...about, target: source }),
    };
  }

  /** As whom else it may send: by MAC, or by what it says in ARP, IP and neighbour discovery. */
  function forged(own: string): Readonly<Record<string, Uint8Array>> {
    const from = (mac: string) => reply4({ to: onA.mac, from: mac }, onB.address, onA.address);
    const head = { to: onA.mac, from: onB.mac };
    const claim = { sha: onB.mac, spa: onB.address, tpa: onA.address };
    const [source, destination] = [onB.address6 ?? "", onA.address6 ?? ""];
    const about = { source, destination, option: onB.mac };
    return {
      "another node's MAC": from(onC.mac),
      "the receiver's own MAC": from(onA.mac),
      "the gateway's MAC": from(gateway.mac),
      "a MAC that nobody holds": from("02:42:0a:02:ff:f0"),
      "a MAC that is not computed": from("0e:42:0a:02:00:03"),
      "ARP request by the gateway": arp(head, "request", { ...claim, spa: gateway.address }),
      "ARP reply by the gateway": arp(head, "reply", { ...claim, spa: gateway.address }),
      "IPv4 from the gateway": reply4(head, gateway.address, onA.address),
      "IPv6 from the gateway": reply6(head, gateway.address6, destination),
      "advertisement for the gateway": nd(head, "neighbourAdvertisement", {
        ...about,
        target: gateway.address6,
      }),
      "ARP reply by the receiver's node": arp(head, "reply", { ...claim, spa: own }),
      "IPv4 from the receiver's node": reply4(head, own, onA.address),
      "a VLAN": tagged(reply4(head, onB.address, onA.address), 5),
      "a broadcast": reply4({ ...head, to: "ff:ff:ff:ff:ff:ff" }, onB.address, onA.address),
      "a broadcast request": arp({ ...head, to: "ff:ff:ff:ff:ff:ff" }, "request", claim),
      "a multicast": reply6({ ...head, to: "33:33:00:00:00:01" }, source, "ff02::1"),
    };
  }

  // Not "inbound": *measured*, tcpdump then misses the first frame.
  const notFrom = ({ mac }: Attached) => `not ether src ${mac}`;
  const hex = (frame: Uint8Array) => Buffer.from(frame).toString("hex");

  test("only what it holds the lease for arrives", async () => {
    const vni = await vniOf("web");
    const shown = await must({
      netns: a.netns,
      argv: ["ip", "-4", "-o", "addr", "show", "sp-web"],
    });
    const [, own = ""] = /inet (\S+)\/16/.exec(shown) ?? [];
    const frames = { ...forged(own), ...honest() };
    const names = new Map(Object.entries(frames).map(([name, frame]) => [hex(frame), name]));
    const seen = await captureFrames(onA.container.netns, "eth0", notFrom(onA));
    const atHost = await capture(a.netns, "sp-web", `ether src ${onB.mac}`);
    await sendTunnelled(
      b.netns,
      a.vtep,
      Object.values(frames).map((frame) => vxlan(vni, frame)),
    );
    const arrived = (await seen.stop()).map((frame) => names.get(hex(frame)) ?? hex(frame));
    // In whatever order: the first of a kind goes the long way through the switch.
    expect(arrived.sort()).toEqual(Object.keys(honest()).sort());
    expect(await atHost.stop()).toEqual([]);
  });

  test("nothing of it arrives under another VNI", async () => {
    const seen = await captureFrames(onA.container.netns, "eth0", notFrom(onA));
    const [web, db] = [await vniOf("web"), await vniOf("db")];
    const frame = Object.values(honest())[0] ?? new Uint8Array();
    const under = [db, 0, 0xffffff, web].map((vni) => vxlan(vni, frame));
    await sendTunnelled(b.netns, a.vtep, under);
    expect(await seen.stop()).toHaveLength(1);
  });

  test("not even the node that holds the gateway's block is the gateway of others", async () => {
    const vni = await vniOf("web");
    const head = { to: onB.mac, from: gateway.mac };
    const claim = { sha: gateway.mac, spa: onA.address, tpa: onB.address };
    const honest = reply4({ ...head, from: onA.mac }, onA.address, onB.address);
    const seen = await captureFrames(onB.container.netns, "eth0", notFrom(onB));
    const frames = [reply4(head, onA.address, onB.address), arp(head, "reply", claim), honest];
    await sendTunnelled(
      a.netns,
      b.vtep,
      frames.map((frame) => vxlan(vni, frame)),
    );
    expect((await seen.stop()).map(hex)).toEqual([hex(honest)]);
  });

  test("nothing goes on: neither into another tunnel, nor to the gateway", async () => {
    const vni = await vniOf("web");
    const atC = await captureFrames(onC.container.netns, "eth0", `ether src ${onB.mac}`);
    const atHost = await capture(a.netns, "sp-web", `ether src ${onB.mac}`);
    const to = (mac: string, address: string) =>
      vxlan(vni, reply4({ to: mac, from: onB.mac }, onB.address, address));
    const asked = arp({ to: "ff:ff:ff:ff:ff:ff", from: onB.mac }, "request", {
      sha: onB.mac,
      spa: onB.address,
      tpa: onC.address,
    });
    const mark = await cluster.wire.mark();
    const toC = to(onC.mac, onC.address);
    const toGateway = to(gateway.mac, gateway.address);
    await sendTunnelled(b.netns, a.vtep, [toC, toGateway, vxlan(vni, asked)]);
    await sendTunnelled(b.netns, c.vtep, [toC]);
    // The one that was sent to its own node.
    expect(await atC.stop()).toHaveLength(1);
    expect(await atHost.stop()).toEqual([]);
    const left = (await cluster.wire.since(mark)).filter(({ tunnel }) => tunnel?.from === a.vtep);
    expect(left).toEqual([]);
  });
});

describe("CHECK says so where", () => {
  const faults = async () => {
    const conf = { ...web, prevResult: onA.result };
    const { json } = await a.cni({ command: "CHECK", conf, container: onA.container });
    return json;
  };

  /** As a switch that forgot them: the next ADD puts all flows in, and makes what is missing. */
  async function putRight(): Promise<void> {
    a.ovs.ofctl("del-flows", "sp0");
    await add(a, web);
    await check(a, onA, web);
    expect(await reaches(onA.container.netns, onB.address)).toBe(true);
  }

  test("the way to another node is gone", async () => {
    a.ovs.ofctl("del-flows", "sp0", "table=30,cookie=0x5350020000000000/0xffffff0000000000");
    expect(await ping(onA.container.netns, onB.address)).toBe(false);
    expect(await faults()).toMatchObject({
      code: 104,
      msg: expect.stringContaining(
        'the switch lacks 2 of the flows of other nodes in network "web"',
      ),
    });
    await putRight();
  });

  test.each([
    ["gone", ["del-port", "sptunnel"], 'port "sptunnel" is gone from the switch'],
    [
      "another one's",
      ["set", "interface", "sptunnel", "options:local_ip=192.0.2.99"],
      'port "sptunnel" has local_ip 192.0.2.99, not 192.0.2.1',
    ],
  ])("the tunnel is %s", async (_, change, message) => {
    a.ovs.vsctl(...change);
    expect(await faults()).toMatchObject({ code: 104, msg: expect.stringContaining(message) });
    await putRight();
  });
});
