/** Our plugin over IPAM plugins that are not ours: Debian's host-local and static, and bad ones. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { documented } from "../clients/samples.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping, reaches } from "../lab/probe.ts";
import { ip } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

const { ipam, ...conf } = JSON.parse(documented("host-local and static under socketplane", "json"));

let lab: Lab;
let node: LabNode;
let container: Container;
let folder: string;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  container = node.addContainer();
});
afterAll(() => lab.close());
beforeEach(() => {
  folder = mkdtempSync(`${node.ovs.runDir}/ipam-`);
});

/** Whatever came before, nothing is left: no address at the delegate either. */
afterEach(async () => {
  await assertNothingLeft([node]);
  expect(reserved()).toEqual([]);
});

const cni = (command: CniCall["command"], more: Partial<CniCall> = {}) =>
  node.cni({ command, conf, container, ...more });

const hostLocal = (more: object = {}) => ({
  ...ipam,
  dataDir: folder,
  ...more,
});

/** The addresses that host-local has given and not got back. */
const reserved = (): readonly string[] =>
  existsSync(join(folder, "web"))
    ? readdirSync(join(folder, "web")).filter((name) => /^[\d.]+$/.test(name))
    : [];

const routesIn = ({ netns }: Container): string => ip("-n", netns, "route", "show");

describe("host-local", () => {
  test.each(["0.3.1", "0.4.0", "1.0.0"])("gives the address, in %s", async (cniVersion) => {
    const routes = [{ dst: "0.0.0.0/0" }, { dst: "192.0.2.0/24", gw: "10.2.0.9" }];
    const own = { ...conf, cniVersion, ipam: hostLocal({ routes }) };
    const added = await cni("ADD", { conf: own });
    expect(added).toMatchObject({
      status: 0,
      json: {
        interfaces: [{}, { name: "eth0", mac: "02:42:0a:02:07:0a" }],
        ips: [{ address: "10.2.7.10/16", gateway: "10.2.0.1", interface: 1 }],
        routes: [
          { dst: "0.0.0.0/0", gw: "10.2.0.1" },
          { dst: "192.0.2.0/24", gw: "10.2.0.9" },
        ],
      },
    });
    expect(reserved()).toEqual(["10.2.7.10"]);
    expect(routesIn(container)).toMatch(/^default via 10\.2\.0\.1 dev eth0/m);
    expect(routesIn(container)).toMatch(/^192\.0\.2\.0\/24 via 10\.2\.0\.9 dev eth0/m);
    expect(await ping(container.netns, "10.2.0.1")).toBe(true);
    await assertSound([node]);

    const withResult = { conf: cniVersion === "0.3.1" ? own : { ...own, prevResult: added.json } };
    if (cniVersion !== "0.3.1") {
      expect(await cni("CHECK", withResult)).toMatchObject({ status: 0, stdout: "" });
      const [file, lost] = [join(folder, "web", "10.2.7.10"), join(folder, "lost")];
      renameSync(file, lost);
      expectRefusal(await cni("CHECK", withResult), {
        code: 999,
        says: ['Cannot delegate CHECK to IPAM plugin "host-local": '],
      });
      renameSync(lost, file);
    }
    expect(await cni("DEL", withResult)).toMatchObject({ status: 0, stdout: "" });
    expect(reserved()).toEqual([]);
    expect(await cni("DEL", withResult)).toMatchObject({ status: 0, stdout: "" });
  });

  test("and two containers reach each other", async () => {
    const other = node.addContainer();
    const own = { ...conf, ipam: hostLocal() };
    for (const one of [container, other]) {
      expect(await cni("ADD", { conf: own, container: one })).toMatchObject({ status: 0 });
    }
    expect(reserved()).toEqual(["10.2.7.10", "10.2.7.11"]);
    expect(await ping(container.netns, "10.2.7.11")).toBe(true);
    await assertSound([node]);
    for (const one of [container, other]) {
      expect(await cni("DEL", { conf: own, container: one })).toMatchObject({ status: 0 });
    }
  });

  test("keeps the address of a container that is attached a second time", async () => {
    const own = { ...conf, ipam: hostLocal() };
    const { json } = await cni("ADD", { conf: own });
    for (let times = 0; times < 2; times += 1) {
      const says = [`container ${container.id} is attached by it already`, "Call DEL"];
      expectRefusal(await cni("ADD", { conf: own }), { code: 103, says });
      expect(reserved()).toEqual(["10.2.7.10"]);
    }
    expect(await cni("CHECK", { conf: { ...own, prevResult: json } })).toMatchObject({ status: 0 });
    expect(await cni("DEL", { conf: own })).toMatchObject({ status: 0 });
  });

  test("gets the address back where our part fails", async () => {
    const inside = ["-n", container.netns, "link"];
    ip(...inside, "add", "eth0", "type", "veth", "peer", "name", "theirs");
    const says = ["the container has one of that name already"];
    expectRefusal(await cni("ADD", { conf: { ...conf, ipam: hostLocal() } }), { code: 103, says });
    ip(...inside, "delete", "eth0");
    expect(reserved()).toEqual([]);
    // It was given: round robin has gone on.
    expect(readFileSync(join(folder, "web", "last_reserved_ip.0"), "utf8")).toBe("10.2.7.10");
  });

  test.each<[string, object, number, string]>([
    ["outside of the network", { subnet: "10.9.0.0/16" }, 7, "10.9.0.2 is not in 10.2.0.0/16"],
    ["of both families", { ranges: [[{ subnet: "fd00::/64" }]] }, 7, "fd00::2, but with 10.2.7.10"],
    ["two of them", { ranges: [[{ subnet: "10.2.8.0/24" }]] }, 7, "more than one IPv4 address"],
  ])("gets back an address that we cannot use: %s", async (_, more, code, words) => {
    const range = "subnet" in more ? { rangeStart: undefined, rangeEnd: undefined } : {};
    const ipam = hostLocal({ ...range, ...more });
    const says = ['Cannot use what IPAM plugin "host-local" assigned: ', words, 'of network "web"'];
    expectRefusal(await cni("ADD", { conf: { ...conf, ipam } }), { code, says });
  });

  test("passes its errors on, with their codes", async () => {
    const full = { ...conf, ipam: hostLocal({ rangeEnd: "10.2.7.10" }) };
    const other = node.addContainer();
    expect(await cni("ADD", { conf: full, container: other })).toMatchObject({ status: 0 });
    expectRefusal(await cni("ADD", { conf: full }), {
      code: 999,
      says: [
        'Cannot delegate ADD to IPAM plugin "host-local": ',
        "no IP addresses available in range set: 10.2.7.10-10.2.7.10",
      ],
    });
    await assertSound([node]);
    expect(await cni("DEL", { conf: full, container: other })).toMatchObject({ status: 0 });
    const tooNew = { ...conf, cniVersion: "1.1.0", ipam: hostLocal() };
    expectRefusal(await cni("ADD", { conf: tooNew }), {
      code: 1,
      says: ["incompatible CNI versions", 'config is "1.1.0"'],
    });
  });

  test("is asked for the address that the runtime wants", async () => {
    const own = { ...conf, ipam: hostLocal(), args: { cni: { ips: ["10.2.7.15"] } } };
    const { json } = await cni("ADD", { conf: own });
    expect(json).toMatchObject({ ips: [{ address: "10.2.7.15/16" }] });
    await assertSound([node]);
    expect(await cni("DEL", { conf: own })).toMatchObject({ status: 0 });
  });

  test("fails at DEL: our part is gone all the same, and a DEL again finishes", async () => {
    const own = { ...conf, ipam: hostLocal() };
    expect(await cni("ADD", { conf: own })).toMatchObject({ status: 0 });
    const broken = { ...own, ipam: hostLocal({ rangeStart: "10.3.0.1" }) };
    expectRefusal(await cni("DEL", { conf: broken }), {
      code: 999,
      says: ['Cannot delegate DEL to IPAM plugin "host-local": invalid range set'],
    });
    await assertNothingLeft([node]);
    expect(reserved()).toEqual(["10.2.7.10"]);
    expect(await cni("DEL", { conf: own })).toMatchObject({ status: 0 });
  });
});

describe("static", () => {
  const addresses = [{ address: "10.2.9.9/16", gateway: "10.2.0.1" }];
  const dns = { nameservers: ["10.2.0.1"], domain: "web.example", search: ["web.example"] };
  const own = { ...conf, ipam: { type: "static", addresses, dns } };

  test("gives the address and dns", async () => {
    const { json, status } = await cni("ADD", { conf: own });
    expect({ status, json }).toMatchObject({
      status: 0,
      json: {
        ips: [{ address: "10.2.9.9/16", gateway: "10.2.0.1", interface: 1 }],
        routes: [{ dst: "0.0.0.0/0", gw: "10.2.0.1" }],
        dns,
      },
    });
    expect(await ping(container.netns, "10.2.0.1")).toBe(true);
    await assertSound([node]);
    const withResult = { conf: { ...own, prevResult: json } };
    expect(await cni("CHECK", withResult)).toMatchObject({ status: 0, stdout: "" });
    // It gives everybody the same: we do not.
    const other = node.addContainer();
    expectRefusal(await cni("ADD", { conf: own, container: other }), {
      code: 102,
      says: [`10.2.9.9 in network "web": it is taken by container ${container.id}`],
    });
    await assertSound([node]);
    expect(await cni("DEL", withResult)).toMatchObject({ status: 0, stdout: "" });
  });

  test("may give both addresses that go together", async () => {
    const both = [...addresses, { address: "fd00:2::a02:909/64" }];
    const dual = { ...own, name: "dual", subnet: "10.2.0.0/16", subnet6: "fd00:2::/64" };
    const fresh = await lab.startNode();
    const attached = fresh.addContainer();
    const call = { conf: { ...dual, ipam: { ...own.ipam, addresses: both } }, container: attached };
    expect(await fresh.cni({ ...call, command: "ADD" })).toMatchObject({
      status: 0,
      json: { ips: [{ address: "10.2.9.9/16" }, { address: "fd00:2::a02:909/64" }] },
    });
    expect(await reaches(attached.netns, "fd00:2::a02:1")).toBe(true);
    await assertSound([fresh]);
    expect(await fresh.cni({ ...call, command: "DEL" })).toMatchObject({ status: 0 });
    await assertNothingLeft([fresh]);
  });

  test.each([
    ["10.2.0.1", 7, "it is the gateway"],
    ["10.2.255.254", 102, "it is taken by this node itself"],
    ["10.2.255.255", 7, "it is not a usable address of 10.2.0.0/16"],
  ])("cannot give %s", async (address, code, words) => {
    const ipam = { ...own.ipam, addresses: [{ address: `${address}/16` }] };
    expectRefusal(await cni("ADD", { conf: { ...own, ipam } }), { code, says: [address, words] });
  });
});

describe("an IPAM plugin", () => {
  /** A plugin of that name that says which verb it was called with, and then does `body`. */
  const plugin = (name: string, body: string, mode = 0o755) => {
    const script = `#!/bin/sh\necho "$CNI_COMMAND" >>${folder}/verbs\n${body}\n`;
    writeFileSync(join(folder, name), script, { mode });
    return { conf: { ...conf, ipam: { type: name } }, env: { CNI_PATH: folder } };
  };
  const verbs = () => readFileSync(join(folder, "verbs"), "utf8").trim().split("\n");
  const result = (ips: string) => `echo '{ "cniVersion": "1.0.0", "ips": [${ips}] }'`;
  const error = (json: object) => `echo '${JSON.stringify(json)}'; exit 1`;

  test.each<[string, string, number, string[]]>([
    ["says what is not JSON", "echo hello", 6, ["it is not JSON", "hello"]],
    ["says nothing", "", 6, ["it is not JSON"]],
    ["fails without a word", "exit 3", 108, ["exit status 3, and said nothing"]],
    ["fails on stderr alone", "echo oh >&2; exit 1", 108, ["said only on stderr: oh"]],
    ["is killed", "kill -9 $$", 108, ["it was killed by SIGKILL"]],
    ["gives no address", result(""), 108, ["it has no address"]],
    ["gives IPv6 only", result('{ "address": "fd00::2/64" }'), 7, ["there is no IPv4 address"]],
    ["gives what is no address", result('{ "address": "10.2" }'), 6, ["result.ips[0].address"]],
    [
      "has an error of its own",
      error({ code: 142, msg: "no more", details: "Buy some." }),
      142,
      ['"bad": no more', "Buy some."],
    ],
    ["wants to be asked later", error({ code: 11, msg: "busy" }), 11, ['"bad": busy']],
  ])("%s: it is told, and the plugin's DEL is run", async (_, body, code, says) => {
    const call = plugin("bad", `[ "$CNI_COMMAND" = DEL ] || { ${body || ":"}; }`);
    expectRefusal(await cni("ADD", call), { code, says: ['IPAM plugin "bad"', ...says] });
    expect(verbs()).toEqual(["ADD", "DEL"]);
  });

  test("cannot be run", async () => {
    const says = ["EACCES", "Its DEL failed too: "];
    expectRefusal(await cni("ADD", plugin("notx", "", 0o644)), { code: 5, says });
  });

  test("is not there", async () => {
    const missing = { conf: { ...conf, ipam: { type: "missing" } } };
    expectRefusal(await cni("ADD", missing), {
      code: 7,
      says: ['Cannot find IPAM plugin "missing": it is in no folder of CNI_PATH: ', "/usr/lib/cni"],
    });
    const says = ["required env variables [CNI_PATH] missing"];
    expectRefusal(await cni("ADD", { ...missing, env: { CNI_PATH: undefined } }), {
      code: 4,
      says,
    });
  });

  test("is asked for GC and STATUS too, and its errors are passed on", async () => {
    const call = plugin("seen", "");
    const newest = { ...conf, cniVersion: "1.1.0", ipam: { type: "seen" } };
    const list = { "cni.dev/valid-attachments": [] };
    const { env } = call;
    expect(await node.cni({ command: "GC", conf: { ...newest, ...list }, env })).toMatchObject({
      status: 0,
    });
    expect(await node.cni({ command: "STATUS", conf: newest, env })).toMatchObject({ status: 0 });
    expect(verbs()).toEqual(["GC", "STATUS"]);
    rmSync(join(folder, "seen"));
    plugin("seen", error({ code: 51, msg: "no address is left" }));
    expectRefusal(await node.cni({ command: "STATUS", conf: newest, env }), {
      code: 51,
      says: ['Cannot delegate STATUS to IPAM plugin "seen": no address is left'],
    });
  });
});
