/** The driver against the real kernel, in namespaces of its own; ip(8) says what is there. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { formatIp4, parseIp4 } from "../../../lib/net/ip4.ts";
import { formatIp6, parseIp6 } from "../../../lib/net/ip6.ts";
import { formatMac, macOfIp4, parseMac } from "../../../lib/net/mac.ts";
import { SysError } from "../../../lib/sys/errno.ts";
import type {
  Change,
  Kernel,
  Link,
  LinkAddress,
  Links,
  Netns,
  Route,
} from "../../../lib/sys/kernel.ts";
import { openKernel } from "../../../lib/sys/kernel-driver.ts";
import { type Namespace, type Namespaces, openNamespaces, type Shown } from "./namespaces.ts";

const kernel: Kernel = openKernel(openFfi());
const mac = known(parseMac("02:42:0a:02:00:41"));
const ip4 = (text: string) => known(parseIp4(text));
const ip6 = (text: string) => known(parseIp6(text));

let namespaces: Namespaces;
let host: Namespace;
let box: Namespace;
let hostNs: Netns;
let boxNs: Netns;
let outside: Links;
let within: Links;

beforeEach(() => {
  namespaces = openNamespaces();
  host = namespaces.make("host");
  box = namespaces.make("box");
  hostNs = known(kernel.openNetns(host.path));
  boxNs = known(kernel.openNetns(box.path));
  outside = kernel.links(hostNs);
  within = kernel.links(boxNs);
});
afterEach(async () => {
  outside.close();
  within.close();
  kernel.closeNetns(hostNs);
  kernel.closeNetns(boxNs);
  await namespaces.cleanup.run();
});

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it should have been there");
  return value;
}

type Veth = Extract<Change, { do: "create veth" }>;
const veth = (outer: Partial<Veth["outer"]> = {}, inner: Partial<Veth["inner"]> = {}): Veth => ({
  do: "create veth",
  outer: { name: "spv1", mtu: 1450, up: true, noArp: true, noIp6Addresses: true, ...outer },
  inner: { name: "eth0", mtu: 1450, mac, netns: boxNs, ...inner },
});

function refusalOf(act: () => unknown): SysError {
  try {
    act();
  } catch (fault) {
    if (fault instanceof SysError) return fault;
    throw fault;
  }
  throw new Error("nothing was refused");
}

/** A link as ip(8) shows it, in our words. */
const shownLink = (shown: Shown = {}): Partial<Link> => ({
  index: Number(shown.ifindex),
  name: String(shown.ifname),
  mac: parseMac(String(shown.address)),
  mtu: Number(shown.mtu),
  up: String(shown.flags).split(",").includes("UP"),
  kind: (shown.linkinfo as { info_kind?: string } | undefined)?.info_kind,
});

describe("a veth pair", () => {
  test("is made whole, each end as asked for and where asked for", () => {
    outside.apply([veth()]);
    const [outer] = host.show("link", "show", "dev", "spv1");
    const [inner] = box.show("link", "show", "dev", "eth0");
    expect(outer).toMatchObject({ mtu: 1450, inet6_addr_gen_mode: "none" });
    expect(outer?.flags).toEqual(expect.arrayContaining(["UP", "NOARP"]));
    expect(inner).toMatchObject({
      mtu: 1450,
      address: "02:42:0a:02:00:41",
      linkinfo: { info_kind: "veth" },
    });
    expect(inner?.flags).not.toContain("UP");
    const link = known(outside.get("spv1"));
    expect(link).toMatchObject({ ...shownLink(outer), peerIndex: inner?.ifindex });
    expect(known(within.get("eth0"))).toMatchObject({ ...shownLink(inner), peerIndex: link.index });
  });

  test("tells which namespace its other end is in", () => {
    expect(outside.numberOf(boxNs)).toBeUndefined();
    outside.apply([veth()]);
    const there = known(outside.get("spv1")).peerNetns;
    expect(there).toBeTypeOf("number");
    expect(outside.numberOf(boxNs)).toBe(there);
    const own = kernel.ownNetns();
    expect(outside.numberOf(own)).not.toBe(there);
    kernel.closeNetns(own);
  });

  test("has no address that nobody gave it, once both ends are up", async () => {
    outside.apply([veth()]);
    const { index } = known(within.get("eth0"));
    within.apply([{ do: "set link", index, up: true, noIp6Addresses: true }]);
    // A link-local address appears as the carrier does: a pair made without our measures shows when.
    host.ip("link", "add", "plain", "type", "veth", "peer", "name", "plain2");
    host.ip("link", "set", "plain", "up");
    host.ip("link", "set", "plain2", "up");
    const plain = known(outside.get("plain")).index;
    await expect.poll(() => outside.addresses(plain).length, { timeout: 20_000 }).toBe(1);
    await expect.poll(() => known(within.get("eth0")).running, { timeout: 20_000 }).toBe(true);
    expect(outside.addresses(known(outside.get("spv1")).index)).toEqual([]);
    expect(within.addresses(index)).toEqual([]);
    expect(known(within.get("eth0")).up).toBe(true);
  });

  test("is not made at all where either name is taken", () => {
    host.ip("link", "add", "spv1", "type", "veth", "peer", "name", "spv9");
    const outer = refusalOf(() => outside.apply([veth()]));
    expect(outer.errno).toBe("EEXIST");
    expect(outer.message).toMatch(
      /^Cannot create links "spv1" and "eth0" in \/run\/netns\/.*: it is already there \(EEXIST\)/,
    );
    expect(within.get("eth0")).toBeUndefined();

    box.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth9");
    const inner = refusalOf(() => outside.apply([veth({ name: "spv2" }, { name: "eth1" })]));
    expect(inner.errno).toBe("EEXIST");
    expect(outside.get("spv2")).toBeUndefined();
  });

  test("with an MTU too small for IPv6 is made all the same", () => {
    outside.apply([veth({ mtu: 1000 }, { mtu: 1000 })]);
    const { index } = known(within.get("eth0"));
    within.apply([{ do: "set link", index, up: true, noIp6Addresses: true }]);
    expect(known(within.get("eth0"))).toMatchObject({ mtu: 1000, up: true });
  });

  test("is refused in words when the names or sizes can't be", () => {
    const long = refusalOf(() => outside.apply([veth({ name: "spv1234567890123" })]));
    expect(long.kind).toBe("kernel-refused");
    expect(long.message).toMatch(/\((ERANGE|EINVAL)\): the kernel says ".+"$/);
    const large = refusalOf(() => outside.apply([veth({ mtu: 1 << 20 })]));
    expect(large.errno).toBe("EINVAL");
    const slash = refusalOf(() => outside.apply([veth({ name: "a/b" })]));
    expect(slash.errno).toBe("EINVAL");
    expect(outside.list().map(({ name }) => name)).toEqual(["lo"]);
  });

  test("goes with either end, and with its namespace", async () => {
    outside.apply([veth()]);
    within.apply([{ do: "delete link", name: "eth0" }]);
    expect(outside.get("spv1")).toBeUndefined();
    const fault = refusalOf(() => outside.apply([{ do: "delete link", name: "spv1" }]));
    expect(fault.message).toBe('Cannot delete link "spv1": there is no such device (ENODEV)');
  });
});

describe("links", () => {
  test("are listed as ip(8) does, and found by name", () => {
    outside.apply([veth()]);
    host.ip("link", "add", "plain", "up", "type", "veth", "peer", "name", "plain2");
    const shown = host.show("link", "show").map(shownLink);
    expect(outside.list()).toMatchObject(shown);
    // The operational state follows a moment later.
    for (const { running, ...link } of outside.list())
      expect(outside.get(link.name)).toMatchObject(link);
  });

  test("that are not there are undefined, whatever they are called", () => {
    expect(outside.get("none")).toBeUndefined();
    expect(outside.get("a-name-that-no-link-can-have")).toBeUndefined();
  });

  test("are listed whole, many more than one answer holds", () => {
    for (let number = 0; number < 150; number += 1)
      outside.apply([veth({ name: `spv${number}` }, { name: `eth${number}` })]);
    const names = outside.list().map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(host.show("link", "show").map((one) => one.ifname)));
    expect(names.length).toBe(151);
  });

  test("are changed: MAC, MTU, up and down", () => {
    outside.apply([veth()]);
    const { index } = known(within.get("eth0"));
    const other = known(parseMac("02:42:0a:02:00:99"));
    within.apply([{ do: "set link", index, mac: other, mtu: 1300, up: true }]);
    expect(known(within.get("eth0"))).toMatchObject({ mac: other, mtu: 1300, up: true });
    within.apply([{ do: "set link", index, up: false }]);
    expect(known(within.get("eth0"))).toMatchObject({ mac: other, mtu: 1300, up: false });
    const fault = refusalOf(() => within.apply([{ do: "set link", index: 4711, up: true }]));
    expect(fault.message).toBe("Cannot set link 4711: there is no such device (ENODEV)");
  });
});

describe("addresses and routes", () => {
  let index: number;
  const four: LinkAddress = { family: 4, address: ip4("10.2.0.65"), length: 16 };
  const six: LinkAddress = { family: 6, address: ip6("fd00:2::a02:41"), length: 64 };
  const local: LinkAddress = { family: 6, address: ip6("fe80::a02:41"), length: 64 };
  beforeEach(() => {
    outside.apply([veth()]);
    ({ index } = known(within.get("eth0")));
    within.apply([{ do: "set link", index, up: true, noIp6Addresses: true }]);
  });

  const shownAddresses = (): readonly Shown[] =>
    box.show("address", "show", "dev", "eth0").flatMap(({ addr_info }) => addr_info as Shown[]);
  const textOf = (one: LinkAddress) =>
    `${one.family === 4 ? formatIp4(one.address) : formatIp6(one.address)}/${one.length}`;

  test("of both families are set in one go, usable at once, and read back", () => {
    const add = (address: LinkAddress): Change => ({
      do: "add address",
      index,
      address,
      noDad: true,
    });
    within.apply([
      add(four),
      add(six),
      add(local),
      { do: "add route", route: { family: 4, via: ip4("10.2.0.1"), index } },
      { do: "add route", route: { family: 6, via: ip6("fd00:2::1"), index } },
    ]);
    expect(within.addresses(index).map(textOf).sort()).toEqual(
      [four, six, local].map(textOf).sort(),
    );
    const shown = shownAddresses();
    expect(shown.map(({ local, prefixlen }) => `${local}/${prefixlen}`).sort()).toEqual(
      [four, six, local].map(textOf).sort(),
    );
    expect(shown.some(({ tentative }) => tentative)).toBe(false);
    expect(within.routes()).toEqual(
      expect.arrayContaining([
        { family: 4, via: ip4("10.2.0.1"), index },
        { family: 4, to: { base: ip4("10.2.0.0"), length: 16 }, index, options: { scope: 253 } },
        { family: 6, via: ip6("fd00:2::1"), index, options: { priority: 1024 } },
      ]),
    );
    expect(outside.addresses(1)).toEqual([]);
  });

  test("that are there already are refused, and so are those that are not there", () => {
    within.apply([{ do: "add address", index, address: four }]);
    const again = refusalOf(() => within.apply([{ do: "add address", index, address: four }]));
    expect(again.errno).toBe("EEXIST");
    expect(again.message).toMatch(
      new RegExp(`^Cannot add address 10\\.2\\.0\\.65/16 of link ${index}: it is already there`),
    );
    within.apply([{ do: "delete address", index, address: four }]);
    expect(within.addresses(index)).toEqual([]);
    const gone = refusalOf(() => within.apply([{ do: "delete address", index, address: four }]));
    expect(gone.errno).toBe("EADDRNOTAVAIL");
  });

  test("are the link's own where it has a peer's too", () => {
    box.ip("address", "add", "10.5.0.1", "peer", "10.5.0.2/32", "dev", "eth0");
    box.ip("address", "add", "fd00:5::1", "peer", "fd00:5::2/128", "dev", "eth0", "nodad");
    expect(within.addresses(index).map(textOf)).toEqual(["10.5.0.1/32", "fd00:5::1/128"]);
  });

  test("can come without their route, and never be a source", () => {
    within.apply([
      { do: "add address", index, address: four, noPrefixRoute: true },
      {
        do: "add address",
        index,
        address: six,
        noDad: true,
        deprecated: true,
        noPrefixRoute: true,
      },
    ]);
    expect(within.routes()).toEqual([]);
    expect(shownAddresses().find(({ family }) => family === "inet6")).toMatchObject({
      deprecated: true,
      preferred_life_time: 0,
      valid_life_time: 4294967295,
    });
  });

  test("routes take all that CNI lets them say, and are what ip(8) shows", () => {
    within.apply([
      { do: "add address", index, address: four },
      { do: "add address", index, address: six, noDad: true },
    ]);
    const wanted: readonly Route[] = [
      {
        family: 4,
        to: { base: ip4("10.9.0.0"), length: 16 },
        via: ip4("10.2.0.1"),
        index,
        options: { mtu: 1400, advmss: 1360, priority: 7 },
      },
      { family: 4, to: { base: ip4("10.8.0.1"), length: 32 }, index, options: { scope: 253 } },
      {
        family: 6,
        to: { base: ip6("fd00:9::"), length: 48 },
        via: ip6("fd00:2::1"),
        index,
        options: { mtu: 1300, priority: 9 },
      },
    ];
    within.apply(wanted.map((route) => ({ do: "add route", route })));
    expect(within.routes()).toEqual(expect.arrayContaining([...wanted]));
    expect(box.show("route", "show", "10.9.0.0/16")).toMatchObject([
      { gateway: "10.2.0.1", dev: "eth0", metric: 7, metrics: [{ mtu: 1400, advmss: 1360 }] },
    ]);
    expect(box.show("-6", "route", "show", "fd00:9::/48")).toMatchObject([
      { gateway: "fd00:2::1", metric: 9, metrics: [{ mtu: 1300 }] },
    ]);
    within.apply(wanted.map((route) => ({ do: "delete route", route })));
    expect(within.routes().length).toBe(2);
  });

  test("routes of another table stay out of the main one", () => {
    within.apply([{ do: "add address", index, address: four }]);
    const before = within.routes();
    const route: Route = { family: 4, via: ip4("10.2.0.1"), index, options: { table: 1000 } };
    within.apply([{ do: "add route", route }]);
    expect(within.routes()).toEqual(before);
    const all = within.routes("all");
    expect(all).toEqual(expect.arrayContaining([...before, route]));
    expect(all).toHaveLength(before.length + 1);
    expect(box.show("route", "show", "table", "1000")).toMatchObject([{ gateway: "10.2.0.1" }]);
    within.apply([{ do: "delete route", route }]);
    expect(box.show("route", "show", "table", "all").some(({ table }) => table === "1000")).toBe(
      false,
    );
  });

  test("a route to nowhere is refused with the kernel's reason", () => {
    const route: Route = { family: 4, via: ip4("172.31.0.1"), index };
    const fault = refusalOf(() => within.apply([{ do: "add route", route }]));
    expect(fault.message).toBe(
      `Cannot add route default via 172.31.0.1 on link ${index}: the network cannot be reached (ENETUNREACH): the kernel says "Nexthop has invalid gateway"`,
    );
  });

  test("neighbours are set for good, replaced and taken away", () => {
    const add = (hardware: typeof mac): Change => ({
      do: "add neighbour",
      index,
      neighbour: { family: 4, address: ip4("10.2.0.9"), mac: hardware },
    });
    const other = known(parseMac("02:42:0a:02:00:77"));
    const sixth = { family: 6, address: ip6("fd00:2::9"), mac: other } as const;
    within.apply([add(mac), add(other), { do: "add neighbour", index, neighbour: sixth }]);
    expect(box.show("neighbour", "show", "dev", "eth0")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          dst: "10.2.0.9",
          lladdr: formatMac(other),
          state: ["PERMANENT"],
        }),
        expect.objectContaining({
          dst: "fd00:2::9",
          lladdr: formatMac(other),
          state: ["PERMANENT"],
        }),
      ]),
    );
    within.apply([
      { ...add(other), do: "delete neighbour" } as Change,
      { do: "delete neighbour", index, neighbour: sixth },
    ]);
    const left = box.show("neighbour", "show", "dev", "eth0");
    expect(left.filter(({ state }) => String(state).includes("PERMANENT"))).toEqual([]);
  });

  test("a neighbour is asked for, also when it is known, unless it is set for good", () => {
    const probe = () => within.probe(index, { family: 4, address: ip4("10.2.0.9") });
    const state = () =>
      box.show("neighbour", "show", "dev", "eth0").find(({ dst }) => dst === "10.2.0.9")?.state;
    const set = (kind: string) =>
      box.ip(
        ..."neighbour replace 10.2.0.9 dev eth0 lladdr 02:42:0a:02:00:09 nud".split(" "),
        kind,
      );
    within.apply([{ do: "add address", index, address: four }]);
    expect(probe()).toBeUndefined();
    expect(state()).toEqual(["INCOMPLETE"]);
    expect(probe()).toBeUndefined();
    const mac9 = macOfIp4(ip4("10.2.0.9"));
    for (const kind of ["reachable", "stale"]) {
      set(kind);
      expect(probe()).toEqual({ mac: mac9, isConfirmed: kind === "reachable" });
      expect(state()).toEqual(["PROBE"]);
    }
    set("permanent");
    expect(probe()).toEqual({ mac: mac9, isConfirmed: true });
    expect(state()).toEqual(["PERMANENT"]);
  });

  test("one refusal in a train names its own change, and the others are done", () => {
    const fault = refusalOf(() =>
      within.apply([
        { do: "add address", index, address: four },
        { do: "add route", route: { family: 4, via: ip4("172.31.0.1"), index } },
        { do: "add address", index, address: four },
        { do: "add address", index, address: six, noDad: true },
      ]),
    );
    expect(fault.message).toMatch(/^Cannot add route default via 172\.31\.0\.1/);
    expect(within.addresses(index).map(textOf).sort()).toEqual([four, six].map(textOf).sort());
    // And the socket is of use still.
    expect(within.get("eth0")?.index).toBe(index);
  });

  test("a train longer than the socket's buffer has answers for is done whole", () => {
    const addresses = Array.from({ length: 600 }, (_, at): LinkAddress => {
      return { family: 4, address: ip4(`10.3.${at >> 8}.${at & 255}`), length: 32 };
    });
    within.apply(addresses.map((address) => ({ do: "add address", index, address })));
    expect(within.addresses(index).length).toBe(600);
  });
});

describe("checksum offload", () => {
  test("is on in a new pair, and switched off inside the namespace", () => {
    outside.apply([veth()]);
    expect(within.checksumOffload("eth0")).toBe(true);
    within.checksumOffloadOff("eth0");
    expect(within.checksumOffload("eth0")).toBe(false);
    within.checksumOffloadOff("eth0");
    expect(outside.checksumOffload("spv1")).toBe(true);
  });

  test("of no link is refused in words", () => {
    const fault = refusalOf(() => within.checksumOffloadOff("none"));
    expect(fault.message).toBe(
      'Cannot switch checksum offload off on link "none": there is no such device (ENODEV)',
    );
    expect(() => within.checksumOffload("n".repeat(16))).toThrow("the name is too long");
  });
});
