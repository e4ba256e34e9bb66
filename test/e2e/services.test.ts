/**
 * What the host sends back into a network under another address: services, as kube-proxy makes
 * them, and ports of the host, as the portmap plugin does. Containers are on-link to each other, so
 * an answer would go past the host that rewrote the question, if the host did not ask by its own
 * address.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Attached, attach, detach, done } from "../lab/attach.ts";
import {
  forgetServices,
  type Mode,
  type Proxied,
  proxyServices,
  type Service,
} from "../lab/kube-proxy.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import { leave } from "../lab/leave.ts";
import type { LabNode } from "../lab/node.ts";
import { must } from "../lab/run.ts";
import { ask, startServer } from "../lab/services.ts";

const web = {
  cniVersion: "1.0.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const port = 8080;

/** In both families: where the services are, and whom a server sees when the host asks it. */
const families = {
  ip: {
    podCidr: "10.2.0.0/16",
    serviceCidr: "10.96.0.0/16",
    http: "10.96.0.20",
    dns: "10.96.0.10",
    host: "10.2.0.2",
  },
  ip6: {
    podCidr: "fd00:2::/64",
    serviceCidr: "fd00:96::/112",
    http: "fd00:96::20",
    dns: "fd00:96::10",
    host: "fd00:2::a02:2",
  },
} as const;
type Family = keyof typeof families;
const both = ["ip", "ip6"] as const;

let lab: Lab;
let node: LabNode;
let outside: Outside;
let client: Attached;
let server: Attached;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  client = await attach(node, node.addContainer(), web);
  server = await attach(node, node.addContainer(), web);
  const { stop } = await startServer(server.container.netns, "server", [port]);
  lab.onClose(stop);
});
afterAll(() => leave(lab, node, [[web, client, server]]));

const nodeAt = (family: Family) => (family === "ip" ? outside.node : outside.node6);
const outsideAt = (family: Family) => (family === "ip" ? outside.address : outside.address6);
const addressOf = (one: Attached, family: Family) =>
  (family === "ip" ? one.address : one.address6) ?? "";

const ports = { http: 30_080, dns: 30_053, local: 30_081 } as const;

function proxiedIn(family: Family, podCidr: string | undefined): Proxied {
  const { http, dns, serviceCidr } = families[family];
  const endpoints = [{ address: addressOf(server, family), port, local: true }];
  const services = (["tcp", "udp"] as const).flatMap((protocol): readonly Service[] => [
    { name: "http", protocol, clusterIp: http, port: 80, nodePort: ports.http, endpoints },
    { name: "dns", protocol, clusterIp: dns, port: 53, nodePort: ports.dns, endpoints },
    {
      name: "local",
      protocol,
      clusterIp: http,
      port: 81,
      nodePort: ports.local,
      externalTrafficPolicy: "Local",
      endpoints,
    },
  ]);
  return { family, podCidr, serviceCidr, nodeAddresses: [nodeAt(family)], services };
}

/** The ways to the server, each over TCP and UDP: "udp nodePort" say. */
function waysIn(family: Family, names: readonly Way[]) {
  const { http, dns } = families[family];
  const ways = {
    clusterIp: { address: http, port: 80 },
    dns: { address: dns, port: 53 },
    nodePort: { address: nodeAt(family), port: ports.http },
    nodePortLocal: { address: nodeAt(family), port: ports.local },
  };
  return Object.fromEntries(
    names.flatMap((way) =>
      (["tcp", "udp"] as const).map((protocol) => [
        `${protocol} ${way}`,
        { protocol, ...ways[way] },
      ]),
    ),
  );
}
const everyWay = ["clusterIp", "dns", "nodePort", "nodePortLocal"] as const;
type Way = (typeof everyWay)[number];

/** What the answers are when the server saw these senders. */
const seenFrom = (senders: Readonly<Partial<Record<Way, string>>>) =>
  Object.fromEntries(
    Object.entries(senders).flatMap(([way, from]) =>
      ["tcp", "udp"].map((protocol) => [`${protocol} ${way}`, `server ${from}`]),
    ),
  );

const allFrom = (from: string) =>
  seenFrom({ clusterIp: from, dns: from, nodePort: from, nodePortLocal: from });

/** Does what kube-proxy does on the node, in both families, while tests of a describe run. */
function proxyWhile(mode: Mode, podCidrs: "with podCidr" | "without podCidr"): void {
  beforeAll(async () => {
    for (const family of both) {
      const podCidr = podCidrs === "with podCidr" ? families[family].podCidr : undefined;
      await proxyServices(node.netns, mode, proxiedIn(family, podCidr));
    }
  });
  afterAll(() => forgetServices(node.netns, mode));
}

describe.each([
  ["nftables", "with podCidr"],
  ["nftables", "without podCidr"],
  ["iptables-nft", "with podCidr"],
  ["iptables-legacy", "with podCidr"],
] as const)("kube-proxy in mode %s, %s", (mode, podCidrs) => {
  proxyWhile(mode, podCidrs);

  test.each(both)("%s: from a container to another, and to itself", async (family) => {
    for (const { container } of [client, server]) {
      const answers = await ask(container.netns, waysIn(family, everyWay));
      expect(answers).toEqual(allFrom(families[family].host));
    }
  });

  test.each(both)("%s: from the host", async (family) => {
    const answers = await ask(node.netns, waysIn(family, everyWay));
    expect(answers).toEqual(allFrom(families[family].host));
  });

  test.each(both)(
    "%s: from outside, with the sender kept where that was asked for",
    async (family) => {
      const answers = await ask(outside.netns, waysIn(family, ["nodePort", "nodePortLocal"]));
      const kept = outsideAt(family);
      expect(answers).toEqual(seenFrom({ nodePort: families[family].host, nodePortLocal: kept }));
    },
  );
});

test("iptables-nft: from the host to a node port on its loopback address", async () => {
  await proxyServices(node.netns, "iptables-nft", proxiedIn("ip", families.ip.podCidr));
  try {
    const there = { protocol: "tcp", address: "127.0.0.1", port: ports.http } as const;
    expect(await ask(node.netns, { there })).toEqual({ there: "server 10.2.0.2" });
  } finally {
    await forgetServices(node.netns, "iptables-nft");
  }
});

describe("ports of the host, by portmap", () => {
  const hostPort = 8_443;
  const mapped = (["tcp", "udp"] as const).map((protocol) => {
    return { hostPort, containerPort: port, protocol };
  });
  const call = async (command: "ADD" | "DEL") => {
    const conf = {
      cniVersion: "1.0.0",
      name: "web",
      type: "portmap",
      runtimeConfig: { portMappings: mapped },
      prevResult: server.result,
    };
    done(
      command,
      await node.cni({ command, plugin: "portmap", conf, container: server.container }),
    );
  };
  beforeAll(() => call("ADD"));
  afterAll(() => call("DEL"));

  const at = (address: string) => ({
    tcp: { protocol: "tcp", address, port: hostPort } as const,
    udp: { protocol: "udp", address, port: hostPort } as const,
  });
  const from = (address: string) => ({ tcp: `server ${address}`, udp: `server ${address}` });

  test.each(both)("%s: from containers, the host and outside", async (family) => {
    const { host } = families[family];
    const ways = at(nodeAt(family));
    expect(await ask(client.container.netns, ways)).toEqual(from(host));
    expect(await ask(server.container.netns, ways)).toEqual(from(host));
    expect(await ask(node.netns, ways)).toEqual(from(host));
    expect(await ask(outside.netns, ways)).toEqual(from(outsideAt(family)));
  });

  test("from the host, on its loopback address", async () => {
    expect(await ask(node.netns, at("127.0.0.1"))).toEqual(from("10.2.0.2"));
  });
});

describe("without the rule for what has been sent back", () => {
  proxyWhile("nftables", "with podCidr");

  test("containers do not reach the services of others, and the next ADD makes it anew", async () => {
    const postrouting = ["inet", "socketplane", "postrouting"];
    const shown = await nft("-a", "list", "chain", ...postrouting);
    const rule = 'ct status dnat oifname "sp-*" masquerade # handle ';
    const [, handle = ""] = shown.split(rule);
    await nft("delete", "rule", ...postrouting, "handle", Number.parseInt(handle, 10).toString());
    // A node port with policy "Cluster" kube-proxy masquerades itself.
    const ours = ["clusterIp", "dns", "nodePortLocal"] as const;
    const ways = waysIn("ip", ours);
    const ways6 = waysIn("ip6", ours);
    const { netns } = client.container;
    const answers = await Promise.all([ask(netns, ways), ask(netns, ways6)]);
    expect(new Set(answers.flatMap((one) => Object.values(one)))).toEqual(new Set([undefined]));

    await nft("delete", "table", "inet", "socketplane");
    const third = await attach(node, node.addContainer(), web);
    await detach(node, third.container, web);
    expect(await ask(netns, ways)).toMatchObject(
      seenFrom({ clusterIp: "10.2.0.2", dns: "10.2.0.2" }),
    );
    const { host } = families.ip6;
    expect(await ask(netns, ways6)).toMatchObject(seenFrom({ clusterIp: host, dns: host }));
  });
});

test("the firewall knows which addresses are here, also of blocks that came later", async () => {
  // Of a /28 a block has 4 addresses: the gateway's, the node's, and two more.
  const small = { ...web, name: "small", subnet: "10.4.0.0/28", subnet6: "fd00:4::/64" };
  const attached: Attached[] = [];
  const localIn = async (set: string) => {
    const shown = await nft("list", "set", "inet", "socketplane", set);
    return /elements = \{([^}]*)\}/
      .exec(shown)?.[1]
      ?.split(",")
      .map((one) => one.trim());
  };
  for (let count = 0; count < 3; count += 1) {
    attached.push(await attach(node, node.addContainer(), small));
  }
  expect(attached.map(({ address }) => address)).toEqual(["10.4.0.3", "10.4.0.4", "10.4.0.5"]);
  expect(await localIn("local4")).toEqual(expect.arrayContaining(["10.4.0.0/30", "10.4.0.4/30"]));
  expect(await localIn("local6")).toEqual(
    expect.arrayContaining(["fd00:4::a04:0/126", "fd00:4::a04:4/126"]),
  );
  for (const { container } of attached) await detach(node, container, small);
});

const nft = (...argv: readonly string[]) => must({ netns: node.netns, argv: ["nft", ...argv] });
