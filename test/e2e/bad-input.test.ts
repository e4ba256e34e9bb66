/** What a runtime may ask wrongly, and what the container may already have. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

let lab: Lab;
let node: LabNode;
let container: Container;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  container = node.addContainer();
});
afterAll(() => lab.close());

const cni = (command: CniCall["command"], more: Partial<CniCall> = {}) =>
  node.cni({ command, conf, container, ...more });

/** Whatever came before, a good ADD works and its DEL leaves nothing. */
afterEach(async () => {
  await assertNothingLeft([node]);
  expect(await cni("ADD")).toMatchObject({ status: 0 });
  await assertSound([node]);
  expect(await ping(container.netns, "10.2.0.1")).toBe(true);
  expect(await cni("DEL")).toMatchObject({ status: 0, stdout: "" });
  await assertNothingLeft([node]);
});

describe("the environment", () => {
  const without = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined };
  test.each<[string, Partial<CniCall>, string[]]>([
    ["lacks all", { env: without }, ["[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME] missing"]],
    ["has empty ones", { env: { CNI_NETNS: "", CNI_IFNAME: "" } }, ["[CNI_NETNS,CNI_IFNAME]"]],
    [
      "has malformed ones",
      { env: { CNI_CONTAINERID: "../x", CNI_IFNAME: "eth0/0" }, args: "IP" },
      ['CNI_CONTAINERID "../x" must begin', 'CNI_IFNAME "eth0/0" must not hold', '"IP" is not of'],
    ],
    [
      "has a link name of 16 bytes",
      { env: { CNI_IFNAME: "a".repeat(16) } },
      ["must have at most 15 bytes, not 16"],
    ],
    [
      "has a pattern for a link name",
      { env: { CNI_IFNAME: "eth%d" } },
      ["CNI_IFNAME \"eth%d\" must not hold '%': the kernel takes it for a pattern"],
    ],
    [
      "has an unknown command",
      { env: { CNI_COMMAND: "PUT" } },
      ["unknown CNI_COMMAND", "ADD, CHECK"],
    ],
    [
      "has an unknown argument",
      { args: "IPP=10.2.0.9" },
      ['"IPP" is not one of IP,', "add IgnoreUnknown=1"],
    ],
  ])("%s: all is named at once", async (_, more, says) => {
    expectRefusal(await cni("ADD", more), { code: 4, says });
  });
});

describe("stdin", () => {
  test.each<[string, unknown, number, string[]]>([
    ["is not JSON", "{ not JSON", 6, ["stdin is not JSON"]],
    ["is empty", "", 6, ["stdin is empty, not a plugin's configuration"]],
    ["is a list", "[]", 6, ["stdin is not an object, but []"]],
    ["has no name", { ...conf, name: undefined }, 7, ['"name" is missing']],
    ["has a bad name", { ...conf, name: "../web" }, 7, ['"name" must begin', '"../web"']],
    [
      "is of a version to come",
      { ...conf, cniVersion: "9.9.9" },
      1,
      ['config is "9.9.9"', "1.1.0"],
    ],
  ])("%s", async (_, stdin, code, says) => {
    expectRefusal(await cni("ADD", { conf: stdin }), { code, says });
  });
});

describe("the network configuration", () => {
  const web = 'Cannot use network configuration "web": ';
  const withIpam = (ipam: unknown) => ({ ipam });
  test.each<[string, object, number, string[]]>([
    [
      "has slips of the pen",
      { subnet: undefined, subent: "10.2.0.0/16", gatway: "10.2.0.1" },
      7,
      [web, '"subent" is not a known key: did you mean "subnet"?', '"gateway"?'],
    ],
    [
      "has values of the wrong kind",
      { subnet: "10.2.0.0", gateway: "::1", mtu: "big", masquerade: "no" },
      7,
      ['"subnet" must be an IPv4 prefix, not "10.2.0.0"', '"gateway"', '"mtu"', '"masquerade"'],
    ],
    ["has a subnet with host bits", { subnet: "10.2.0.9/16" }, 7, ['did you mean "10.2.0.0/16"?']],
    [
      "has a subnet that is too small",
      { name: "a", subnet: "10.3.0.0/30" },
      7,
      ["the smallest is a /29"],
    ],
    [
      "has a subnet that is too large",
      { name: "a", subnet: "12.0.0.0/7" },
      7,
      ["the largest is a /8"],
    ],
    [
      "has a subnet that is not for hosts",
      { name: "a", subnet: "127.1.0.0/16" },
      7,
      ["reaches into loopback addresses", "Take one of 10.0.0.0/8"],
    ],
    [
      "has a gateway outside of the subnet",
      { name: "a", subnet: "10.3.0.0/16", gateway: "10.4.0.1" },
      7,
      ["gateway 10.4.0.1 is not a usable address of 10.3.0.0/16"],
    ],
    [
      "names a network that is not there",
      { name: "a", subnet: undefined },
      100,
      ['Cannot use network "a": there is none', "socketplane network create a", '"subnet"'],
    ],
    [
      "has a setting without a subnet",
      { name: "a", subnet: undefined, mtu: 1400 },
      7,
      ['"subnet" is missing'],
    ],
    ["has an ipam without a type", withIpam({}), 7, ['"ipam" has no "type"', "socketplane-ipam"]],
    ["has an ipam that is none", withIpam("host-local"), 7, ['"ipam" is not an object']],
    ["has a path for a type", withIpam({ type: "../host-local" }), 7, ["without '/'"]],
    [
      "names node.json by half a path",
      { nodeConfig: "node.json" },
      7,
      ["must be an absolute path"],
    ],
  ])("%s", async (_, more, code, says) => {
    expectRefusal(await cni("ADD", { conf: { ...conf, ...more } }), { code, says });
  });

  test("overlaps another network, or is not what the network is", async () => {
    const other = { ...conf, name: "other", subnet: "10.2.128.0/17" };
    expect(await cni("ADD")).toMatchObject({ status: 0 });
    expectRefusal(await cni("ADD", { ifname: "eth1", conf: other }), {
      code: 101,
      says: [
        'Cannot create network "other": its subnet overlaps 10.2.0.0/16 of network "web"',
        "Choose another subnet",
      ],
    });
    const changed = { ...conf, subnet: "10.3.0.0/16", mtu: 1400 };
    expectRefusal(await cni("ADD", { ifname: "eth1", conf: changed }), {
      code: 101,
      says: ["its subnet is 10.2.0.0/16, not 10.3.0.0/16; its mtu is not set, not 1400"],
    });
    await assertSound([node]);
    expect(await cni("DEL")).toMatchObject({ status: 0 });
  });
});

describe("what the runtime asks for", () => {
  const asking = (runtimeConfig: object): Partial<CniCall> => ({
    conf: { ...conf, runtimeConfig },
  });
  test.each<[string, Partial<CniCall>, number, string[]]>([
    ["the gateway's address", { args: "IP=10.2.0.1" }, 7, ["10.2.0.1", "it is the gateway"]],
    [
      "the broadcast address",
      { args: "IP=10.2.255.255" },
      7,
      ["not a usable address of 10.2.0.0/16"],
    ],
    ["an address of elsewhere", { args: "IP=10.9.0.1" }, 7, ["10.9.0.1", "10.2.0.0/16"]],
    ["what is no address", { args: "IP=10.9" }, 4, ['"CNI_ARGS.IP" must be an address', '"10.9"']],
    [
      "two addresses",
      asking({ ips: ["10.2.1.1", "10.2.1.2"] }),
      2,
      ['"ips" 10.2.1.2: an interface'],
    ],
    ["an IPv6 address alone", asking({ ips: ["fd00::9"] }), 2, ['"ips" fd00::9', "asked for too"]],
    [
      "a MAC of a group",
      { args: "MAC=03:00:00:00:00:01" },
      2,
      ['"mac" 03:00:00:00:00:01: it is no single interface'],
    ],
    [
      "a MAC that another address would have",
      { args: "IP=10.2.1.1;MAC=02:42:0a:02:01:02" },
      2,
      ['"mac" 02:42:0a:02:01:02: MACs that begin so are computed, and it is that of 10.2.1.2'],
    ],
    [
      "what we do not do",
      asking({ portMappings: [{ hostPort: 80, containerPort: 80 }] }),
      2,
      ['"runtimeConfig.portMappings" is not supported: [{"hostPort":80'],
    ],
  ])("%s", async (_, more, code, says) => {
    expectRefusal(await cni("ADD", more), { code, says });
  });

  test("an address that another container has", async () => {
    const other = node.addContainer();
    expect(await cni("ADD", { container: other, args: "IP=10.2.1.1" })).toMatchObject({
      status: 0,
    });
    expectRefusal(await cni("ADD", { args: "IP=10.2.1.1" }), {
      code: 102,
      says: [
        `Cannot assign address 10.2.1.1 in network "web": it is taken by container ${other.id}`,
      ],
    });
    await assertSound([node]);
    expect(await cni("DEL", { container: other })).toMatchObject({ status: 0 });
  });
});

describe("the interface is there already", () => {
  test("as ours: the attachment stays as it is", async () => {
    const { json } = await cni("ADD");
    expectRefusal(await cni("ADD"), {
      code: 103,
      says: [`container ${container.id} is attached by it already`, "Call DEL for it first."],
    });
    await assertSound([node]);
    expect(await ping(container.netns, "10.2.0.1")).toBe(true);
    const withResult = { conf: { ...conf, prevResult: json } };
    expect(await cni("CHECK", withResult)).toMatchObject({ status: 0 });
    expect(await cni("DEL")).toMatchObject({ status: 0 });
  });

  test("as somebody else's: it stays, also after DEL", async () => {
    const inside = ["-n", container.netns, "link"];
    ip(...inside, "add", "eth0", "type", "veth", "peer", "name", "theirs");
    const before = ip(...inside, "show", "eth0");
    try {
      expectRefusal(await cni("ADD"), {
        code: 103,
        says: [
          `Cannot create interface "eth0" in ${container.path}: the container has one of that name`,
          "Give another CNI_IFNAME.",
        ],
      });
      const { taken, owners } = await factsOf(node);
      expect([...taken, ...owners].filter(({ name }) => name !== "@node")).toEqual([]);
      expect(await cni("DEL")).toMatchObject({ status: 0 });
      expect(ip(...inside, "show", "eth0")).toBe(before);
    } finally {
      ip(...inside, "delete", "eth0");
    }
  });
});

describe("the network namespace", () => {
  const noNetns = { env: { CNI_NETNS: "/run/netns/gone-long-ago" } };

  test.each<[CniCall["command"]]>([["ADD"], ["CHECK"]])("is gone, at %s", async (command) => {
    const prevResult = { cniVersion: "1.1.0", interfaces: [], ips: [] };
    const outcome = await cni(command, { ...noNetns, conf: { ...conf, prevResult } });
    const says = ["Cannot open network namespace /run/netns/gone-long-ago: there is none"];
    expectRefusal(outcome, { code: 8, says });
  });

  test.each([["/etc/hostname"], ["/etc"], ["/proc/self/ns/mnt"], ["/dev/null"]])(
    "is something else: %s",
    async (path) => {
      const says = [`Cannot open network namespace ${path}: it is no network namespace`];
      expectRefusal(await cni("ADD", { env: { CNI_NETNS: path } }), { code: 8, says });
    },
  );

  test.each([["its name"], ["/proc/self/ns/net"], ["/proc/thread-self/ns/net"]])(
    "is the host's own, by %s: nothing is changed before that is seen",
    async (how) => {
      const fresh = await lab.startNode();
      const path = how === "its name" ? `/run/netns/${fresh.netns}` : how;
      for (const command of ["ADD", "DEL"] as const) {
        const outcome = await fresh.cni({ command, conf, container, env: { CNI_NETNS: path } });
        const says = ["is the plugin's own network namespace", "CNI_NETNS_OVERRIDE=1"];
        expectRefusal(outcome, { code: 8, says });
      }
      const { links, leases } = await factsOf(fresh);
      expect({ links, leases }).toEqual({ links: ["lo"], leases: [] });
      expect(fresh.ovs.vsctl("list-br")).toBe("");
    },
  );

  test("is gone, at DEL: that is as good", async () => {
    const short = node.addContainer();
    expect(await cni("ADD", { container: short })).toMatchObject({ status: 0 });
    short.remove();
    for (const env of [{}, { CNI_NETNS: undefined }, { CNI_NETNS: "" }]) {
      expect(await cni("DEL", { container: short, env })).toMatchObject({ status: 0, stdout: "" });
      await assertNothingLeft([node]);
    }
  });
});
