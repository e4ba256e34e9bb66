/**
 * What the rules do to real packets. Each test first sees the same without them.
 *
 * "host" forwards between two networks, web and db, whose gateway links are bridges here, and the
 * world outside, which knows the way back to both.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Filter } from "../../../lib/sys/nft.ts";
import { arping, ping, transfer } from "../../lab/probe.ts";
import { must, run } from "../../lab/run.ts";
import { loadRules, type NftLab, network, nft, openNftLab } from "./nft-lab.ts";

const web = network("web", "10.2.0.0/16", { subnet6: "fd00:2::/64" });
/** With its containers on this node. */
const here = { ...web, local: network("web", "10.2.0.0/16", { local: ["10.2.0.0/26"] }).local };
const db = network("db", "10.3.0.0/16", { subnet6: "fd00:3::/64" });

const outsideAt = { v4: "203.0.113.9", v6: "2001:db8:9::9" };
const hostAt = { v4: "203.0.113.1", v6: "2001:db8:9::1" };

let lab: NftLab;
let filter: Filter;
let host: string;
let outside: string;
/** Two containers of web, one of db. */
let web1: string;
let web2: string;
let db1: string;

const batch = (netns: string, lines: readonly string[]) =>
  must({ netns, argv: ["ip", "-batch", "-"], stdin: `${lines.join("\n")}\n` });

const set = (netns: string, settings: readonly string[]) =>
  // -e: a kernel without a setting has not what it sets.
  must({ netns, argv: ["sysctl", "-q", "-e", "-w", ...settings] });

/** Duplicate address detection would keep IPv6 waiting. */
const usableAtOnce = ["net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"];

const routes = [
  "net.ipv4.ip_forward=1",
  "net.ipv6.conf.all.forwarding=1",
  "net.ipv4.conf.all.rp_filter=0",
  "net.ipv4.conf.default.rp_filter=0",
  // What a bridge passes on is none of the rules' business, as with the switch.
  "net.bridge.bridge-nf-call-iptables=0",
  "net.bridge.bridge-nf-call-ip6tables=0",
];

/** Joins a namespace's eth0 to a link of the host, under a bridge if one is named. */
async function connect(
  netns: string,
  at: {
    link: string;
    bridge?: string;
    address: string;
    address6: string;
    via: string;
    via6: string;
  },
): Promise<void> {
  await batch(host, [
    `link add ${at.link} type veth peer name eth0 netns ${netns}`,
    ...(at.bridge === undefined ? [] : [`link set ${at.link} master ${at.bridge}`]),
    `link set ${at.link} up`,
  ]);
  await batch(netns, [
    `address add ${at.address} dev eth0`,
    // Without duplicate address detection: usable at once.
    `address add ${at.address6} dev eth0 nodad`,
    "link set eth0 up",
    `route add default via ${at.via}`,
    `route add ::/0 via ${at.via6}`,
  ]);
}

beforeEach(async () => {
  lab = openNftLab();
  host = lab.addNetns("host");
  [outside, web1, web2, db1] = ["out", "web1", "web2", "db1"].map(lab.addNetns) as [
    string,
    string,
    string,
    string,
  ];
  for (const netns of [host, outside, web1, web2, db1]) await set(netns, usableAtOnce);
  await set(host, routes);
  for (const [name, number] of Object.entries({ web: 2, db: 3 })) {
    await batch(host, [
      `link add sp-${name} type bridge`,
      `address add 10.${number}.0.1/16 dev sp-${name}`,
      `address add fd00:${number}::1/64 dev sp-${name} nodad`,
      `link set sp-${name} up`,
    ]);
  }
  const inWeb = { bridge: "sp-web", via: "10.2.0.1", via6: "fd00:2::1" };
  const inDb = { bridge: "sp-db", via: "10.3.0.1", via6: "fd00:3::1" };
  await connect(web1, {
    ...inWeb,
    link: "p1",
    address: "10.2.0.10/16",
    address6: "fd00:2::a02:a/64",
  });
  await connect(web2, {
    ...inWeb,
    link: "p2",
    address: "10.2.0.11/16",
    address6: "fd00:2::a02:b/64",
  });
  await connect(db1, {
    ...inDb,
    link: "p3",
    address: "10.3.0.10/16",
    address6: "fd00:3::a03:a/64",
  });
  await connect(outside, {
    link: "ext0",
    address: `${outsideAt.v4}/24`,
    address6: `${outsideAt.v6}/64`,
    via: hostAt.v4,
    via6: hostAt.v6,
  });
  await batch(host, [
    `address add ${hostAt.v4}/24 dev ext0`,
    `address add ${hostAt.v6}/64 dev ext0 nodad`,
  ]);
  filter = lab.openFilter(host);
});
afterEach(() => lab.close());

/** Whom the receiver saw; undefined if nothing passed. */
const seenFrom = async (from: string, to: string, address: string) =>
  (await transfer({ from, to, address, bytes: 10_000 }))?.from;

describe("what leaves a network", () => {
  test("comes from the host's address, in both families", async () => {
    expect(await seenFrom(web1, outside, outsideAt.v4)).toBe("10.2.0.10");
    expect(await seenFrom(web1, outside, outsideAt.v6)).toBe("fd00:2::a02:a");
    filter.add(web);
    expect(await seenFrom(web1, outside, outsideAt.v4)).toBe(hostAt.v4);
    expect(await seenFrom(web1, outside, outsideAt.v6)).toBe(hostAt.v6);
    // Of a network that is not in, nothing changes.
    expect(await seenFrom(db1, outside, outsideAt.v4)).toBe("10.3.0.10");
  });

  test("keeps its address where the network is not masqueraded", async () => {
    filter.add({ ...web, masquerade: false });
    expect(await seenFrom(web1, outside, outsideAt.v4)).toBe("10.2.0.10");
    expect(await seenFrom(web1, outside, outsideAt.v6)).toBe("fd00:2::a02:a");
  });

  test("keeps its address towards the subnet of another network of ours", async () => {
    await batch(outside, ["address add 10.9.0.9/32 dev lo", "address add fd00:9::9/128 dev lo"]);
    await batch(host, [
      `route add 10.9.0.0/16 via ${outsideAt.v4}`,
      `route add fd00:9::/64 via ${outsideAt.v6}`,
    ]);
    filter.add(web);
    expect(await seenFrom(web1, outside, "10.9.0.9")).toBe(hostAt.v4);
    expect(await seenFrom(web1, outside, "fd00:9::9")).toBe(hostAt.v6);
    filter.add(network("far", "10.9.0.0/16", { subnet6: "fd00:9::/64" }));
    expect(await seenFrom(web1, outside, "10.9.0.9")).toBe("10.2.0.10");
    expect(await seenFrom(web1, outside, "fd00:9::9")).toBe("fd00:2::a02:a");
  });

  test("keeps its address inside the network", async () => {
    filter.add(web);
    expect(await seenFrom(web1, web2, "10.2.0.11")).toBe("10.2.0.10");
    expect(await seenFrom(web1, host, "10.2.0.1")).toBe("10.2.0.10");
  });
});

describe("what the host itself sends to a network", () => {
  /** Whether the container got a request with that sender, where the answer finds its way. */
  const seesSender = async (sender: string) => {
    const counter = `seen_${sender.replaceAll(".", "_")}`;
    await loadRules(
      db1,
      `table ip ${counter} { counter chosen { }; chain in { type filter hook input priority 0;
        ip saddr ${sender} icmp type echo-request counter name chosen; }; }`,
    );
    await must({ netns: host, argv: ["ping", "-n", "-c1", "-W1", "-I", "10.2.0.1", "10.3.0.10"] });
    const text = await nft(db1, "list", "counter", "ip", counter, "chosen");
    return /packets 1 /.test(text);
  };

  test("keeps the address that it chose, to a container of this node", async () => {
    filter.add(web);
    const local = network("db", "10.3.0.0/16", { local: ["10.3.0.0/26"] });
    filter.add({ ...local, masquerade: false });
    expect(await seesSender("10.2.0.1")).toBe(true);
  });

  test("comes from its own address there, to another node's", async () => {
    filter.add(web);
    filter.add({ ...db, masquerade: false });
    expect(await seesSender("10.3.0.1")).toBe(true);
  });
});

describe("what is forwarded", () => {
  test("never goes from one network to another, whichever address it is for", async () => {
    expect(await ping(web1, "10.3.0.10")).toBe(true);
    expect(await ping(web1, "fd00:3::a03:a")).toBe(true);
    filter.add(web);
    filter.add(db);
    const ways = [
      ping(web1, "10.3.0.10"),
      ping(web1, "fd00:3::a03:a"),
      ping(db1, "10.2.0.10"),
      ping(db1, "fd00:2::a02:a"),
    ];
    expect(await Promise.all(ways)).toEqual([false, false, false, false]);
  });

  const both = (one: typeof web, other: typeof web) => {
    filter.add({ ...one, allowed: [other.link] });
    filter.add({ ...other, allowed: [one.link] });
  };

  test("goes between two that reach each other, in both families, under its own address", async () => {
    // Others' NAT, and what others make of a connection's state, don't count between them.
    await loadRules(
      host,
      `table inet others {
        chain out { type nat hook postrouting priority 90; masquerade; };
        chain pass { type filter hook forward priority 0; ct state { new, invalid } drop; }; }`,
    );
    expect(await seenFrom(web1, db1, "10.3.0.10")).toBeUndefined();
    both(web, db);
    expect(await seenFrom(web1, db1, "10.3.0.10")).toBe("10.2.0.10");
    expect(await seenFrom(db1, web1, "10.2.0.10")).toBe("10.3.0.10");
    expect(await seenFrom(web1, db1, "fd00:3::a03:a")).toBe("fd00:2::a02:a");
    expect(await seenFrom(db1, web1, "fd00:2::a02:a")).toBe("fd00:3::a03:a");
    filter.add(db);
    expect(await seenFrom(web1, db1, "10.3.0.10")).toBeUndefined();
    filter.add({ ...db, allowed: [web.link] });
    filter.add(web);
    expect(await seenFrom(web1, db1, "10.3.0.10")).toBeUndefined();
  });

  test("the host's own addresses stay for their network, of two that reach each other too", async () => {
    both(web, db);
    const hosts = ["10.3.0.1", "fd00:3::1"];
    for (const address of hosts) {
      expect(await ping(db1, address), address).toBe(true);
      expect(await ping(web1, address), address).toBe(false);
    }
  });

  test("nor are they reached by what another node has routed there", async () => {
    await batch(db1, ["address add 10.2.0.77/32 dev lo", "address add fd00:2::77/128 dev lo"]);
    await loadRules(
      host,
      `table inet seen { counter four { }; counter six { };
        chain in { type filter hook input priority -10;
          ip saddr 10.2.0.77 counter name four; ip6 saddr fd00:2::77 counter name six; }; }`,
    );
    const come = async () => {
      for (const [from, to] of [
        ["10.2.0.77", "10.3.0.1"],
        ["fd00:2::77", "fd00:3::1"],
      ] as const) {
        await run({ netns: db1, argv: ["ping", "-n", "-c1", "-W1", "-I", from, to] });
      }
      const counted = await nft(host, "reset", "counters", "table", "inet", "seen");
      return [...counted.matchAll(/packets (\d+)/g)].map(([, count]) => Number(count));
    };
    expect(await come()).toEqual([1, 1]);
    both(web, db);
    expect(await come()).toEqual([0, 0]);
  });

  test("still goes from a network to the world, to itself and back", async () => {
    // By way of the host, as from one node's gateway to another's container.
    await batch(web1, ["route add 10.2.0.11/32 via 10.2.0.1"]);
    const ways = [
      [web1, outsideAt.v4],
      [web1, outsideAt.v6],
      [web1, "10.2.0.11"],
      [outside, "10.2.0.10"],
      [outside, "fd00:2::a02:a"],
    ] as const;
    filter.add(web);
    filter.add(db);
    for (const [from, to] of ways) expect(await ping(from, to), `${from} to ${to}`).toBe(true);
    // That is what the pairs are for: without one, a network is cut off from itself.
    filter.remove(web);
    await must({ netns: web1, argv: ["ip", "neigh", "flush", "all"] });
    expect(await ping(web1, "10.2.0.11")).toBe(false);
    expect(await ping(web1, outsideAt.v4)).toBe(true);
  });
});

describe("what the host sends back into a network under another address", () => {
  const service = { v4: "10.96.0.10", v6: "fd00:96::10" };

  beforeEach(() =>
    loadRules(
      host,
      `table ip services { chain to { type nat hook prerouting priority dstnat;
        ip daddr ${service.v4} dnat to 10.2.0.11; }; }
      table ip6 services { chain to { type nat hook prerouting priority dstnat;
        ip6 daddr ${service.v6} dnat to fd00:2::a02:b; }; }`,
    ),
  );

  test("comes from the host's own address there, so that the answer goes back through it", async () => {
    // The answer goes straight to its neighbour, who asked somebody else.
    expect(await seenFrom(web1, web2, service.v4)).toBeUndefined();
    filter.add(web);
    expect(await seenFrom(web1, web2, service.v4)).toBe("10.2.0.1");
    expect(await seenFrom(web1, web2, service.v6)).toBe("fd00:2::1");
  });

  test("also when it came from outside, for a container that may be another node's", async () => {
    expect(await seenFrom(outside, web2, service.v4)).toBe(outsideAt.v4);
    filter.add(web);
    expect(await seenFrom(outside, web2, service.v4)).toBe("10.2.0.1");
    expect(await seenFrom(outside, web2, service.v6)).toBe("fd00:2::1");
  });

  test("but keeps its address from outside to a container of this node", async () => {
    filter.add(here);
    expect(await seenFrom(outside, web2, service.v4)).toBe(outsideAt.v4);
    expect(await seenFrom(outside, web2, service.v6)).toBe(outsideAt.v6);
    expect(await seenFrom(web1, web2, service.v4)).toBe("10.2.0.1");
    expect(await seenFrom(web1, web2, service.v6)).toBe("fd00:2::1");
  });

  test("and not what the host itself asks: it speaks with its own address there", async () => {
    const rules = (family: string) => `table ${family} own { chain to {
      type nat hook output priority -100; ${family} daddr SERVICE dnat to CONTAINER; }; }\n`;
    await loadRules(
      host,
      rules("ip").replace("SERVICE", service.v4).replace("CONTAINER", "10.2.0.11") +
        rules("ip6").replace("SERVICE", service.v6).replace("CONTAINER", "fd00:2::a02:b"),
    );
    await batch(host, [
      `route add ${service.v4}/32 via ${outsideAt.v4}`,
      `route add ${service.v6}/128 via ${outsideAt.v6}`,
    ]);
    expect(await seenFrom(host, web2, service.v4)).toBe(hostAt.v4);
    filter.add(here);
    expect(await seenFrom(host, web2, service.v4)).toBe("10.2.0.1");
    expect(await seenFrom(host, web2, service.v6)).toBe("fd00:2::1");
  });
});

describe("the outer end of a container's link, which the switch reads copies of", () => {
  let stray: string;

  beforeEach(async () => {
    stray = lab.addNetns("stray");
    await set(stray, usableAtOnce);
    await batch(host, [
      `link add spv0123 type veth peer name eth0 netns ${stray}`,
      "link set spv0123 up",
    ]);
    await batch(stray, [
      // A container of web that was given 10.7.0.2 and says that it is 10.2.0.10.
      "address add 10.7.0.2/24 dev eth0",
      "address add 10.2.0.10/32 dev eth0",
      "address add fd00:7::2/64 dev eth0 nodad",
      "link set eth0 up",
      "route add default dev eth0",
      "route add ::/0 dev eth0",
    ]);
    await batch(host, ["route add 10.7.0.0/24 dev spv0123", "route add fd00:7::/64 dev spv0123"]);
  });

  const macOf = async (netns: string, link: string): Promise<string> => {
    const [found] = JSON.parse(await must({ netns, argv: ["ip", "-j", "link", "show", link] }));
    return found.address;
  };
  /** So that nothing hangs on ARP and neighbour discovery. */
  const acquaint = async () => {
    const hosts = await macOf(host, "spv0123");
    const strays = await macOf(stray, "eth0");
    const known = [hostAt.v4, hostAt.v6, outsideAt.v4, "10.2.0.1"];
    await batch(
      stray,
      known.map((to) => `neigh replace ${to} lladdr ${hosts} dev eth0`),
    );
    await batch(
      host,
      ["10.7.0.2", "fd00:7::2"].map((to) => `neigh replace ${to} lladdr ${strays} dev spv0123`),
    );
  };

  test("the host answers no ARP request there, for none of its addresses", async () => {
    const mac = await macOf(host, "spv0123");
    const answers = () =>
      Promise.all([hostAt.v4, "10.2.0.1"].map((address) => arping(stray, address)));
    expect(await answers()).toEqual([[mac], [mac]]);
    filter.add(web);
    expect(await answers()).toEqual([[], []]);
  });

  test("the host answers no packet there, of either family", async () => {
    await acquaint();
    const answers = () => Promise.all([ping(stray, hostAt.v4), ping(stray, hostAt.v6)]);
    expect(await answers()).toEqual([true, true]);
    filter.add(web);
    expect(await answers()).toEqual([false, false]);
    // Of any other link it does.
    expect(await ping(web1, hostAt.v4)).toBe(true);
  });

  test("the host forwards no packet from there under another's address", async () => {
    await acquaint();
    await loadRules(
      outside,
      `table ip seen { counter forged { }; chain in { type filter hook input priority 0;
        ip saddr { 10.2.0.10, ${hostAt.v4} } icmp type echo-request counter name forged; }; }`,
    );
    const forge = async () => {
      const argv = ["ping", "-n", "-c2", "-i0.2", "-W1", "-I", "10.2.0.10", outsideAt.v4];
      await must({ netns: stray, argv: ["sh", "-c", `${argv.join(" ")} || true`] });
      const text = await nft(outside, "list", "counter", "ip", "seen", "forged");
      return Number(/packets (\d+)/.exec(text)?.[1]);
    };
    expect(await forge()).toBe(2);
    filter.add(web);
    expect(await forge()).toBe(2);
  });
});
