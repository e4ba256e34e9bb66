/**
 * What a container reaches by way of the host, and what it does not: its own network's addresses
 * of the node, the node's others and the world; never another network, by whatever address.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Attached, attach, detach, done } from "../lab/attach.ts";
import { capture } from "../lab/capture.ts";
import { sendFrames, udp4 } from "../lab/frames.ts";
import { forgetServices, proxyServices } from "../lab/kube-proxy.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import { leave } from "../lab/leave.ts";
import type { LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { must } from "../lab/run.ts";
import { ask, startServer } from "../lab/services.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const db = { ...web, name: "db", subnet: "10.3.0.0/16", subnet6: "fd00:3::/64" };
/** Not masqueraded. */
const plain = {
  ...web,
  name: "plain",
  subnet: "10.4.0.0/16",
  subnet6: "fd00:4::/64",
  masquerade: false,
};
const port = 8080;

let lab: Lab;
let node: LabNode;
let outside: Outside;
let inWeb: Attached;
let inDb: Attached;
let inPlain: Attached;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  inWeb = await attach(node, node.addContainer(), web);
  inDb = await attach(node, node.addContainer(), db);
  inPlain = await attach(node, node.addContainer(), plain);
  const servers = {
    web: inWeb.container.netns,
    db: inDb.container.netns,
    plain: inPlain.container.netns,
    host: node.netns,
    outside: outside.netns,
  };
  for (const [name, netns] of Object.entries(servers)) {
    const { stop } = await startServer(netns, name, [port, vxlanPort]);
    lab.onClose(stop);
  }
});
afterAll(() =>
  leave(lab, node, [
    [web, inWeb],
    [db, inDb],
    [plain, inPlain],
  ]),
);

const vxlanPort = 4789;
const at = (address: string, to = port) => ({
  [`tcp ${address}`]: { protocol: "tcp", address, port: to } as const,
  [`udp ${address}`]: { protocol: "udp", address, port: to } as const,
});
/** A server that does not mind at which address it is asked answers UDP from its first. */
const overTcp = (...addresses: readonly string[]) =>
  Object.fromEntries(
    addresses.map((address) => [`tcp ${address}`, { protocol: "tcp", address, port } as const]),
  );
const nothing = (...addresses: readonly string[]) =>
  Object.fromEntries(
    addresses.flatMap((one) => Object.keys(at(one))).map((way) => [way, undefined]),
  );

/** The answers of servers at these addresses, over both protocols. */
const askAt = (from: Attached, ...addresses: readonly string[]) =>
  ask(from.container.netns, Object.assign({}, ...addresses.map((one) => at(one))));

describe("another network is not reached", () => {
  test("at its containers' addresses", async () => {
    const ofDb = [inDb.address, inDb.address6 ?? ""];
    const ofPlain = [inPlain.address, inPlain.address6 ?? ""];
    const ofWeb = [inWeb.address, inWeb.address6 ?? ""];
    const answers = await Promise.all([
      askAt(inWeb, ...ofDb, ...ofPlain),
      askAt(inPlain, ...ofDb, ...ofWeb),
    ]);
    expect(answers).toEqual([nothing(...ofDb, ...ofPlain), nothing(...ofDb, ...ofWeb)]);
  });

  test("at its gateway, nor at the node's own address there", async () => {
    const ofDb = ["10.3.0.1", "10.3.0.2", "fd00:3::a03:1", "fd00:3::a03:2"];
    const ofPlain = ["10.4.0.1", "10.4.0.2", "fd00:4::a04:1", "fd00:4::a04:2"];
    expect(await askAt(inWeb, ...ofDb, ...ofPlain)).toEqual(nothing(...ofDb, ...ofPlain));
    for (const address of ["10.3.0.1", "fd00:3::a03:2"]) {
      expect(await ping(inWeb.container.netns, address), address).toBe(false);
    }
  });

  test("at the address of a service, or of a port of the node, that leads there", async () => {
    const proxied = {
      family: "ip",
      podCidr: undefined,
      serviceCidr: "10.96.0.0/16",
      nodeAddresses: [outside.node],
      services: [
        {
          name: "http",
          protocol: "tcp",
          clusterIp: "10.96.0.20",
          port,
          nodePort: 30_080,
          endpoints: [{ address: inDb.address, port, local: true }],
        },
      ],
    } as const;
    await proxyServices(node.netns, "nftables", proxied);
    await proxyServices(node.netns, "nftables", {
      ...proxied,
      family: "ip6",
      serviceCidr: "fd00:96::/112",
      nodeAddresses: [outside.node6],
      services: [],
    });
    try {
      const ways = {
        service: { protocol: "tcp", address: "10.96.0.20", port },
        nodePort: { protocol: "tcp", address: outside.node, port: 30_080 },
      } as const;
      const { netns } = inWeb.container;
      expect(await ask(netns, ways)).toEqual({ service: undefined, nodePort: undefined });
      expect(await ask(inDb.container.netns, ways)).toEqual({
        service: "db 10.3.0.2",
        nodePort: "db 10.3.0.2",
      });
    } finally {
      await forgetServices(node.netns, "nftables");
    }
  });
});

describe("reached are", () => {
  test("the gateway and the node's own address of the container's network", async () => {
    const addresses = ["10.2.0.1", "10.2.0.2", "fd00:2::a02:1", "fd00:2::a02:2"];
    expect(await ask(inWeb.container.netns, overTcp(...addresses))).toEqual({
      "tcp 10.2.0.1": `host ${inWeb.address}`,
      "tcp 10.2.0.2": `host ${inWeb.address}`,
      "tcp fd00:2::a02:1": `host ${inWeb.address6}`,
      "tcp fd00:2::a02:2": `host ${inWeb.address6}`,
    });
    expect(await askAt(inWeb, "10.2.0.2")).toMatchObject({
      "udp 10.2.0.2": `host ${inWeb.address}`,
    });
  });

  test("the node's other addresses, and the world", async () => {
    expect(await ask(inWeb.container.netns, overTcp(outside.node, outside.node6))).toEqual({
      [`tcp ${outside.node}`]: `host ${inWeb.address}`,
      [`tcp ${outside.node6}`]: `host ${inWeb.address6}`,
    });
    expect(await askAt(inWeb, outside.address, outside.address6)).toEqual({
      [`tcp ${outside.address}`]: `outside ${outside.node}`,
      [`udp ${outside.address}`]: `outside ${outside.node}`,
      [`tcp ${outside.address6}`]: `outside ${outside.node6}`,
      [`udp ${outside.address6}`]: `outside ${outside.node6}`,
    });
  });
});

test("no container speaks VXLAN to the world in the node's name", async () => {
  const ways = {
    udp: { protocol: "udp", address: outside.address, port: vxlanPort },
    udp6: { protocol: "udp", address: outside.address6, port: vxlanPort },
    // A port of TCP with that number is another's business.
    tcp: { protocol: "tcp", address: outside.address, port: vxlanPort },
  } as const;
  expect(await ask(inWeb.container.netns, ways)).toEqual({
    udp: undefined,
    udp6: undefined,
    tcp: `outside ${outside.node}`,
  });
  expect(await ask(node.netns, ways)).toMatchObject({ udp: `outside ${outside.node}` });
});

test("the host's loopback addresses are not reached, where the host is made to route them", async () => {
  // As kube-proxy and portmap do it.
  const setting = "net.ipv4.conf.all.route_localnet=1";
  await must({ netns: node.netns, argv: ["sysctl", "-q", "-w", setting] });
  // A port that no server is at: two of them would go on answering each other.
  const free = 9090;
  const head = { from: inWeb.mac, to: "02:42:0a:02:00:01" };
  const datagram = (destination: string) =>
    udp4(head, { source: inWeb.address, destination, from: free, to: port }, Buffer.from("?"));
  const heard = await capture(inWeb.container.netns, "eth0", `udp and dst port ${free}`);
  await sendFrames(inWeb.container.netns, "eth0", [datagram("127.0.0.1"), datagram("10.2.0.2")]);
  const answers = (await heard.stop()).map((line) => /: (\S+)\.8080 > /.exec(line)?.[1]);
  expect(answers).toEqual(["10.2.0.2"]);
});

test("another's firewall that drops what is forwarded is named at a network's first use", async () => {
  const nft = (stdin: string) => must({ netns: node.netns, argv: ["nft", "-f", "-"], stdin });
  const container = node.addContainer();
  const conf = { ...web, name: "late", subnet: "10.5.0.0/16", subnet6: "fd00:5::/64" };
  const add = async () => done("ADD", await node.cni({ command: "ADD", conf, container })).stderr;
  await nft(`table ip filter { chain FORWARD {
    type filter hook forward priority filter; policy drop; }; }`);
  try {
    expect(await add()).toMatch(/"level":"warn".*"chain":"ip filter FORWARD"/);
    expect(await ping(container.netns, outside.address)).toBe(false);
    await nft(
      `table ip filter { chain FORWARD { iifname "sp-*" accept; oifname "sp-*" accept; }; }`,
    );
    expect(await ping(container.netns, outside.address)).toBe(true);
  } finally {
    await nft("delete table ip filter");
    await detach(node, container, conf);
  }
});
