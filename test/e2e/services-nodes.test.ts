/**
 * Between nodes: hosts and containers, services whose containers are elsewhere, and what of it is
 * seen on the underlay.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ip4, parseIp4 } from "../../lib/net/ip4.ts";
import { formatMac, macOfIp4 } from "../../lib/net/mac.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { sendFrames, udp4 } from "../lab/frames.ts";
import {
  type Endpoint,
  forgetServices,
  type Proxied,
  proxyServices,
  type Service,
} from "../lab/kube-proxy.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import { leaveCluster } from "../lab/leave.ts";
import { awaitPath, type Place, placeOn } from "../lab/place.ts";
import { must } from "../lab/run.ts";
import { ask } from "../lab/services.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const port = 8080;
const families = {
  ip: { podCidr: "10.2.0.0/16", serviceCidr: "10.96.0.0/16", onA: "10.96.0.10", onB: "10.96.0.20" },
  ip6: {
    podCidr: "fd00:2::/64",
    serviceCidr: "fd00:96::/112",
    onA: "fd00:96::10",
    onB: "fd00:96::20",
  },
} as const;
type Family = keyof typeof families;
const both = ["ip", "ip6"] as const;

let lab: Lab;
let cluster: Cluster;
let a: Place;
let b: Place;
let outside: Outside;
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 2 });
  const [nodeA, nodeB] = cluster.nodes as [ClusterNode, ClusterNode];
  for (const { netns } of cluster.nodes) await countStrays(netns);
  for (const node of cluster.nodes) await node.startAgent();
  a = await placeOn(lab, nodeA, web, { name: "a", ports: [port] });
  b = await placeOn(lab, nodeB, web, { name: "b", ports: [port] });
  outside = lab.addOutside(nodeA);
  lab.addOutside(nodeB);
  await awaitPath(a, b);
});
afterAll(() => leaveCluster(lab, cluster, [[web, a, b]]));

/** The servers at these addresses, over both protocols: "udp name". */
const at = (addresses: Readonly<Record<string, string>>, to = port) =>
  Object.fromEntries(
    Object.entries(addresses).flatMap(([name, address]) =>
      (["tcp", "udp"] as const).map((protocol) => [
        `${protocol} ${name}`,
        { protocol, address, port: to },
      ]),
    ),
  );
const answers = (expected: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(expected).flatMap(([name, answer]) =>
      ["tcp", "udp"].map((protocol) => [`${protocol} ${name}`, answer]),
    ),
  );

describe.each(both)("%s: without a service", (family) => {
  test("a host reaches its own containers and others, by its own address in the network", async () => {
    for (const { node, own } of [a, b]) {
      const containers = at({ a: a.address[family], b: b.address[family] });
      const seen = { a: `a ${own[family]}`, b: `b ${own[family]}` };
      expect(await ask(node.netns, containers)).toEqual(answers(seen));
    }
  });

  test("a container reaches a host at its address in the network, on either node", async () => {
    for (const { netns, address } of [a, b]) {
      const hosts = at({ a: a.own[family], b: b.own[family] });
      const seen = { a: `host-of-a ${address[family]}`, b: `host-of-b ${address[family]}` };
      expect(await ask(netns, hosts)).toEqual(answers(seen));
    }
  });

  test("a container reaches other nodes, and the world, by its node's address", async () => {
    const ways = at({ host: b.vtep[family] });
    expect(await ask(a.netns, ways)).toEqual(answers({ host: `host-of-b ${a.vtep[family]}` }));
    expect(await ask(b.netns, at({ host: a.vtep[family] }))).toEqual(
      answers({ host: `host-of-a ${b.vtep[family]}` }),
    );
  });
});

const ports = { onA: 30_010, onB: 30_020, local: 30_030 } as const;

/** What a node's kube-proxy knows: a service with its container on A, and one on B. */
function proxiedOn(here: Place, family: Family, podCidr: string | undefined): Proxied {
  const { serviceCidr, onA, onB } = families[family];
  const [endpointA, endpointB] = [a, b].map((place) => {
    return { address: place.address[family], port, local: place === here };
  }) as [Endpoint, Endpoint];
  const services = (["tcp", "udp"] as const).flatMap((protocol): readonly Service[] => [
    { name: "a", protocol, clusterIp: onA, port: 80, nodePort: ports.onA, endpoints: [endpointA] },
    { name: "b", protocol, clusterIp: onB, port: 80, nodePort: ports.onB, endpoints: [endpointB] },
    {
      name: "local",
      protocol,
      clusterIp: onA,
      port: 81,
      nodePort: ports.local,
      externalTrafficPolicy: "Local",
      endpoints: [endpointA],
    },
  ]);
  const outsideAt = family === "ip" ? outside.node : outside.node6;
  const nodeAddresses = [here.vtep[family], ...(here === a ? [outsideAt] : [])];
  return { family, podCidr, serviceCidr, nodeAddresses, services };
}

describe.each([
  ["nftables", "with podCidr"],
  ["iptables-nft", "without podCidr"],
] as const)("kube-proxy on both nodes, in mode %s, %s", (mode, podCidrs) => {
  beforeAll(async () => {
    for (const place of [a, b]) {
      for (const family of both) {
        const podCidr = podCidrs === "with podCidr" ? families[family].podCidr : undefined;
        await proxyServices(place.node.netns, mode, proxiedOn(place, family, podCidr));
      }
    }
  });
  afterAll(async () => {
    for (const { node } of [a, b]) await forgetServices(node.netns, mode);
  });

  test.each(both)("%s: from containers and hosts of both, to both", async (family) => {
    const services = at({ a: families[family].onA, b: families[family].onB }, 80);
    for (const { node, netns, own } of [a, b]) {
      const seen = answers({ a: `a ${own[family]}`, b: `b ${own[family]}` });
      expect(await ask(netns, services)).toEqual(seen);
      expect(await ask(node.netns, services)).toEqual(seen);
    }
  });

  test.each(both)("%s: from a container to the other node's ports", async (family) => {
    const onB = portsAt(b.vtep[family], ["onA", "onB"]);
    const seenOnB = { onA: `a ${b.own[family]}`, onB: `b ${b.own[family]}` };
    expect(await ask(a.netns, onB)).toEqual(answers(seenOnB));
    const kept = await ask(b.netns, portsAt(a.vtep[family], ["local"]));
    expect(kept).toEqual(answers({ local: `a ${b.vtep[family]}` }));
  });

  test.each(both)("%s: from outside to ports of a node, for containers of both", async (family) => {
    const [node, sender] =
      family === "ip" ? [outside.node, outside.address] : [outside.node6, outside.address6];
    const byA = { onA: `a ${a.own[family]}`, onB: `b ${a.own[family]}`, local: `a ${sender}` };
    const seen = await ask(outside.netns, portsAt(node, ["onA", "onB", "local"]));
    expect(seen).toEqual(answers(byA));
  });
});

const portsAt = (address: string, names: readonly (keyof typeof ports)[]) =>
  Object.assign({}, ...names.map((name) => at({ [name]: address }, ports[name])));

describe("the gateway's address", () => {
  test("is no sender between nodes, even of what is bound to it", async () => {
    const mark = await cluster.wire.mark();
    for (const [gateway, to] of [
      ["10.2.0.1", b.address.ip],
      ["fd00:2::a02:1", b.address.ip6],
    ] as const) {
      const argv = ["ping", "-n", "-c2", "-i0.2", "-W2", "-I", gateway, to];
      await must({ netns: a.node.netns, argv });
    }
    const seen = await cluster.wire.since(mark);
    const senders = new Set(seen.filter(({ tunnel }) => tunnel).flatMap((frame) => frame.senders));
    expect(senders).toContain(a.own.ip);
    expect(senders).not.toContain("10.2.0.1");
    expect(senders).not.toContain("fd00:2:0:0:0:0:a02:1");
  });
});

test("no frame of a container enters the host's kernel past the switch", async () => {
  for (const { node, netns, address } of [a, b]) {
    // What is sent to a MAC of the host's the kernel takes for its own, beside the switch's copy.
    const before = await strays(node.netns);
    const [to = ""] = await outerMacs(node.netns);
    const from = macOf(address.ip);
    const way = { source: address.ip, destination: node.vtep, from: port, to: port };
    await sendFrames(netns, "eth0", [udp4({ from, to }, way, Buffer.from("?"))]);
    const { copies = 0, ...past } = await strays(node.netns);
    expect(copies).toBeGreaterThan(before.copies ?? 0);
    expect(past).toEqual({ past: 0, pastOfArp: 0 });
  }
});

const macOf = (address: string) => formatMac(macOfIp4(parseIp4(address) ?? (0 as Ip4)));

/** MACs of the host's ends of containers' links. */
async function outerMacs(netns: string): Promise<readonly string[]> {
  const shown = JSON.parse(await must({ netns, argv: ["ip", "-j", "link"] }));
  const links = shown as readonly { readonly ifname: string; readonly address: string }[];
  return links.filter(({ ifname }) => ifname.startsWith("spv")).map((link) => link.address);
}

/** Counts what comes by the outer ends of containers' links, before our rules and behind them. */
const countStrays = (netns: string) =>
  must({
    netns,
    argv: ["nft", "-f", "-"],
    stdin: `table inet strays {
      counter copies { }; counter past { };
      chain before { type filter hook prerouting priority -301; iifname "spv*" counter name copies; }
      chain behind { type filter hook prerouting priority -299; iifname "spv*" counter name past; }
    }
    table arp strays {
      counter pastOfArp { };
      chain behind { type filter hook input priority 1; iifname "spv*" counter name pastOfArp; }
    }`,
  });

/** The packets of those counters, by their names. */
async function strays(netns: string): Promise<Readonly<Record<string, number>>> {
  const shown = await must({ netns, argv: ["nft", "list", "counters"] });
  const found = shown.matchAll(/counter (\w+) \{\s+packets (\d+)/g);
  return Object.fromEntries(Array.from(found, ([, name, packets]) => [name, Number(packets)]));
}
