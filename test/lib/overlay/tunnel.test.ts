import { describe, expect, test } from "vitest";
import { type Ip4, parseIp4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { type Mac, parseMac } from "../../../lib/net/mac.ts";
import { type Prefix4, type Prefix6, parsePrefix4, parsePrefix6 } from "../../../lib/net/prefix.ts";
import { differences, withoutPorts } from "../../../lib/overlay/differences.ts";
import { allFlows } from "../../../lib/overlay/pipeline.ts";
import { tables } from "../../../lib/overlay/state.ts";
import { peerFlows, tunnelFlows } from "../../../lib/overlay/tunnel.ts";
import type { Flow } from "../../../lib/ovs/flow.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";

const ip = (text: string) => parseIp4(text) as Ip4;
const prefix = (text: string) => parsePrefix4(text) as Prefix4;
const tunnel = { ofport: 1, local: { family: 4, address: ip("192.0.2.1") } } as const;
const vtep = { family: 4, address: ip("192.0.2.2") } as const;
const network = {
  vni: 100,
  subnet: prefix("10.2.0.0/16"),
  subnet6: undefined,
  gateway: ip("10.2.0.1"),
  blockLength: 26,
  port: { ofport: 20, address: ip("10.2.0.66") },
  leases: [prefix("10.2.0.64/26")],
  tunnel,
  peers: { count: 0, digest: 0 },
};
const subnet6 = parsePrefix6("fd00:2::/64") as Prefix6;

const texts = (flows: readonly Flow[]) =>
  flows.map((flow) => formatFlow(flow).replace(/^cookie=\w+, /, ""));

test("what comes from the tunnel is of its VNI, and never from the gateway or this node", () => {
  const own = (address: string, mac: string) => [
    `table=10, priority=200,reg0=0x64,dl_src=${mac} actions=drop`,
    `table=10, priority=200,arp,reg0=0x64,arp_spa=${address} actions=drop`,
    `table=10, priority=200,ip,reg0=0x64,nw_src=${address} actions=drop`,
  ];
  expect(texts(tunnelFlows(network, 0n))).toEqual([
    "priority=120,tun_id=0x64,in_port=1,vlan_tci=0x0000/0x1fff actions=set_field:0x64->reg0,goto_table:10",
    ...own("10.2.0.1", "02:42:0a:02:00:01"),
    ...own("10.2.0.66", "02:42:0a:02:00:42"),
  ]);
});

test("nor by their IPv6 addresses, as sources or as what a neighbour says it has", () => {
  expect(texts(tunnelFlows({ ...network, subnet6 }, 0n))).toEqual(
    expect.arrayContaining([
      "table=10, priority=200,ipv6,reg0=0x64,ipv6_src=fd00:2::a02:1 actions=drop",
      "table=10, priority=200,icmp6,reg0=0x64,icmp_type=136,nd_target=fd00:2::a02:1 actions=drop",
    ]),
  );
});

test("without other nodes there is nothing of it", () => {
  const alone = { ...network, tunnel: undefined, peerLeases: [{ prefix: network.subnet, vtep }] };
  const text = texts(allFlows({ networks: [alone], attachments: [] })).join("\n");
  expect(text).not.toMatch(/tun_/);
});

describe("a peer's lease", () => {
  test("is two flows: its sources are let in from its VTEP, and what is for it goes there", () => {
    expect(texts(peerFlows(network, tunnel, { prefix: prefix("10.2.0.128/26"), vtep }))).toEqual([
      "table=10, priority=126,reg0=0x64,tun_src=192.0.2.2,dl_src=02:42:0a:02:00:80/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
      "table=30, priority=126,reg0=0x64,dl_dst=02:42:0a:02:00:80/ff:ff:ff:ff:ff:c0 actions=set_field:0x64->tun_id,set_field:192.0.2.2->tun_dst,output:1",
    ]);
  });

  test("of a VTEP with an IPv6 address", () => {
    const vtep6 = { family: 6, address: parseIp6("2001:db8::2") as Ip6 } as const;
    expect(
      texts(peerFlows(network, tunnel, { prefix: prefix("10.2.0.128/26"), vtep: vtep6 })),
    ).toEqual([
      "table=10, priority=126,reg0=0x64,tun_ipv6_src=2001:db8::2,dl_src=02:42:0a:02:00:80/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
      "table=30, priority=126,reg0=0x64,dl_dst=02:42:0a:02:00:80/ff:ff:ff:ff:ff:c0 actions=set_field:0x64->tun_id,set_field:2001:db8::2->tun_ipv6_dst,output:1",
    ]);
  });

  test("of one address, or with the gateway in it, is looked at apart; the longer goes first", () => {
    const [single = "", block = ""] = ["10.2.0.7/32", "10.2.0.0/26"].map(
      (text) => texts(peerFlows(network, tunnel, { prefix: prefix(text), vtep }))[1],
    );
    expect(single).toMatch(/^table=35, priority=132,reg0=0x64,dl_dst=02:42:0a:02:00:07 /);
    expect(block).toMatch(/^table=35, priority=126,reg0=0x64,dl_dst=02:42:0a:02:00:00\//);
  });

  test("with a MAC of its own is a third: what is asked of the computed one is for it", () => {
    const mac = parseMac("0e:00:00:00:00:07") as Mac;
    expect(texts(peerFlows(network, tunnel, { prefix: prefix("10.2.9.7/32"), vtep, mac }))).toEqual(
      [
        "table=10, priority=132,reg0=0x64,tun_src=192.0.2.2,dl_src=0e:00:00:00:00:07 actions=goto_table:40",
        "table=35, priority=132,reg0=0x64,dl_dst=0e:00:00:00:00:07 actions=set_field:0x64->tun_id,set_field:192.0.2.2->tun_dst,output:1",
        "table=35, priority=132,reg0=0x64,dl_dst=02:42:0a:02:09:07 actions=set_field:0e:00:00:00:00:07->eth_dst,set_field:0x64->tun_id,set_field:192.0.2.2->tun_dst,output:1",
      ],
    );
  });
});

test("nothing that came from a tunnel gets near one again: no table on its way leads out", () => {
  const peered = { ...network, subnet6, peerLeases: [{ prefix: prefix("10.2.0.128/26"), vtep }] };
  const flows = allFlows({ networks: [peered], attachments: [] });
  const from = (table: number) => flows.filter((flow) => flow.table === table);
  const next = (list: readonly Flow[]) =>
    list.flatMap(({ actions }) => actions.flatMap((one) => (one.do === "goto" ? [one.table] : [])));
  const entry = from(tables.classify).filter(({ match }) => match.inPort === tunnel.ofport);
  const reached = new Set(next(entry));
  for (const table of reached) for (const one of next(from(table))) reached.add(one);
  expect([...reached].sort()).toEqual([tables.ingress, tables.local]);
  const outputs = [...reached].flatMap((table) => from(table).flatMap(({ actions }) => actions));
  expect(outputs).not.toContainEqual({ do: "output", port: tunnel.ofport });
});

describe("differences", () => {
  const [guard, forward] = peerFlows(network, tunnel, { prefix: prefix("10.2.0.128/26"), vtep });
  if (guard === undefined || forward === undefined) throw new Error("no flows");

  test("are none of the same flows, in whatever order", () => {
    expect(differences([forward, guard], [guard, forward])).toEqual([]);
  });

  test("are what is too much, then what is missing; a flow of another cookie is another", () => {
    const old = { ...forward, cookie: 1n };
    expect(differences([guard, old], [forward])).toEqual([
      { do: "delete flow", flow: guard },
      { do: "delete flow", flow: old },
      { do: "add", flow: forward },
    ]);
  });

  test("leave alone what ports have, and the networks that they are in", () => {
    const peerLeases = [{ prefix: prefix("10.2.0.128/26"), vtep }];
    const other = { ...network, vni: 101, port: { ofport: 21, address: ip("10.3.0.2") } };
    const one = allFlows({ networks: [{ ...network, peerLeases }], attachments: [] });
    const two = allFlows({ networks: [{ ...other, peerLeases }], attachments: [] });
    const base = allFlows({ networks: [], attachments: [] });
    const have = [...one, ...two.slice(base.length)];
    expect(withoutPorts(have, new Set())).toEqual(have);
    expect(withoutPorts(have, new Set([other.port.ofport]))).toEqual(one);
    expect(withoutPorts(have, new Set([20, 21]))).toEqual(base);
  });
});
