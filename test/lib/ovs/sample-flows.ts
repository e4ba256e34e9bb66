/** Flows that have every field and action in use, each with the text ovs-ofctl gives it. */
import type { Ip4 } from "../../../lib/net/ip4.ts";
import { type Ip6, parseIp6 } from "../../../lib/net/ip6.ts";
import { type Mac, parseMac } from "../../../lib/net/mac.ts";
import { type Action, type Flow, localPort, type Match } from "../../../lib/ovs/flow.ts";
import type { FlowChange } from "../../../lib/ovs/switch.ts";

export const mac = (text: string): Mac => found(parseMac(text));
export const ip6 = (text: string): Ip6 => found(parseIp6(text));
export const ip4 = (number: number): Ip4 => number as Ip4;

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Cannot parse an address of the tests");
  return value;
}

const own = mac("02:42:0a:02:00:41");
const flow = (table: number, priority: number, match: Match, actions: readonly Action[]): Flow => ({
  cookie: 0x5350_0000_0000_0001n,
  table,
  priority,
  match,
  actions,
});

/** Text, flow. */
export const samples: readonly (readonly [string, Flow])[] = [
  ["actions=drop", { cookie: 0n, table: 0, priority: 0x8000, match: {}, actions: [] }],
  [
    "cookie=0xffffffffffffffff, priority=0 actions=IN_PORT",
    {
      cookie: 0xffff_ffff_ffff_ffffn,
      table: 0,
      priority: 0,
      match: {},
      actions: [{ do: "output in_port" }],
    },
  ],
  [
    "cookie=0x5350000000000001, priority=100,ip,in_port=10,vlan_tci=0x0000/0x1fff," +
      "dl_src=02:42:0a:02:00:41,nw_src=10.2.0.65 actions=set_field:0x64->reg0,goto_table:30",
    flow(
      0,
      100,
      { inPort: 10, vlan: "none", ethSrc: own, ethType: "ip", ipSrc: ip4(0x0a02_0041) },
      [
        { do: "set reg0", value: 100 },
        { do: "goto", table: 30 },
      ],
    ),
  ],
  [
    "cookie=0x5350000000000001, priority=101,arp,in_port=10,dl_src=02:42:0a:02:00:41," +
      "arp_spa=0.0.0.0,arp_sha=02:42:0a:02:00:41 actions=set_field:0x64->reg0,goto_table:20",
    flow(0, 101, { inPort: 10, ethSrc: own, ethType: "arp", arpSpa: ip4(0), arpSha: own }, [
      { do: "set reg0", value: 100 },
      { do: "goto", table: 20 },
    ]),
  ],
  [
    "cookie=0x5350000000000001, priority=102,icmp6,in_port=10,ipv6_src=::,icmp_type=135," +
      "nd_target=fd00:2::a02:41 actions=goto_table:20",
    flow(
      0,
      102,
      {
        inPort: 10,
        ethType: "ipv6",
        ipProto: 58,
        icmp6Type: 135,
        ip6Src: ip6("::"),
        ndTarget: ip6("fd00:2::a02:41"),
      },
      [{ do: "goto", table: 20 }],
    ),
  ],
  [
    "cookie=0x5350000000000001, priority=103,tun_id=0x64,in_port=1 " +
      "actions=set_field:0x64->reg0,goto_table:10",
    flow(0, 103, { inPort: 1, tunnelId: 100 }, [
      { do: "set reg0", value: 100 },
      { do: "goto", table: 10 },
    ]),
  ],
  [
    "cookie=0x5350000000000001, priority=104,in_port=LOCAL actions=LOCAL",
    flow(0, 104, { inPort: localPort }, [{ do: "output", port: localPort }]),
  ],
  [
    "cookie=0x5350000000000001, table=10, priority=100,tun_src=192.168.50.1," +
      "dl_src=02:42:0a:02:00:40/ff:ff:ff:ff:ff:c0 actions=goto_table:20",
    flow(
      10,
      100,
      {
        tunnelSrc: ip4(0xc0a8_3201),
        ethSrc: { value: mac("02:42:0a:02:00:40"), mask: mac("ff:ff:ff:ff:ff:c0") },
      },
      [{ do: "goto", table: 20 }],
    ),
  ],
  [
    "cookie=0x5350000000000001, table=10, priority=100,tun_ipv6_src=fd00::1,in_port=1 actions=drop",
    flow(10, 100, { inPort: 1, tunnelSrc6: ip6("fd00::1") }, []),
  ],
  [
    "cookie=0x5350000000000001, table=20, priority=100,arp,reg0=0x64,arp_spa=10.0.0.1/255.0.0.255," +
      "arp_tpa=10.2.0.0/16,arp_op=1 actions=move:NXM_OF_ARP_TPA[]->NXM_OF_ETH_DST[0..31]," +
      "set_field:02:42:00:00:00:00/ff:ff:00:00:00:00->eth_dst,goto_table:30",
    flow(
      20,
      100,
      {
        reg0: 100,
        ethType: "arp",
        arpOp: 1,
        arpSpa: { value: ip4(0x0a00_0001), mask: ip4(0xff00_00ff) },
        arpTpa: { value: ip4(0x0a02_0000), mask: ip4(0xffff_0000) },
      },
      [
        { do: "copy to eth_dst", from: "arp_tpa" },
        {
          do: "set eth_dst",
          mac: { value: mac("02:42:00:00:00:00"), mask: mac("ff:ff:00:00:00:00") },
        },
        { do: "goto", table: 30 },
      ],
    ),
  ],
  [
    "cookie=0x5350000000000001, table=20, priority=100,icmp6,reg0=0x64,icmp_type=135," +
      "nd_target=fd00:2::/96,nd_sll=02:42:0a:02:00:41 " +
      "actions=move:NXM_NX_ND_TARGET[0..31]->NXM_OF_ETH_DST[0..31],goto_table:30",
    flow(
      20,
      100,
      {
        reg0: 100,
        ethType: "ipv6",
        ipProto: 58,
        icmp6Type: 135,
        ndTarget: { value: ip6("fd00:2::"), mask: ip6("ffff:ffff:ffff:ffff:ffff:ffff::") },
        ndSll: own,
      },
      [
        { do: "copy to eth_dst", from: "nd_target" },
        { do: "goto", table: 30 },
      ],
    ),
  ],
  [
    "cookie=0x5350000000000001, table=20, priority=101,icmp6,ipv6_src=fe80::/64," +
      "ipv6_dst=::1/::ff,icmp_type=136,nd_target=fd00:2::1,nd_tll=02:42:0a:02:00:41 actions=drop",
    flow(
      20,
      101,
      {
        ethType: "ipv6",
        ipProto: 58,
        icmp6Type: 136,
        ip6Src: { value: ip6("fe80::"), mask: ip6("ffff:ffff:ffff:ffff::") },
        ip6Dst: { value: ip6("::1"), mask: ip6("::ff") },
        ndTarget: ip6("fd00:2::1"),
        ndTll: own,
      },
      [],
    ),
  ],
  [
    "cookie=0x5350000000000001, table=30, priority=148,reg0=0x64,reg1=0x1," +
      "dl_dst=02:42:0a:02:00:01 actions=set_field:02:42:0a:02:00:02->eth_dst," +
      "set_field:02:42:0a:02:00:01->eth_src,set_field:0x7->reg1,output:2",
    flow(30, 148, { reg0: 100, reg1: 1, ethDst: mac("02:42:0a:02:00:01") }, [
      { do: "set eth_dst", mac: mac("02:42:0a:02:00:02") },
      { do: "set eth_src", mac: mac("02:42:0a:02:00:01") },
      { do: "set reg1", value: 7 },
      { do: "output", port: 2 },
    ]),
  ],
  [
    "cookie=0x5350000000000001, table=30, priority=125,reg1=0xffffffff," +
      "dl_dst=02:42:0a:02:00:40/ff:ff:ff:ff:ff:c0 " +
      "actions=set_field:0xffffff->tun_id,set_field:192.168.50.2->tun_dst,output:1",
    flow(
      30,
      125,
      {
        reg1: 0xffff_ffff,
        ethDst: { value: mac("02:42:0a:02:00:40"), mask: mac("ff:ff:ff:ff:ff:c0") },
      },
      [
        { do: "set tunnel id", vni: 0xff_ffff },
        { do: "set tunnel dst", address: ip4(0xc0a8_3202) },
        { do: "output", port: 1 },
      ],
    ),
  ],
  [
    "cookie=0x5350000000000001, table=30, priority=126,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 " +
      "actions=set_field:fd01::5->tun_ipv6_dst,output:1",
    flow(30, 126, { ethDst: { value: mac("01:00:00:00:00:00"), mask: mac("01:00:00:00:00:00") } }, [
      { do: "set tunnel dst6", address: ip6("fd01::5") },
      { do: "output", port: 1 },
    ]),
  ],
  ...(
    [
      ["ip", 1, "icmp"],
      ["ip", 2, "ip,nw_proto=2"],
      ["ip", 6, "tcp"],
      ["ip", 17, "udp"],
      ["ip", 89, "ip,nw_proto=89"],
      ["ip", 132, "sctp"],
      ["ipv6", 1, "ipv6,nw_proto=1"],
      ["ipv6", 6, "tcp6"],
      ["ipv6", 17, "udp6"],
      ["ipv6", 58, "icmp6"],
      ["ipv6", 132, "sctp6"],
    ] as const
  ).map(
    ([ethType, ipProto, text]) =>
      [
        `cookie=0x5350000000000001, table=40, priority=${ipProto},${text} actions=drop`,
        flow(40, ipProto, { ethType, ipProto }, []),
      ] as const,
  ),
  [
    "cookie=0x5350000000000001, table=40, priority=200,ip,nw_dst=10.2.0.0/16 actions=output:4",
    flow(40, 200, { ethType: "ip", ipDst: { value: ip4(0x0a02_0000), mask: ip4(0xffff_0000) } }, [
      { do: "output", port: 4 },
    ]),
  ],
];

export const added = (flows: readonly Flow[]): readonly FlowChange[] =>
  flows.map((one) => ({ do: "add", flow: one }));
