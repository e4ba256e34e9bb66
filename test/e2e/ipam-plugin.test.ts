/** socketplane-ipam under Debian's interface plugins, and in host-local's place. */
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

let lab: Lab;
let node: LabNode;
let container: Container;
let dataDir: string;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  container = node.addContainer();
  dataDir = mkdtempSync(`${node.ovs.runDir}/host-local-`);
});
afterEach(() => lab.close());

type Json = Readonly<Record<string, unknown>>;

/** Calls an IPAM plugin as an interface plugin would. */
const ask = (
  command: CniCall["command"],
  ipam: Json,
  more: Partial<CniCall> & { readonly rest?: Json } = {},
) => {
  const { rest, ...call } = more;
  const conf = { cniVersion: "1.0.0", name: "old", type: "bridge", ipam, ...rest };
  return node.cni({ command, container, conf, plugin: String(ipam.type), ...call });
};

const ours = (more: Json = {}): Json => ({ type: "socketplane-ipam", ...more });
const hostLocal = (more: Json = {}): Json => ({ type: "host-local", dataDir, ...more });
const subnet = { subnet: "10.5.0.0/24" };

/** The addresses of a result. */
const addressesOf = (json: unknown): readonly string[] =>
  (json as { ips: { address: string }[] }).ips.map(({ address }) => address);

/** The node's own addresses and ports are none of an IPAM plugin's business. */
async function expectNothing(): Promise<void> {
  await assertNothingLeft([node]);
  const { taken, owners, ports, numbers } = await factsOf(node);
  expect({ taken, owners, ports, numbers }).toEqual({
    taken: [],
    owners: [],
    ports: [],
    numbers: [],
  });
}

describe("under an interface plugin", () => {
  const plugins: readonly [string, Json][] = [
    ["bridge", { bridge: "br9", isGateway: true, ipMasq: true }],
    ["ptp", {}],
    ["macvlan", { master: "nic0", mode: "bridge" }],
  ];
  test.each(plugins)("%s: ADD, ping, CHECK, DEL and DEL again", async (plugin, own) => {
    ip("-n", node.netns, "link", "add", "nic0", "type", "veth", "peer", "name", "nic1");
    for (const name of ["nic0", "nic1"]) ip("-n", node.netns, "link", "set", name, "up");
    const other = node.addContainer();
    const routes = [{ dst: "0.0.0.0/0" }, { dst: "192.0.2.0/24", gw: "10.5.0.9" }];
    const ipam = ours({ ...subnet, routes });
    const conf = { cniVersion: "1.0.0", name: "old", type: plugin, ...own, ipam };
    const run = (command: CniCall["command"], one: Container, prevResult?: unknown) =>
      node.cni({ command, plugin, container: one, conf: { ...conf, prevResult } });

    const results = new Map<Container, unknown>();
    for (const one of [container, other]) {
      const { status, json, stdout } = await run("ADD", one);
      expect(status, stdout).toBe(0);
      results.set(one, json);
    }
    const [first = "", second = ""] = [...results.values()].flatMap(addressesOf);
    expect([first, second]).toEqual(["10.5.0.2/24", "10.5.0.3/24"]);
    expect(await ping(container.netns, "10.5.0.3")).toBe(true);
    expect(ip("-n", container.netns, "route")).toMatch(/^192\.0\.2\.0\/24 via 10\.5\.0\.9/m);
    for (const [one, json] of results) {
      expect(await run("CHECK", one, json)).toMatchObject({ status: 0 });
    }
    for (const [one, json] of results) {
      expect(await run("DEL", one, json)).toMatchObject({ status: 0 });
      expect(await run("DEL", one, json)).toMatchObject({ status: 0 });
    }
    await expectNothing();
    expect(ip("-n", container.netns, "-br", "link")).not.toContain("eth0");
  });

  test("its failure is that plugin's, with our code and words", async () => {
    const conf = { cniVersion: "1.0.0", name: "old", type: "bridge", bridge: "br9" };
    const { status, json } = await node.cni({
      command: "ADD",
      plugin: "bridge",
      container,
      conf: { ...conf, ipam: ours() },
    });
    expect({ status, json }).toMatchObject({
      status: 1,
      json: { code: 100, msg: expect.stringContaining('Cannot use network "old": there is none') },
    });
    await expectNothing();
  });
});

describe("in host-local's place, by changing the type alone", () => {
  const shapes: readonly [string, Json, Json?][] = [
    ["subnet", subnet],
    ["gateway", { ...subnet, gateway: "10.5.0.254" }],
    ["rangeStart and rangeEnd", { ...subnet, rangeStart: "10.5.0.50", rangeEnd: "10.5.0.60" }],
    ["rangeStart alone", { ...subnet, rangeStart: "10.5.0.50" }],
    [
      "ranges",
      {
        ranges: [
          [{ ...subnet, rangeStart: "10.5.0.20", rangeEnd: "10.5.0.40", gateway: "10.5.0.1" }],
        ],
      },
    ],
    [
      "routes",
      { ...subnet, routes: [{ dst: "0.0.0.0/0" }, { dst: "192.0.2.0/24", gw: "10.5.0.9" }] },
    ],
    ["ranges of both families", { ranges: [[subnet], [{ subnet: "fd00:5::/64" }]] }],
    ["ranges by the runtime", {}, { runtimeConfig: { ipRanges: [[subnet]] } }],
    ["an address by the runtime", subnet, { runtimeConfig: { ips: ["10.5.0.77/24"] } }],
    ["an address by args", subnet, { args: { cni: { ips: ["10.5.0.78"] } } }],
    [
      "what is asked of the plugin above",
      subnet,
      {
        runtimeConfig: {
          mac: "02:00:00:00:00:01",
          portMappings: [{ hostPort: 1, containerPort: 2 }],
        },
      },
    ],
  ];
  test.each(shapes)("%s: the result is the same", async (_, keys, rest = {}) => {
    const versions = ["0.2.0", "0.4.0", "1.0.0"];
    for (const cniVersion of versions) {
      const more = { rest: { ...rest, cniVersion } };
      const [theirs, own] = [
        await ask("ADD", hostLocal(keys), more),
        await ask("ADD", ours(keys), more),
      ];
      expect(own.status, own.stdout).toBe(0);
      // From the second round on: host-local goes on over the subnet, we within our block.
      const shape = cniVersion === versions[0] ? (json: unknown) => json : withoutHosts;
      expect(shape(comparable(own.json))).toEqual(shape(comparable(theirs.json)));
      for (const ipam of [hostLocal(keys), ours(keys)]) {
        expect(await ask("DEL", ipam, more)).toMatchObject({ status: 0 });
      }
    }
    await expectNothing();
  });

  test("resolvConf: the result is the same", async () => {
    const resolvConf = join(dataDir, "resolv.conf");
    const lines = [
      "nameserver 10.5.0.1",
      "# nobody",
      "nameserver 10.5.0.2",
      "search a.example b.example",
    ];
    writeFileSync(
      resolvConf,
      [...lines, "options ndots:5 edns0", "domain c.example", ""].join("\n"),
    );
    const keys = { ...subnet, resolvConf };
    const own = await ask("ADD", ours(keys));
    expect(own.json).toMatchObject({ dns: { nameservers: ["10.5.0.1", "10.5.0.2"] } });
    expect(comparable(own.json)).toEqual(comparable((await ask("ADD", hostLocal(keys))).json));
    const away = { ...subnet, resolvConf: "/nowhere/resolv.conf" };
    expectRefusal(await ask("ADD", ours(away), { container: node.addContainer() }), {
      code: 7,
      says: ['Cannot read "resolvConf" /nowhere/resolv.conf: there is none'],
    });
    expect(await ask("DEL", ours(keys))).toMatchObject({ status: 0 });
    await expectNothing();
  });

  /** As host-local has it: in its words a network has one subnet of each family. */
  test.each<[string, Json, string]>([
    [
      "two ranges in a set",
      { ranges: [[subnet, { subnet: "10.6.0.0/24" }]] },
      '"ipam.ranges[0]" must',
    ],
    [
      "two sets of a family",
      { ranges: [[subnet], [{ subnet: "10.6.0.0/24" }]] },
      "several subnets",
    ],
    ["IPv6 alone", { ranges: [[{ subnet: "fd00:5::/64" }]] }, '"subnet" is missing: a network has'],
    [
      "a range in IPv6",
      { ranges: [[subnet], [{ subnet: "fd00:5::/64", rangeStart: "fd00:5::9" }]] },
      '"ipam.ranges[1][0].rangeStart" cannot be chosen: IPv6 addresses follow',
    ],
    ["a range elsewhere", { ...subnet, rangeStart: "10.6.0.1" }, "10.6.0.1 is not in 10.5.0.0/24"],
    [
      "a range of two subnets",
      { ...subnet, ranges: [[{ subnet: "10.6.0.0/24" }]] },
      "not the same",
    ],
    [
      "a range upside down",
      { ...subnet, rangeStart: "10.5.0.9", rangeEnd: "10.5.0.3" },
      '"ipam.rangeEnd" must not be below "rangeStart"',
    ],
    [
      "a route to nowhere",
      { ...subnet, routes: [{ gw: "10.5.0.1" }] },
      '"ipam.routes[0].dst" is missing',
    ],
    [
      "a gateway of the other family",
      { ...subnet, routes: [{ dst: "::/0", gw: "10.5.0.1" }] },
      "IPv6",
    ],
    ["a slip of the pen", { ...subnet, rangestart: "10.5.0.9" }, 'did you mean "rangeStart"?'],
  ])("%s: what has no meaning here is refused", async (_, keys, words) => {
    const says = ['Cannot use network configuration "old": ', words];
    expectRefusal(await ask("ADD", ours(keys)), { code: 7, says });
    await expectNothing();
  });
});

/** Without IPv6 addresses, which follow from the IPv4 ones here, and without empty dns. */
function comparable(json: unknown): unknown {
  return JSON.parse(
    JSON.stringify(json, (key, value) =>
      key === "dns" && Object.keys(value).length === 0 ? undefined : value,
    ).replaceAll(/fd00:5::[0-9a-f:]+/g, "fd00:5::"),
  );
}

const withoutHosts = (json: unknown): unknown =>
  JSON.parse(JSON.stringify(json).replaceAll(/"10\.5\.0\.\d+\/24"/g, '"10.5.0.0/24"'));

test("the same attachment asking again gets the same address", async () => {
  const first = await ask("ADD", ours(subnet));
  expect(await ask("ADD", ours(subnet))).toMatchObject({ status: 0, json: first.json });
  const { taken } = await factsOf(node);
  expect(taken).toHaveLength(1);
  // Another interface of it, or the same of another network's name, is another attachment.
  const second = await ask("ADD", ours(subnet), { ifname: "eth1" });
  const third = await ask("ADD", ours({ ...subnet, network: "old" }), { rest: { name: "alias" } });
  const addresses = [first, second, third].flatMap(({ json }) => addressesOf(json));
  expect(new Set(addresses).size).toBe(3);
  expect(await ask("DEL", ours(subnet))).toMatchObject({ status: 0 });
  expect(await ask("DEL", ours(subnet), { ifname: "eth1" })).toMatchObject({ status: 0 });
  expect(await ask("DEL", ours(subnet), { rest: { name: "alias" } })).toMatchObject({ status: 0 });
  await expectNothing();
});

test("an address rests before it is given again", async () => {
  const given: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    given.push(...addressesOf((await ask("ADD", ours(subnet))).json));
    await ask("DEL", ours(subnet));
  }
  expect(new Set(given.slice(0, 2)).size).toBe(2);
  await expectNothing();
});

test("a network that is full says so, and has room again after a DEL", async () => {
  const small = ours({ subnet: "10.5.0.0/29" });
  const newest = { rest: { cniVersion: "1.1.0" } };
  const containers = Array.from({ length: 5 }, () => node.addContainer());
  for (const one of containers) {
    expect(await ask("ADD", small, { container: one })).toMatchObject({ status: 0 });
  }
  expectRefusal(await ask("ADD", small), {
    code: 102,
    says: ['in network "old": none is free', "Remove containers, or use a larger subnet"],
  });
  expectRefusal(await ask("STATUS", small, newest), {
    code: 50,
    says: ['Cannot take an ADD now: network "old" has no free address'],
  });
  const [one, ...others] = containers;
  const away = await ask("DEL", small, one && { container: one });
  expect(away).toMatchObject({ status: 0 });
  expect(await ask("STATUS", small, newest)).toMatchObject({ status: 0, stdout: "" });
  expect(await ask("ADD", small)).toMatchObject({ status: 0 });
  for (const other of [container, ...others]) await ask("DEL", small, { container: other });
  await expectNothing();
});

describe("an address that is asked for", () => {
  test.each<[string, Partial<CniCall> & { rest?: Json }]>([
    ["CNI_ARGS", { args: "IgnoreUnknown=1;IP=10.5.0.77;K8S_POD_NAME=a" }],
    ["args", { rest: { args: { cni: { ips: ["10.5.0.77/24"] } } } }],
    ["runtimeConfig", { rest: { runtimeConfig: { ips: ["10.5.0.77"] } } }],
    [
      "args before CNI_ARGS",
      { args: "IP=10.5.0.9", rest: { args: { cni: { ips: ["10.5.0.77"] } } } },
    ],
  ])("by %s is given", async (_, more) => {
    const { json, stdout } = await ask("ADD", ours(subnet), more);
    expect(addressesOf(json), stdout).toEqual(["10.5.0.77/24"]);
    const other = node.addContainer();
    expectRefusal(await ask("ADD", ours(subnet), { ...more, container: other }), {
      code: 102,
      says: [`address 10.5.0.77 in network "old": it is taken by container ${container.id}`],
    });
    await ask("DEL", ours(subnet));
    await expectNothing();
  });

  test.each([
    ["10.5.0.0", "not a usable address of 10.5.0.0/24"],
    ["10.5.0.255", "not a usable address of 10.5.0.0/24"],
    ["10.5.0.1", "it is the gateway"],
    ["10.6.0.1", "not a usable address of 10.5.0.0/24"],
  ])("and cannot be had: %s", async (address, words) => {
    const says = [`Cannot assign address ${address} in network "old": `, words];
    expectRefusal(await ask("ADD", ours(subnet), { args: `IP=${address}` }), { code: 7, says });
    await expectNothing();
  });

  test("may be outside of the range of dynamic ones", async () => {
    const ranged = ours({ ...subnet, rangeStart: "10.5.0.128" });
    const asked = await ask("ADD", ranged, { args: "IP=10.5.0.9" });
    expect(addressesOf(asked.json)).toEqual(["10.5.0.9/24"]);
    const other = node.addContainer();
    const given = await ask("ADD", ranged, { container: other });
    expect(addressesOf(given.json)).toEqual(["10.5.0.128/24"]);
    await ask("DEL", ranged);
    await ask("DEL", ranged, { container: other });
    await expectNothing();
  });
});

describe("CHECK", () => {
  test("finds an address that is not assigned, or another than prevResult has", async () => {
    const { json } = await ask("ADD", ours(subnet));
    const withResult = (prevResult: unknown) => ({ rest: { prevResult } });
    expect(await ask("CHECK", ours(subnet), withResult(json))).toMatchObject({ status: 0 });
    const other = { cniVersion: "1.0.0", ips: [{ address: "10.5.0.99/24" }] };
    expectRefusal(await ask("CHECK", ours(subnet), withResult(other)), {
      code: 104,
      says: [`"eth0" of container ${container.id}`, "prevResult does not have 10.5.0.2"],
    });
    await ask("DEL", ours(subnet));
    expectRefusal(await ask("CHECK", ours(subnet), withResult(json)), {
      code: 104,
      says: ["it has no address assigned"],
    });
    await expectNothing();
  });
});

test("GC gives back what is not listed, of this name alone", async () => {
  const [kept, stale] = [node.addContainer(), node.addContainer()];
  for (const one of [kept, stale]) {
    expect(await ask("ADD", ours(subnet), { container: one })).toMatchObject({ status: 0 });
  }
  const alias = ours({ ...subnet, network: "old" });
  const elsewhere = { container: stale, rest: { name: "alias" } };
  expect(await ask("ADD", alias, elsewhere)).toMatchObject({ status: 0 });

  const valid = [{ containerID: kept.id, ifname: "eth0" }];
  const list = { cniVersion: "1.1.0", "cni.dev/valid-attachments": valid };
  expect(await ask("GC", ours(subnet), { rest: list })).toMatchObject({ status: 0, stdout: "" });
  const { taken } = await factsOf(node);
  expect(taken.map(({ name, containerId }) => [name, containerId]).sort()).toEqual(
    [
      ["alias", stale.id],
      ["old", kept.id],
    ].sort(),
  );
  expect(await ask("DEL", alias, elsewhere)).toMatchObject({ status: 0 });
  expect(await ask("DEL", ours(subnet), { container: kept })).toMatchObject({ status: 0 });
  await expectNothing();
});

test("STATUS says whether there is a network, and needs no switch", async () => {
  const newest = { rest: { cniVersion: "1.1.0" } };
  expectRefusal(await ask("STATUS", ours(), newest), {
    code: 50,
    says: ['Cannot take an ADD now: Cannot use network "old": there is none'],
  });
  expect(await ask("STATUS", ours(subnet), newest)).toMatchObject({ status: 0, stdout: "" });
  await node.ovs.killSwitch();
  expect(await ask("ADD", ours(subnet))).toMatchObject({ status: 0 });
  expect(await ask("STATUS", ours(), newest)).toMatchObject({ status: 0, stdout: "" });
  const other = ours({ subnet: "10.6.0.0/24" });
  expectRefusal(await ask("STATUS", other, newest), {
    code: 50,
    says: ["its subnet is 10.5.0.0/24, not 10.6.0.0/24"],
  });
  expect(await ask("DEL", ours(subnet))).toMatchObject({ status: 0 });
  await node.ovs.startSwitch();
  await expectNothing();
  expect(existsSync(node.runDir) && readdirSync(join(node.runDir, "owners"))).toEqual([]);
});
