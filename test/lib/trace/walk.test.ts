/** Walking through our flows, against what the switch that has them says of the same packets. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatIp4, type Ip4 } from "../../../lib/net/ip4.ts";
import { formatIp6, type Ip6 } from "../../../lib/net/ip6.ts";
import { formatMac, ip6Of, linkLocal, type Mac, macOfIp4 } from "../../../lib/net/mac.ts";
import { metersOf } from "../../../lib/overlay/meters.ts";
import { allFlows } from "../../../lib/overlay/pipeline.ts";
import { type Control, openControl } from "../../../lib/ovs/control.ts";
import { entryPort } from "../../../lib/trace/answer-here.ts";
import { askedMac, packetText } from "../../../lib/trace/packet-text.ts";
import type { Recorded } from "../../../lib/trace/records.ts";
import { parseTrace, type SwitchTrace } from "../../../lib/trace/switch-trace.ts";
import { openWalk, type PacketFields } from "../../../lib/trace/walk.ts";
import { lookupsOf, walkRecords } from "../../../lib/trace/walk-records.ts";
import type { Address, Content, Entry, Packet } from "../../../lib/trace/way.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { connect, flowsOf, within } from "../ovs/clients.ts";
import { type Random, seeded } from "../random.ts";
import {
  attachments,
  ip,
  ip6,
  mac,
  oddHere,
  oddThere,
  ours,
  peer6,
  peers,
  state,
  subnet6,
} from "./pipeline.ts";

const flows = allFlows(state);
const walk = openWalk(flows);
let ovs: Ovs;
let control: Control;

beforeAll(async () => {
  ovs = await startOvs();
  const bridge = ["set", "bridge", "sp0", "datapath_type=netdev", "fail_mode=secure"];
  ovs.vsctl("add-br", "sp0", "--", ...bridge, "protocols=OpenFlow10,OpenFlow15");
  const add = (name: string, number: number, ...settings: readonly string[]) => {
    const set = ["set", "interface", name, `ofport_request=${number}`, ...settings];
    ovs.vsctl("add-port", "sp0", name, "--", ...set);
  };
  const options = ["options:remote_ip=flow", "options:key=flow", "options:local_ip=192.0.2.1"];
  add("sptunnel", 1, "type=vxlan", ...options);
  for (const number of [20, 21, ...attachments.map(({ ofport }) => ofport)]) {
    add(`p${number}`, number, "type=internal");
  }
  const client = flowsOf(ovs.runDir, "sp0");
  const meters = attachments.flatMap(metersOf);
  client.changeMeters(
    meters.map((meter) => ({ do: "add", meter }) as const),
    within(),
  );
  client
    .stage(
      flows.map((flow) => ({ do: "add", flow }) as const),
      within(),
    )
    .commit(within());
  client.close();
  control = openControl(connect(ovs.runDir, "ovs-vswitchd.ctl"));
});
afterAll(async () => {
  control?.close();
  await ovs?.stop();
});

const addresses = [
  ...["10.2.0.1", "10.2.0.2", "10.2.0.10", "10.2.0.11", "10.2.0.20", "10.2.0.40", "10.2.0.70"],
  ...["10.2.0.130", "10.2.1.5", "10.2.3.9", "10.2.7.7", "10.2.9.7", "10.2.9.8", "10.2.200.1"],
  ...["10.3.0.1", "10.3.0.2", "10.3.0.9", "10.3.0.10", "10.3.0.11", "10.3.0.77", "203.0.113.9"],
].map(ip);
const macs = [
  ...addresses.map(macOfIp4),
  ...[oddHere, oddThere, mac("ff:ff:ff:ff:ff:ff"), mac("33:33:ff:02:00:0a"), 0 as Mac],
];
const hosts = [
  { ofport: 20, vni: 100, address: ip("10.2.0.2"), mac: macOfIp4(ip("10.2.0.2")) },
  { ofport: 21, vni: 200, address: ip("10.3.0.9"), mac: macOfIp4(ip("10.3.0.9")) },
];
/** Who sends through the tunnel, and by which VTEP it should. */
const remote = [
  ...[
    [100, "10.2.0.70", peers[0]],
    [100, "10.2.0.130", peers[1]],
    [100, "10.2.9.8", peers[0]],
    [100, "10.2.3.9", peer6],
    [200, "10.3.0.2", peers[0]],
  ].map(([vni, text, vtep]) => {
    const address = ip(text as string);
    return { vni: vni as number, address, mac: macOfIp4(address), vtep: vtep as (typeof peers)[0] };
  }),
  { vni: 100, address: ip("10.2.9.7"), mac: oddThere, vtep: peers[1] },
];

const packetsPerSeed = 100;

/** A packet that somebody could send: mostly as it should be, and each part sometimes not. */
function anyPacket(random: Random): PacketFields {
  const or = <T>(right: T, ...others: readonly T[]) =>
    random.below(8) === 0 ? random.one([right, ...others]) : right;
  const entry = random.below(5);
  const sender =
    entry < 3 ? random.one(attachments) : entry === 3 ? random.one(hosts) : random.one(remote);
  const inPort = "ofport" in sender ? or(sender.ofport, 1, 20, 30, 99) : 1;
  const tunnel = "vtep" in sender ? tunnelOf(sender, or) : {};
  const from = or(sender.address, ...addresses);
  const to = random.one(addresses);
  const source = or(sender.mac, ...macs);
  const base = {
    inPort,
    ...tunnel,
    ...(or(false, true) ? {} : { vlan: "none" as const }),
    ethSrc: source,
  };
  const six = (address: Ip4) => ip6Of(random.below(4) === 0 ? linkLocal : subnet6, address);
  const unicast = or(macOfIp4(to), ...macs);
  const broadcast = or(mac("ff:ff:ff:ff:ff:ff"), unicast);
  switch (random.below(6)) {
    case 0:
      return {
        ...{ ...base, ethDst: broadcast, ethType: "arp", arpOp: 1, arpSha: or(source, ...macs) },
        ...{ arpSpa: or(from, 0 as Ip4), arpTpa: to },
      };
    case 1:
      return {
        ...{
          ...base,
          ethDst: unicast,
          ethType: "arp",
          arpOp: or(2, 3),
          arpSha: or(source, ...macs),
        },
        ...{ arpSpa: from, arpTpa: to },
      };
    case 2: {
      const ndTarget = or(six(to), ip6("2001:db8::1"));
      const nd = { ethType: "ipv6", ipProto: 58, icmp6Type: 135, ndTarget } as const;
      // Without the option, the switch reads it as zero.
      const option = or(true, false) && { ndSll: or(source, 0 as Mac, ...macs) };
      const ip6Src = or(six(from), 0n as Ip6);
      const ethDst = or(mac("33:33:ff:02:00:0a"), unicast);
      return { ...base, ...nd, ethDst, ip6Src, ip6Dst: ndTarget, ...option };
    }
    case 3: {
      const ip6Src = six(from);
      const nd = { ethType: "ipv6", ipProto: 58, icmp6Type: 136 } as const;
      const option = or(true, false) && { ndTll: or(source, 0 as Mac, ...macs) };
      const ndTarget = or(ip6Src, six(to));
      return { ...base, ...nd, ethDst: unicast, ip6Src, ip6Dst: six(to), ndTarget, ...option };
    }
    case 4: {
      const icmp6Type = random.one([128, 129, 133, 134, 137]);
      const kind = or({ ipProto: 58, icmp6Type }, { ipProto: 6 });
      const ways = { ip6Src: six(from), ip6Dst: six(to) };
      return { ...base, ethDst: unicast, ethType: "ipv6", ...kind, ...ways };
    }
    default:
      return {
        ...{ ...base, ethDst: unicast, ethType: "ip", ipProto: random.one([1, 6, 17]) },
        ...{ ipSrc: from, ipDst: or(to, ip("203.0.113.9")) },
      };
  }
}

function tunnelOf(
  { vni, vtep }: (typeof remote)[number],
  or: <T>(right: T, ...others: readonly T[]) => T,
): PacketFields {
  const from = or<(typeof peers)[0] | typeof peer6>(vtep, ...peers, peer6);
  const tunnelId = or(vni, 100, 200, 300);
  return from.family === 4
    ? { tunnelId, tunnelSrc: from.address, tunnelDst: ours.address }
    : { tunnelId, tunnelSrc6: from.address, tunnelDst6: ip6("2001:db8:2::1") };
}

/** As ofproto/trace takes it, by ovs-fields(7). */
function textOf(packet: PacketFields): string {
  const { ethType, icmp6Type } = packet;
  const say = <T>(name: string, value: T | undefined, format: (value: T) => string) =>
    value === undefined ? [] : [`${name}=${format(value)}`];
  const dotted = (name: string, value: Ip4 | undefined) => say(name, value, formatIp4);
  return [
    ...say("in_port", packet.inPort, String),
    ...say("tun_id", packet.tunnelId, String),
    ...[...dotted("tun_src", packet.tunnelSrc), ...dotted("tun_dst", packet.tunnelDst)],
    ...say("tun_ipv6_src", packet.tunnelSrc6, formatIp6),
    ...say("tun_ipv6_dst", packet.tunnelDst6, formatIp6),
    ...(packet.vlan === "none" ? [] : ["dl_vlan=7"]),
    ...say("dl_src", packet.ethSrc, formatMac),
    ...say("dl_dst", packet.ethDst, formatMac),
    `dl_type=${ethType === "ip" ? "0x0800" : ethType === "arp" ? "0x0806" : "0x86dd"}`,
    ...say("nw_proto", packet.ipProto, String),
    ...[...dotted("nw_src", packet.ipSrc), ...dotted("nw_dst", packet.ipDst)],
    ...say("arp_op", packet.arpOp, String),
    ...[...dotted("arp_spa", packet.arpSpa), ...dotted("arp_tpa", packet.arpTpa)],
    ...say("arp_sha", packet.arpSha, formatMac),
    ...[...say("ipv6_src", packet.ip6Src, formatIp6), ...say("ipv6_dst", packet.ip6Dst, formatIp6)],
    ...say("icmpv6_type", icmp6Type, String),
    ...(icmp6Type === undefined ? [] : ["icmpv6_code=0"]),
    ...say("nd_target", packet.ndTarget, formatIp6),
    ...[...say("nd_sll", packet.ndSll, formatMac), ...say("nd_tll", packet.ndTll, formatMac)],
  ].join(",");
}

/** What the switch says that it does. */
const traced = (text: string) => parseTrace(control.call("ofproto/trace", ["sp0", text], within()));

/** What it did by itself: what comes after is the tunnel's own way. */
function onBridge({ lookups }: SwitchTrace) {
  const own = lookups.filter(({ bridge }) => bridge === "sp0");
  // Warnings of the way further on.
  return own.map(({ notes: _, actions, ...lookup }) => ({
    ...lookup,
    actions: actions.filter((one) => !one.startsWith(">> ")),
  }));
}

test("says the same as the switch, table by table, of whatever is sent", () => {
  const ends = new Set<string>();
  for (let seed = 1; seed <= 4; seed += 1) {
    const random = seeded(seed);
    for (let at = 0; at < packetsPerSeed; at += 1) {
      const packet = anyPacket(random);
      const switched = traced(textOf(packet));
      const walked = walk(packet);
      const about = `seed ${seed}, packet ${at}: ${textOf(packet)}\n${switched.text}`;
      const lookups = lookupsOf("sp0", walked);
      expect(
        lookups.map(({ notes: _, ...lookup }) => lookup),
        about,
      ).toEqual(onBridge(switched));
      expect(walked.backwards, about).toBe(
        switched.text.includes(">> skipping output to input port"),
      );
      const sent = walked.sent.length > 0 ? "sent" : "dropped";
      ends.add(`${walked.backwards ? "backwards" : sent} in ${walked.visited.at(-1)?.table}`);
    }
  }
  // Every way that there is was gone.
  expect([...ends].sort()).toEqual([
    "backwards in 40",
    "dropped in 0",
    "dropped in 10",
    "dropped in 35",
    "dropped in 40",
    "sent in 30",
    "sent in 35",
    "sent in 40",
  ]);
});

describe("what is asked of a switch is what is walked", () => {
  const recorded: Recorded = {
    state,
    numbers: "real",
    ports: [
      ...hosts.map((port) => ({ ...port, role: "gateway" }) as const),
      ...attachments.map((port) => ({ ...port, role: "attachment" }) as const),
    ].map(({ vni, ...port }) => ({ ...port, link: `p${port.ofport}`, network: `net${vni}` })),
  };
  const contents: readonly Content[] = [
    { kind: "neighbour" },
    ...[true, false].flatMap((answer): readonly Content[] => [
      { kind: "icmp", answer },
      { kind: "tcp", port: 80, answer },
      { kind: "udp", port: 53, answer },
    ]),
  ];
  const entries: readonly (readonly [string, Entry, from: string])[] = [
    [
      "a container",
      { by: "container", name: "a", address: ip("10.2.0.10"), port: 30 },
      "10.2.0.10",
    ],
    ["a liar", { by: "container", name: "a", address: ip("10.2.0.10"), port: 30 }, "10.2.0.11"],
    ["the host", { by: "host" }, "10.2.0.2"],
    ["a peer", { by: "tunnel", vtep: peers[0] }, "10.2.0.70"],
    ["another peer", { by: "tunnel", vtep: peers[1] }, "10.2.0.70"],
  ];

  test.each(entries)("from %s", (_, entry, from) => {
    const source = ip(from);
    for (const to of ["10.2.0.11", "10.2.0.130", "10.2.0.20", "10.2.200.1"].map(ip)) {
      for (const family of [4, 6] as const) {
        for (const content of contents) {
          const address = (one: Ip4): Address =>
            family === 4 ? { family, address: one } : { family, address: ip6Of(subnet6, one) };
          const isAsked = content.kind === "neighbour";
          const packet: Packet = {
            network: "net100",
            vni: 100,
            ethSrc: macOfIp4(source),
            ethDst: isAsked ? askedMac(address(to)) : macOfIp4(to),
            from: address(source),
            to: address(to),
            content,
          };
          const port = entryPort(recorded.ports, { entry, packet }) ?? 0;
          const switched = traced(packetText(entry, packet, port));
          const walked = walkRecords(recorded, { entry, packet }, "sp0");
          expect(walked && onBridge(walked), switched.text).toEqual(onBridge(switched));
        }
      }
    }
  });
});
