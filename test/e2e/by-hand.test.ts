/** Under a process that knows nothing of us, and in every version of the protocol. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { type Container, executables, type LabNode } from "../lab/node.ts";
import { run } from "../lab/run.ts";

const script = fileURLToPath(new URL("by-hand.sh", import.meta.url));

let lab: Lab;
let node: LabNode;
let one: Container;
let other: Container;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  one = node.addContainer("one");
  other = node.addContainer("other");
});
afterEach(() => lab.close());

test.each(["0.3.1", "0.4.0", "1.0.0", "1.1.0"])(
  "a shell script does ADD, ping, CHECK, DEL and DEL again in %s",
  async (version) => {
    const plugin = join(node.ovs.runDir, "plugin.json");
    writeFileSync(plugin, '{ "type": "socketplane", "network": "web", "subnet": "10.2.0.0/16" }\n');
    const { status, stdout, stderr } = await run({
      netns: node.netns,
      argv: ["sh", script, version, "web", plugin, one.netns, other.netns],
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        CNI_PATH: executables,
        SOCKETPLANE_CONFIG: node.config,
      },
    });
    expect(status, stderr).toBe(0);
    const verbs = Array.from(stderr.matchAll(/^(ADD|CHECK|DEL) /gm), ([, verb]) => verb);
    const checks = version === "0.3.1" ? [] : ["CHECK", "CHECK"];
    expect(verbs).toEqual(["ADD", "ADD", ...checks, "DEL", "DEL", "DEL", "DEL"]);
    // One result for each ADD, and nothing else.
    const results = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(results.map(({ cniVersion }) => cniVersion)).toEqual([version, version]);
    await assertNothingLeft([node]);
  },
);

const mac = expect.stringMatching(/^02:42:0a:02:00:0\d$/);
const ip4 = expect.stringMatching(/^10\.2\.0\.\d\/16$/);
const ip6 = expect.stringMatching(/^fd00:2::a02:\d\/64$/);
const gateways = { 4: "10.2.0.1", 6: "fd00:2::a02:1" } as const;
const defaults = [
  { dst: "0.0.0.0/0", gw: gateways[4] },
  { dst: "::/0", gw: gateways[6] },
];

/** Before 0.3.0: one address of each family, with its routes. */
const asPairs = () => ({
  ip4: { ip: ip4, gateway: gateways[4], routes: defaults.slice(0, 1) },
  ip6: { ip: ip6, gateway: gateways[6], routes: defaults.slice(1) },
});

/** From 0.3.0 on: both ends of the link, and what is on the second. */
const asLists = (words: { readonly versions: boolean; readonly mtu: boolean }) => () => {
  const link = words.mtu ? { mtu: 1450 } : {};
  const ip = (address: unknown, family: 4 | 6) => ({
    ...(words.versions && { version: `${family}` }),
    address,
    gateway: gateways[family],
    interface: 1,
  });
  return {
    interfaces: [
      { name: expect.stringMatching(/^spv\w{12}$/), mac: expect.any(String), ...link },
      { name: "eth0", mac, sandbox: one.path, ...link },
    ],
    ips: [ip(ip4, 4), ip(ip6, 6)],
    routes: defaults,
  };
};

test.each([
  ["0.1.0", asPairs],
  ["0.2.0", asPairs],
  ["0.3.0", asLists({ versions: true, mtu: false })],
  ["0.3.1", asLists({ versions: true, mtu: false })],
  ["0.4.0", asLists({ versions: true, mtu: false })],
  ["1.0.0", asLists({ versions: false, mtu: true })],
  ["1.1.0", asLists({ versions: false, mtu: true })],
] as const)("the result of ADD has the shape of %s", async (cniVersion, shape) => {
  const network = { subnet: "10.2.0.0/16", subnet6: "fd00:2::/64" };
  const conf = { cniVersion, name: "web", type: "socketplane", ...network };
  const dns = { nameservers: ["10.2.0.1"], search: ["web.example"] };
  const call = { container: one, conf: { ...conf, dns } };
  const { json, stdout } = await node.cni({ ...call, command: "ADD" });
  expect(json).toEqual({ cniVersion, ...shape(), dns });
  expect(stdout.trim().split("\n")).toHaveLength(1);
  await assertSound([node]);
  expect(await node.cni({ ...call, command: "DEL" })).toMatchObject({ status: 0, stdout: "" });
  await assertNothingLeft([node]);
});
