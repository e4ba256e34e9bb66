import { expect, test } from "vitest";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { ip6Of, macOfIp4 } from "../../../lib/net/mac.ts";
import { type Prefix4, type Prefix6, parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import { attachmentFlows } from "../../../lib/overlay/attachment.ts";
import {
  attachmentCookie,
  baseCookie,
  everyFlow,
  ofNetwork,
  only,
  peersCookie,
} from "../../../lib/overlay/cookies.ts";
import {
  allFlows,
  baseFlows,
  cookieOfNetwork,
  countNetworkFlows,
  networkFlows,
} from "../../../lib/overlay/pipeline.ts";
import { peerFlows } from "../../../lib/overlay/tunnel.ts";
import type { Flow } from "../../../lib/ovs/flow.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";

const ip = (text: string) => parseIp4(text) as Ip4;
const subnet = parsePrefix4("10.2.0.0/16") as Prefix4;
const subnet6 = parsePrefix6("fd00:2::/64") as Prefix6;
const network = {
  vni: 100,
  subnet,
  subnet6: undefined,
  gateway: ip("10.2.0.1"),
  blockLength: 26,
  port: { ofport: 20, address: ip("10.2.0.2") },
  leases: [parsePrefix4("10.2.0.0/26") as Prefix4],
  tunnel: undefined,
  peers: { count: 0, digest: 0 },
};
const tunnel = { ofport: 1, local: { family: 4, address: ip("192.0.2.1") } } as const;
const peer = {
  prefix: parsePrefix4("10.2.0.64/26") as Prefix4,
  vtep: { family: 4, address: ip("192.0.2.2") },
} as const;
const address = ip("10.2.0.10");
const attachment = {
  vni: 100,
  ofport: 30,
  address,
  address6: undefined,
  mac: macOfIp4(address),
};

const texts = (flows: readonly Flow[]) =>
  flows.map((flow) => formatFlow(flow).replace(/^cookie=\w+, /, ""));

test("what is there whatever the networks are: nothing passes, and routers stay silent", () => {
  expect(texts(baseFlows())).toEqual([
    "priority=0 actions=drop",
    "priority=105,icmp6,icmp_type=133 actions=drop",
    "priority=105,icmp6,icmp_type=134 actions=drop",
    "priority=105,icmp6,icmp_type=135 actions=drop",
    "priority=105,icmp6,icmp_type=136 actions=drop",
    "priority=105,icmp6,icmp_type=137 actions=drop",
    "table=10, priority=0 actions=drop",
    "table=20, priority=0 actions=goto_table:30",
    "table=30, priority=0 actions=goto_table:35",
    "table=35, priority=0 actions=drop",
    "table=40, priority=0 actions=drop",
  ]);
});

test("a network: the host's port, ARP made unicast, the gateway, the leases", () => {
  expect(texts(networkFlows(network))).toEqual([
    "priority=120,in_port=20,vlan_tci=0x0000/0x1fff,dl_src=02:42:0a:02:00:02 actions=set_field:0x64->reg0,goto_table:20",
    "table=20, priority=100,arp,reg0=0x64,arp_tpa=10.2.0.0/16,arp_op=1 actions=move:NXM_OF_ARP_TPA[]->NXM_OF_ETH_DST[0..31],set_field:02:42:00:00:00:00/ff:ff:00:00:00:00->eth_dst,goto_table:30",
    "table=30, priority=126,reg0=0x64,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0 actions=goto_table:35",
    "table=35, priority=200,reg0=0x64,dl_dst=02:42:0a:02:00:01 actions=set_field:02:42:0a:02:00:02->eth_dst,goto_table:40",
    "table=35, priority=126,reg0=0x64,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
    "table=40, priority=100,reg0=0x64,dl_dst=02:42:0a:02:00:02 actions=output:20",
  ]);
});

test("of the leases, only what holds a single MAC that matters is looked at by single MACs", () => {
  const leases = ["10.2.0.0/26", "10.2.0.64/26", "10.2.9.7/32"].map(
    (text) => parsePrefix4(text) as Prefix4,
  );
  const ways = texts(networkFlows({ ...network, leases })).filter((text) =>
    / actions=goto_table:40$/.test(text),
  );
  expect(ways).toEqual([
    "table=35, priority=126,reg0=0x64,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
    "table=30, priority=126,reg0=0x64,dl_dst=02:42:0a:02:00:40/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
    "table=35, priority=132,reg0=0x64,dl_dst=02:42:0a:02:09:07 actions=goto_table:40",
  ]);
});

test("IPv6 adds two targets, both resolved by the IPv4 address that they end in", () => {
  const added = texts(networkFlows({ ...network, subnet6 })).filter((text) =>
    /nd_target/.test(text),
  );
  expect(added.map((text) => /nd_target=([^ ,]+)/.exec(text)?.[1])).toEqual([
    "fd00:2::a02:0/112",
    "fe80::a02:0/112",
  ]);
});

test("a container sends as itself, and its MAC is its own", () => {
  const from = "in_port=30,vlan_tci=0x0000/0x1fff,dl_src=02:42:0a:02:00:0a";
  const arp = `arp,${from}`;
  expect(texts(attachmentFlows(attachment))).toEqual([
    `priority=100,ip,${from},nw_src=10.2.0.10 actions=set_field:0x64->reg0,goto_table:30`,
    `priority=100,${arp},arp_spa=10.2.0.10,arp_sha=02:42:0a:02:00:0a actions=set_field:0x64->reg0,goto_table:20`,
    `priority=100,${arp},arp_spa=0.0.0.0,arp_op=1,arp_sha=02:42:0a:02:00:0a actions=set_field:0x64->reg0,goto_table:20`,
    "table=40, priority=100,reg0=0x64,dl_dst=02:42:0a:02:00:0a actions=output:30",
  ]);
});

test("IPv6: both addresses, and neighbour discovery only with its own MAC, or none", () => {
  const flows = attachmentFlows({ ...attachment, address6: ip6Of(subnet6, address) });
  const guarded = texts(flows).filter((text) => text.includes("icmp_type"));
  for (const text of guarded) {
    const probe = text.includes("ipv6_src=::,") || text.includes("ipv6_src=:: ");
    expect(text).toMatch(
      probe ? /icmp_type=135/ : /nd_(sll|tll)=(02:42:0a:02:00:0a|00:00:00:00:00:00)/,
    );
    expect(text).toMatch(/ipv6_src=(::|fd00:2::a02:a|fe80::a02:a)[, ]/);
  }
  expect(guarded).toHaveLength(9);
});

test.each([
  ["IPv4", network],
  ["IPv6 too, and two leases", { ...network, subnet6, leases: [subnet, ...network.leases] }],
  ["a tunnel", { ...network, tunnel }],
  ["a tunnel and IPv6", { ...network, tunnel, subnet6 }],
])("the number of a network's flows is known without making them: %s", (_, one) => {
  expect(countNetworkFlows(one)).toBe(networkFlows(one).length);
});

test("cookies select a part, and all parts", () => {
  const peered = { ...network, tunnel, peers: { count: 1, digest: 7 }, peerLeases: [peer] };
  const flows = allFlows({ networks: [peered], attachments: [attachment] });
  const selected = (filter: { cookie: bigint; mask: bigint }) =>
    flows.filter(({ cookie }) => (cookie & filter.mask) === (filter.cookie & filter.mask));
  expect(selected(everyFlow)).toHaveLength(flows.length);
  expect(selected(only(attachmentCookie(30)))).toEqual(attachmentFlows(attachment));
  const parts = [baseCookie, cookieOfNetwork(peered), peersCookie(100), attachmentCookie(30)];
  expect(new Set(flows.map(({ cookie }) => cookie))).toEqual(new Set(parts));
  expect(selected(ofNetwork(100))).toEqual(networkFlows(peered));
  expect(selected(only(peersCookie(100)))).toEqual(peerFlows(network, tunnel, peer));
  expect(selected(ofNetwork(101))).toEqual([]);
});

test("a network's cookie is another one as soon as its flows are", () => {
  const others = [
    { ...network, leases: [subnet] },
    { ...network, gateway: ip("10.2.0.9") },
    { ...network, blockLength: 27 },
    { ...network, subnet6 },
    { ...network, port: { ofport: 21, address: ip("10.2.0.2") } },
    { ...network, port: { ofport: 20, address: ip("10.2.0.3") } },
    { ...network, tunnel },
    { ...network, tunnel: { ...tunnel, local: { family: 4, address: ip("192.0.2.9") } } as const },
    { ...network, tunnel, peers: { count: 1, digest: 1 } },
    // The digests of two that are the same cancel each other out.
    { ...network, tunnel, peers: { count: 2, digest: 0 } },
    { ...network, tunnel, peers: { count: 1, digest: 0x1_0000 } },
  ];
  const cookies = [network, ...others].map(cookieOfNetwork);
  expect(new Set(cookies).size).toBe(cookies.length);
});
