/** Under libcni: whole lists, as it calls them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { List } from "../clients/aftermath.ts";
import { buildLibcni, type Libcni, libcniOn } from "../clients/libcni.ts";
import { chain, list } from "../clients/samples.ts";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import type { Container, LabNode } from "../lab/node.ts";
import { ping, transfer } from "../lab/probe.ts";
import { ip, must } from "../lab/run.ts";
import { ask, startServer } from "../lab/services.ts";

const place = mkdtempSync(join(tmpdir(), "sp-libcni-"));
let program = "";
beforeAll(async () => {
  program = await buildLibcni(place);
}, 300_000);
afterAll(() => rmSync(place, { recursive: true, force: true }));

let lab: Lab;
let outside: Outside;
let node: LabNode;
let container: Container;
let libcni: Libcni;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  outside = lab.addOutside(node);
  container = node.addContainer();
  libcni = libcniOn(node, program, lab.folder);
});
afterEach(() => lab.close());

const { length: shared } = chain.plugins;

/** The list with other plugins behind. */
const withMore = (base: List, ...more: readonly object[]): List => ({
  ...base,
  plugins: [...base.plugins, ...more],
});

/** A list with ours alone in it. */
const listOf = (name: string, settings: object, cniVersion = "1.0.0"): List => ({
  cniVersion,
  name,
  plugins: [{ type: "socketplane", ...settings }],
});
const db = listOf("db", { subnet: "10.3.0.0/16" });

const defaultRoute = () => ip("-n", container.netns, "route", "show", "default").trim();

test("ADD, CHECK and DEL, in every version that it speaks", async () => {
  for (const cniVersion of ["0.3.0", "0.3.1", "0.4.0", "1.0.0"]) {
    const one = { ...list, cniVersion };
    const of = { container };
    expect(await libcni.validate(one)).toEqual(["bandwidth"]);
    const result = await libcni.add(one, of);
    expect(result).toMatchObject({ cniVersion, ips: [{ address: /^10\.2\.0\.\d+\/16$/ }] });
    await assertSound([node]);
    expect(await ping(container.netns, outside.address)).toBe(true);
    if (cniVersion >= "0.4.0") await libcni.check(one, of);
    await libcni.del(one, of);
    await libcni.del(one, of);
    await assertNothingLeft([node]);
  }
});

describe("a list with others behind ours", () => {
  test("portmap, bandwidth, tuning and firewall do their work, and CHECK is content", async () => {
    const sysctl = { "net.ipv4.conf.eth0.arp_filter": "1" };
    const long = withMore(chain, { type: "tuning", sysctl }, { type: "firewall" });
    expect(long.plugins).toHaveLength(shared + 2);
    expect(await libcni.validate(long)).toEqual(["bandwidth", "portMappings"]);
    const capabilities = {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      bandwidth: { ingressRate: 16_000_000, ingressBurst: 1_000_000 },
    };
    const of = { container, capabilities };
    await libcni.add(long, of);
    const other = { container: node.addContainer() };
    await libcni.add(list, other);
    await assertSound([node]);

    const { netns } = container;
    expect(await must({ netns, argv: ["sysctl", "-n", Object.keys(sysctl).join()] })).toBe("1\n");
    const server = await startServer(netns, "one", [80]);
    lab.onClose(server.stop);
    const published = { protocol: "tcp", address: outside.node, port: 8080 } as const;
    const answers = await ask(outside.netns, { published });
    expect(answers).toEqual({ published: `one ${outside.address}` });
    const began = performance.now();
    const way = { from: other.container.netns, to: netns, address: "10.2.0.3", bytes: 2_500_000 };
    expect(await transfer(way)).toMatchObject({ received: 2_500_000 });
    // 20 Mbit, less the burst, at 16 Mbit/s; what the headers take comes on top.
    expect(performance.now() - began).toBeGreaterThan(1_187);
    // Where nothing may be forwarded but what firewall lets through.
    await must({ netns: node.netns, argv: ["iptables", "-P", "FORWARD", "DROP"] });
    expect(await ping(netns, outside.address)).toBe(true);
    expect(await ping(other.container.netns, outside.address)).toBe(false);

    // Without portmap, whose CHECK looks for IPv4's rules in IPv6's table.
    const checked = long.plugins.filter(
      (plugin) => !("type" in plugin && plugin.type === "portmap"),
    );
    await libcni.check({ ...long, plugins: checked }, of);
    await libcni.del(long, of);
    await libcni.del(list, other);
    await assertNothingLeft([node]);
    const { links } = await factsOf(node);
    expect(links.filter((name) => name.startsWith("bwp"))).toEqual([]);
    const rules = await must({ netns: node.netns, argv: ["nft", "list", "ruleset"] });
    expect(rules).not.toContain("10.2.0.3");
  });

  test("sbr moves our routes to a table of its own, and CHECK finds them there", async () => {
    const second = withMore(db, { type: "sbr" });
    const of = { container, ifname: "net1" };
    await libcni.add(list, { container });
    await libcni.add(second, of);
    expect(defaultRoute()).toBe("default via 10.2.0.1 dev eth0");
    expect(ip("-n", container.netns, "rule")).toMatch(/from 10\.3\.0\.3 lookup 100/);
    expect(await ping(container.netns, "10.2.0.1")).toBe(true);
    const argv = ["ping", "-n", "-c1", "-W2", "-I", "10.3.0.3", "10.3.0.1"];
    await must({ netns: container.netns, argv });
    await libcni.check(list, { container });
    await libcni.check(second, of);
    await libcni.del(second, of);
    await libcni.del(list, { container });
    await assertNothingLeft([node]);
  });

  test("one that fails at ADD: the DEL that follows leaves nothing", async () => {
    const failing = withMore(chain, { type: "tuning", sysctl: { "net.core.nonsense": "1" } });
    await expect(libcni.add(failing, { container })).rejects.toThrow(/type="tuning" failed/);
    await libcni.del(failing, { container });
    await assertNothingLeft([node]);
  });
});

describe("several networks for one container", () => {
  test.each([
    ["eth0", "net1"],
    ["net1", "eth0"],
  ])("%s in the first, %s in the second: the first has the default route", async (one, two) => {
    await libcni.add(list, { container, ifname: one });
    const result = await libcni.add(db, { container, ifname: two });
    expect(result.routes ?? []).toEqual([]);
    expect(defaultRoute()).toBe(`default via 10.2.0.1 dev ${one}`);
    await assertSound([node]);
    for (const address of ["10.2.0.1", "10.3.0.1", outside.address]) {
      expect(await ping(container.netns, address)).toBe(true);
    }
    await libcni.check(list, { container, ifname: one });
    await libcni.check(db, { container, ifname: two });
    await libcni.del(list, { container, ifname: one });
    expect(await ping(container.netns, "10.3.0.1")).toBe(true);
    await libcni.del(db, { container, ifname: two });
    await assertNothingLeft([node]);
  });

  test('"defaultRoute" settles whose it is', async () => {
    const first = listOf("web", { subnet: "10.2.0.0/16", defaultRoute: false });
    await libcni.add(first, { container });
    expect(defaultRoute()).toBe("");
    const second = listOf("db", { subnet: "10.3.0.0/16", defaultRoute: true });
    await libcni.add(second, { container, ifname: "net1" });
    expect(defaultRoute()).toBe("default via 10.3.0.1 dev net1");
    await libcni.check(first, { container });
    await libcni.check(second, { container, ifname: "net1" });
    await libcni.del(second, { container, ifname: "net1" });
    await libcni.del(first, { container });
    await assertNothingLeft([node]);
  });

  test("and one id of two runtimes' containers, in one network", async () => {
    const path = node.addContainer();
    const mine = { container: { id: "web-1", path: container.path } };
    const theirs = { container: { id: "web-1", path: path.path } };
    const other = listOf("other", { network: "web", subnet: "10.2.0.0/16" });
    const one = await libcni.add(list, mine);
    const two = await libcni.add(other, theirs);
    expect([one, two].map(({ ips }) => ips[0]?.address)).toEqual(["10.2.0.3/16", "10.2.0.4/16"]);
    expect(await ping(container.netns, "10.2.0.4")).toBe(true);
    await libcni.del(list, mine);
    await libcni.check(other, theirs);
    expect(await ping(path.netns, "10.2.0.1")).toBe(true);
    await libcni.del(other, theirs);
    await assertNothingLeft([node]);
  });
});

describe("what is asked for", () => {
  test.each([
    ["CNI_ARGS", { args: "IgnoreUnknown=1;K8S_POD_NAME=web-0;IP=10.2.7.7" }],
    ["a capability", { capabilities: { ips: ["10.2.7.7/16"] } }],
  ])("an address, by %s", async (_, asked) => {
    const capable = listOf("web", { subnet: "10.2.0.0/16", capabilities: { ips: true } });
    const of = { container, ...asked };
    const { ips } = await libcni.add(capable, of);
    expect(ips).toMatchObject([{ address: "10.2.7.7/16" }]);
    await assertSound([node]);
    await libcni.check(capable, of);
    await libcni.del(capable, of);
    await assertNothingLeft([node]);
  });

  test("a route in another table", async () => {
    const routes = [{ dst: "198.51.100.0/24", table: 1000 }];
    const ipam = { type: "socketplane-ipam", routes };
    const one = listOf("web", { subnet: "10.2.0.0/16", ipam });
    await libcni.add(one, { container });
    expect(ip("-n", container.netns, "route", "show", "table", "1000")).toMatch(/^198\.51\.100\.0/);
    await libcni.check(one, { container });
    ip("-n", container.netns, "route", "flush", "table", "1000");
    await expect(libcni.check(one, { container })).rejects.toThrow(
      /the route to 198\.51\.100\.0\/24 is gone/,
    );
    await libcni.del(one, { container });
    await assertNothingLeft([node]);
  });
});

describe("DEL", () => {
  test("without a namespace, without what libcni remembers, and without an ADD", async () => {
    await libcni.add(chain, { container });
    container.remove();
    await libcni.del(chain, { container });
    await assertNothingLeft([node]);

    const second = node.addContainer();
    await libcni.add(chain, { container: second });
    rmSync(libcni.cache, { recursive: true });
    await libcni.del(chain, { container: second });
    await assertNothingLeft([node]);
    await libcni.del(chain, { container: node.addContainer() });
  });

  test("after a result of a version that libcni does not know", async () => {
    const newer = { ...list, cniVersion: "1.1.0" };
    await expect(libcni.add(newer, { container })).rejects.toThrow(
      /unsupported CNI result version/,
    );
    await libcni.del(newer, { container });
    await assertNothingLeft([node]);
  });
});
