import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseTrace, sendsNothing } from "../../../lib/trace/switch-trace.ts";

/** As Open vSwitch 3.1 has said it, on a node of three with the network web. */
const folder = join(import.meta.dirname, "traces");
const recorded = (name: string) => readFileSync(join(folder, `${name}.txt`), "utf8");

/** The way through our own bridge, and what the datapath is told. */
const wayOf = (name: string) => {
  const { lookups, datapath } = parseTrace(recorded(name));
  const tables = lookups.filter(({ bridge }) => bridge === "sp0").map(({ table }) => table);
  return `${tables.join(" ")}: ${datapath?.replace(/\(.*/, "")}`;
};

describe("the switch's trace", () => {
  test.each([
    ["arp-far", "0 20 30 35: set"],
    ["icmp-far", "0 30 35: tnl_push"],
    ["spoofed", "0: drop"],
    ["tcp-gateway", "0 30 35 40: set"],
    ["nobody", "0 30 35: drop"],
    ["own-block-empty", "0 30 40: drop"],
    ["from-tunnel", "0 10 40: 6"],
    ["tunnel-foreign", "0 10: drop"],
    ["from-host", "0 20 30 40: 6"],
    ["no-match", "0 30 40: drop"],
    ["neighbour-miss", "0 30 35: drop"],
    ["tunnel-no-route", "0 30: drop"],
  ])("is read: %s", (name, way) => {
    expect(wayOf(name)).toBe(way);
  });

  test("has each flow's match, priority, cookie, actions, and the switch's notes", () => {
    const { lookups } = parseTrace(recorded("arp-far"));
    expect(lookups.slice(1)).toEqual([
      {
        bridge: "sp0",
        table: 20,
        match: "arp,reg0=0x1,arp_tpa=10.2.0.0/16,arp_op=1",
        priority: 100,
        cookie: 0x5350010000013eddn,
        actions: [
          "move:NXM_OF_ARP_TPA[]->NXM_OF_ETH_DST[0..31]",
          "set_field:02:42:00:00:00:00/ff:ff:00:00:00:00->eth_dst",
          "goto_table:30",
        ],
        notes: ["NXM_OF_ETH_DST[0..31] is now 0xa020003"],
      },
      {
        bridge: "sp0",
        table: 30,
        match: "reg0=0x1,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0",
        priority: 126,
        cookie: 0x5350010000013eddn,
        actions: ["goto_table:35"],
        notes: [],
      },
      {
        bridge: "sp0",
        table: 35,
        match: "reg0=0x1,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0",
        priority: 126,
        cookie: 0x5350020000000001n,
        actions: ["set_field:0x1->tun_id", "set_field:192.0.2.2->tun_dst", "output:1"],
        notes: [
          "output to native tunnel",
          "tunneling to 192.0.2.2 via br-phy",
          "tunneling from 86:80:bc:ec:ed:4d 192.0.2.1 to 2e:0e:07:b6:fb:43 192.0.2.2",
        ],
      },
      {
        bridge: "br-phy",
        table: 0,
        match: "",
        priority: 0,
        cookie: 0n,
        actions: ["NORMAL"],
        notes: ["forwarding to learned port"],
      },
    ]);
  });

  test("tells the switch's warnings and errors from what it does", () => {
    const text = recorded("tunnel-no-route");
    const notes = ["output to native tunnel", "native tunnel routing failed"];
    expect(parseTrace(text).lookups.at(-1)).toMatchObject({ notes });
    const worse = text.replace(">> native tunnel routing failed", ">>>> too deep <<<<");
    expect(parseTrace(worse).lookups.at(-1)?.notes[1]).toBe("too deep");
  });

  test("says where no flow matched", () => {
    const { lookups } = parseTrace(recorded("no-match"));
    expect(lookups.at(-1)).toMatchObject({ table: 40, priority: undefined, actions: ["drop"] });
  });

  test("of a text that is not understood, says nothing, and keeps it", () => {
    const old = "Bridge: sp0\nRule: table=0 cookie=0 priority=32768\nOpenFlow actions=drop\n";
    expect(parseTrace(old)).toEqual({
      lookups: [],
      datapath: undefined,
      failed: undefined,
      text: old,
    });
  });

  test("no text is too broken", () => {
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), "utf8");
      for (let at = 0; at < text.length; at += 7) {
        expect(parseTrace(text.slice(0, at)).text).toBe(text.slice(0, at));
        parseTrace(text.slice(at));
      }
    }
  });
});

test.each([
  ["drop", true],
  ["set(eth(dst=02:42:0a:02:8f:c1))", true],
  ["set(ipv4(src=10.2.0.3,dst=10.2.0.4)),meter(3)", true],
  ["5", false],
  ["set(eth(dst=02:42:0a:02:8f:c1)),5", false],
  [
    "tnl_push(tnl_port(4789),header(size=50,type=4,eth(dst=2e:0e:07:b6:fb:43)),out_port(3)),2",
    false,
  ],
  ["clone(tnl_push(tnl_port(4789),header(size=50),out_port(3)),2)", false],
  ["userspace(pid=0,slow_path(controller))", false],
  [undefined, false],
  ["drop)", false],
  ["set(", false],
  [")drop(", false],
])("of %j it sends nothing: %s", (datapath, expected) => {
  expect(sendsNothing(datapath)).toBe(expected);
});

test("brackets without end cost no more than other text of their length", () => {
  const msOf = (datapath: string) => {
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      sendsNothing(datapath);
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  const half = 24_000;
  const deep = "(".repeat(half) + ")".repeat(half);
  // What looks through it once for each bracket takes a thousand times as long.
  expect(msOf(deep)).toBeLessThan(50 * msOf("5".repeat(2 * half)));
});
