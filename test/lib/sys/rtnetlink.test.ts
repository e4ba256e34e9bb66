/** What is sent, byte by byte; that the kernel takes it so is shown in kernel-driver.test.ts. */
import { expect, test } from "vitest";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import { parseMac } from "../../../lib/net/mac.ts";
import { decodeAddress } from "../../../lib/sys/address-messages.ts";
import type { Change, Netns } from "../../../lib/sys/kernel.ts";
import { decodeLink } from "../../../lib/sys/link-messages.ts";
import { encodeMessages } from "../../../lib/sys/netlink.ts";
import { decodeRoute } from "../../../lib/sys/route-messages.ts";
import { requestsOf } from "../../../lib/sys/rtnetlink.ts";

const netns: Netns = { path: "/run/netns/blue", fd: 9, id: "0:1" };
const mac = known(parseMac("02:42:0a:02:00:41"));
const ip4 = (text: string) => known(parseIp4(text));
const ip6 = (text: string) => known(parseIp6(text));

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the test itself is wrong");
  return value;
}

/** The messages that make a change, without the parts that all have: a line for each word of 4 bytes. */
const sent = (change: Change): readonly string[] =>
  requestsOf(change).map(({ message }) =>
    Buffer.from(encodeMessages([message], 1))
      .toString("hex")
      .replaceAll(/.{8}/g, "$& ")
      .trimEnd(),
  );

const header = (length: string, type: string, flags: string) =>
  `${length}000000 ${type}00${flags} 01000000 00000000`;

test("a veth pair, the inner end in its namespace; no IPv6 addresses in a message of its own", () => {
  const [create, after] = sent({
    do: "create veth",
    outer: { name: "spv1", mtu: 1450, up: true, noArp: true, noIp6Addresses: true },
    inner: { name: "eth0", mtu: 1450, mac, netns },
  });
  expect(create).toBe(
    [
      header("84", "10", "0506"), // RTM_NEWLINK; request, ack, create, exclusive
      "00000000 00000000 81000000 81000000", // IFF_UP, IFF_NOARP
      "09000300 73707631 00000000", // IFLA_IFNAME
      "08000400 aa050000", // IFLA_MTU
      "50001280 09000100 76657468 00000000", // IFLA_LINKINFO, IFLA_INFO_KIND
      "40000280 3c000180", // IFLA_INFO_DATA, VETH_INFO_PEER
      "00000000 00000000 00000000 00000000",
      "09000300 65746830 00000000",
      "08000400 aa050000",
      "0a000100 02420a02 00410000", // IFLA_ADDRESS
      "08001c00 09000000", // IFLA_NET_NS_FD
    ].join(" "),
  );
  expect(after).toBe(
    [
      header("3c", "10", "0500"),
      "00000000 00000000 00000000 00000000",
      "09000300 73707631 00000000",
      "10001a80 0c000a80 05000800 01000000", // IFLA_AF_SPEC, AF_INET6, ADDR_GEN_MODE, none
    ].join(" "),
  );
});

test("a link set up: without IPv6 addresses first, else it has one already", () => {
  expect(
    sent({ do: "set link", index: 5, up: true, mac, mtu: 1400, noIp6Addresses: true }),
  ).toEqual([
    `${header("30", "10", "0500")} 00000000 05000000 00000000 00000000 10001a80 0c000a80 05000800 01000000`,
    `${header("34", "10", "0500")} 00000000 05000000 01000000 01000000 0a000100 02420a02 00410000 08000400 78050000`,
  ]);
  expect(sent({ do: "set link", index: 5, up: false })).toEqual([
    `${header("20", "10", "0500")} 00000000 05000000 00000000 01000000`,
  ]);
});

test("a link deleted", () => {
  expect(sent({ do: "delete link", name: "spv1" })).toEqual([
    `${header("2c", "11", "0500")} 00000000 00000000 00000000 00000000 09000300 73707631 00000000`,
  ]);
});

test("addresses of both families", () => {
  const four = { family: 4, address: ip4("10.2.0.65"), length: 16 } as const;
  const six = { family: 6, address: ip6("fd00::a02:41"), length: 64 } as const;
  expect(sent({ do: "add address", index: 5, address: four, noPrefixRoute: true })).toEqual([
    `${header("30", "14", "0506")} 02100000 05000000 08000200 0a020041 08000100 0a020041 08000800 00020000`,
  ]);
  expect(sent({ do: "delete address", index: 5, address: four })).toEqual([
    `${header("28", "15", "0500")} 02100000 05000000 08000200 0a020041 08000100 0a020041`,
  ]);
  const bytes = "fd000000 00000000 00000000 0a020041";
  expect(
    sent({ do: "add address", index: 5, address: six, noDad: true, deprecated: true }),
  ).toEqual([
    `${header("5c", "14", "0506")} 0a400000 05000000 14000200 ${bytes} 14000100 ${bytes} 08000800 02000000 14000600 00000000 ffffffff 00000000 00000000`,
  ]);
});

test("routes of both families, with all that can be said of them", () => {
  const to = { base: ip4("10.9.0.0"), length: 16 };
  const via = ip4("10.2.0.1");
  expect(sent({ do: "add route", route: { family: 4, via, index: 5 } })).toEqual([
    `${header("34", "18", "0506")} 02000000 fe030001 00000000 08000500 0a020001 08000400 05000000 08000f00 fe000000`,
  ]);
  const options = { mtu: 1400, advmss: 1360, priority: 7, table: 1000, scope: 254 };
  expect(sent({ do: "add route", route: { family: 4, to, index: 5, options } })).toEqual([
    `${header("50", "18", "0506")} 02100000 0003fe01 00000000 08000100 0a090000 08000400 05000000 08000f00 e8030000 08000600 07000000 14000880 08000200 78050000 08000800 50050000`,
  ]);
  // On the link where there is no gateway; of any scope and origin where it is taken away.
  expect(sent({ do: "add route", route: { family: 4, to, index: 5 } })[0]).toContain("fe03fd01");
  expect(sent({ do: "delete route", route: { family: 4, to, index: 5 } })[0]).toContain("fe00ff00");
  const six: Change = {
    do: "add route",
    route: {
      family: 6,
      to: { base: ip6("fd00:9::"), length: 32 },
      via: ip6("fe80::1"),
      index: 5,
    },
  };
  expect(sent(six)).toEqual([
    `${header("54", "18", "0506")} 0a200000 fe030001 00000000 14000100 fd000009 00000000 00000000 00000000 14000500 fe800000 00000000 00000000 00000001 08000400 05000000 08000f00 fe000000`,
  ]);
});

test("neighbours of both families", () => {
  const four = { family: 4, address: ip4("10.2.0.65"), mac } as const;
  expect(sent({ do: "add neighbour", index: 5, neighbour: four })).toEqual([
    `${header("30", "1c", "0505")} 02000000 05000000 80000000 08000100 0a020041 0a000200 02420a02 00410000`,
  ]);
  const six = { family: 6, address: ip6("fd00::a02:41"), mac } as const;
  expect(sent({ do: "delete neighbour", index: 5, neighbour: six })).toEqual([
    `${header("3c", "1d", "0500")} 0a000000 05000000 80000000 14000100 fd000000 00000000 00000000 0a020041 0a000200 02420a02 00410000`,
  ]);
});

test("what is said when a change is refused", () => {
  const route = { family: 4, via: ip4("10.2.0.1"), index: 5 } as const;
  const address = { family: 6, address: ip6("fd00::1"), length: 64 } as const;
  const changes: readonly Change[] = [
    {
      do: "create veth",
      outer: { name: "spv1", mtu: 1450, up: true, noArp: true, noIp6Addresses: false },
      inner: { name: "eth0", mtu: 1450, mac, netns },
    },
    { do: "delete link", name: "spv1" },
    { do: "set link", index: 5, up: true },
    { do: "delete address", index: 5, address },
    { do: "add route", route },
    { do: "delete route", route: { ...route, to: { base: ip4("10.0.0.0"), length: 8 } } },
    { do: "add neighbour", index: 5, neighbour: { ...address, mac } },
  ];
  const said = changes.flatMap(requestsOf).map(({ attempt }) => {
    const { action, subject, call } = attempt();
    return `${action} ${subject} (${call})`;
  });
  expect(said).toEqual([
    'create links "spv1" and "eth0" in /run/netns/blue (RTM_NEWLINK)',
    'delete link "spv1" (RTM_DELLINK)',
    "set link 5 (RTM_NEWLINK)",
    "delete address fd00::1/64 of link 5 (RTM_DELADDR)",
    "add route default via 10.2.0.1 on link 5 (RTM_NEWROUTE)",
    "delete route 10.0.0.0/8 via 10.2.0.1 on link 5 (RTM_DELROUTE)",
    "add neighbour fd00::1 of link 5 (RTM_NEWNEIGH)",
  ]);
});

test("a link that says hardly anything is decoded all the same", () => {
  const body = Buffer.from(
    "00000100 07000000 43100000 00000000 0c000100 aabbccddeeff0011".replaceAll(" ", ""),
    "hex",
  );
  expect(decodeLink(body)).toEqual({
    index: 7,
    name: "",
    mac: undefined,
    mtu: 0,
    up: true,
    running: true,
    kind: undefined,
    peerIndex: undefined,
    peerNetns: undefined,
  });
});

test("of a route with several next hops, the first counts", () => {
  const hops = ["10000000 05000000 08000500 0a020001", "10000000 06000000 08000500 0a020002"];
  const body = Buffer.from(
    `02000000 fe030001 00000000 24000900 ${hops.join(" ")}`.replaceAll(" ", ""),
    "hex",
  );
  expect(decodeRoute(body)).toEqual({ family: 4, index: 5, via: ip4("10.2.0.1") });
});

test("what ends within the structure that it begins with is refused", () => {
  const body = new Uint8Array(7);
  for (const decode of [decodeLink, decodeRoute, decodeAddress]) {
    expect(() => decode(body)).toThrow("Cannot read the kernel's answer: it has 7 bytes");
  }
  const hops = "02000000 fe030001 00000000 08000900 10000000";
  expect(() => decodeRoute(Buffer.from(hops.replaceAll(" ", ""), "hex"))).toThrow("it has 4 bytes");
});
