/**
 * The executables with Bun in them and those with Node: one program. What each says to the same
 * input is compared, word for word. Run by `npm test -- --runtime node`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { run } from "../lab/run.ts";
import { pathOf, type Runtime, runtimes, said, same } from "./both.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
/** The same address each time: they are given in turn. */
const asked = { ...web, args: { cni: { ips: ["10.2.0.40/16"] } } };

let lab: Lab;
let node: LabNode;
let container: Container;
let folder: string;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  container = node.addContainer();
  folder = mkdtempSync(join(tmpdir(), "sp-runtimes-"));
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

const cni = (of: Runtime, command: CniCall["command"], more: Partial<CniCall> = {}) =>
  node.cni({ command, conf: asked, container, plugin: pathOf(of), ...more });

describe("the executable with Node in it", () => {
  test("has our program in it, under two names", async () => {
    const [one, two] = ["socketplane", "socketplane-ipam"].map((name) => pathOf("node", name));
    if (one === undefined || two === undefined) throw new Error("no executables");
    expect(statSync(one).ino).toBe(statSync(two).ino);
    expect(statSync(one).mode & 0o777).toBe(0o755);
    const plain = readFileSync(process.execPath);
    const ours = readFileSync(one);
    expect(ours.equals(plain)).toBe(false);
    // Plain Node would say its own version, and has neither the program nor the mark that one is in.
    const mark = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";
    expect([plain.includes(`${mark}0`), ours.includes(`${mark}1`)]).toEqual([true, true]);
    expect(ours.includes("Cannot understand the command line")).toBe(true);
    const { stdout } = await run({ argv: [one, "--version"] });
    expect(stdout.trim()).not.toBe(process.version);
  });

  test("takes what V8 made of it at the build", async () => {
    // Of what doesn't fit it says so, and goes on without.
    const { stderr } = await run({ argv: [pathOf("node"), "network", "--help"] });
    expect(stderr).toBe("");
  });

  test("obeys neither NODE_OPTIONS nor options of Node's", async () => {
    const mark = join(folder, "ran");
    const preload = join(folder, "preload.cjs");
    writeFileSync(preload, `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");`);
    const env = { NODE_OPTIONS: `--require=${preload}`, CNI_COMMAND: "VERSION" };
    expect(await run({ argv: [pathOf("node")], env, stdin: "" })).toMatchObject({ status: 0 });
    expect(existsSync(mark)).toBe(false);
    // It is one that plain Node obeys.
    await run({ argv: [process.execPath, "-e", ""], env });
    expect(existsSync(mark)).toBe(true);
    const { status, stderr } = await run({ argv: [pathOf("node"), `--require=${preload}`] });
    expect({ status, stderr: stderr.split("\n")[0] }).toEqual({
      status: 2,
      stderr: expect.stringContaining('there is no option "--require"'),
    });
  });
});

describe("VERSION", () => {
  test.each(["", "{}", '{"cniVersion":"0.4.0"}', '{"cniVersion":"9.9.9"}', "{", "[]"])(
    "of %j is the same",
    async (stdin) => {
      for (const name of ["socketplane", "socketplane-ipam"]) {
        const { status } = await same((of) =>
          cni(of, "VERSION", { conf: stdin, plugin: pathOf(of, name) }),
        );
        expect(status).toBe(0);
      }
    },
  );
});

test.each(["0.3.1", "0.4.0", "1.0.0", "1.1.0"])(
  "a container's life in version %s is the same",
  async (cniVersion) => {
    const conf = { ...asked, cniVersion };
    // The network, its bridge and its gateway are there for both.
    await cni("bun", "ADD", { conf });
    await cni("bun", "DEL", { conf });
    const lives: unknown[] = [];
    for (const of of runtimes) {
      const added = await cni(of, "ADD", { conf });
      await assertSound([node]);
      const { ports } = await factsOf(node);
      const withResult = { ...conf, prevResult: added.json };
      lives.push({
        added: said(added),
        again: said(await cni(of, "ADD", { conf })),
        ports: ports.length,
        checked: said(await cni(of, "CHECK", { conf: withResult })),
        deleted: said(await cni(of, "DEL", { conf: withResult })),
        deletedAgain: said(await cni(of, "DEL", { conf: withResult })),
        checkedAgain: said(await cni(of, "CHECK", { conf: withResult })),
      });
      await assertNothingLeft([node]);
    }
    const [bun, other] = lives;
    expect(other).toEqual(bun);
    expect(bun).toMatchObject({ added: { status: 0 }, deleted: { status: 0, stdout: "" } });
  },
);

test("what one has made, the other checks and takes away", async () => {
  for (const [maker, other] of [runtimes, runtimes.toReversed()] as const) {
    if (maker === undefined || other === undefined) throw new Error("no runtimes");
    const { json: prevResult, status } = await cni(maker, "ADD");
    expect(status).toBe(0);
    const conf = { ...asked, prevResult };
    expect(await cni(other, "CHECK", { conf })).toMatchObject({ status: 0, stdout: "" });
    expect(await cni(other, "DEL", { conf })).toMatchObject({ status: 0, stdout: "" });
    await assertNothingLeft([node]);
  }
});

describe("what can't be done is refused with the same words:", () => {
  const ipam = (more: object) => ({
    ...web,
    type: "bridge",
    ipam: { type: "socketplane-ipam", ...more },
  });
  test.each<[string, CniCall["command"], Partial<CniCall>]>([
    ["no environment", "ADD", { env: { CNI_CONTAINERID: undefined, CNI_NETNS: undefined } }],
    ["an unknown command", "ADD", { env: { CNI_COMMAND: "PUT" } }],
    ["malformed arguments", "ADD", { args: "IP=10.2.0.300;X=1" }],
    ["stdin that is not JSON", "ADD", { conf: "{ not JSON" }],
    ["stdin that is not UTF-8", "ADD", { conf: '{"name":"\ud800"}' }],
    ["an empty stdin", "ADD", { conf: "" }],
    ["a version to come", "ADD", { conf: { ...web, cniVersion: "9.9.9" } }],
    ["mistyped keys", "ADD", { conf: { ...web, subnet: "10.2.0.0/33", gatway: "x", mtu: 1 } }],
    [
      "a network that is not there",
      "ADD",
      { conf: { ...web, subnet: undefined, name: "nowhere" } },
    ],
    ["other settings than the network's", "ADD", { conf: { ...web, subnet: "10.9.0.0/16" } }],
    ["an overlapping subnet", "ADD", { conf: { ...web, name: "other" } }],
    ["an address of another network", "ADD", { conf: web, args: "IP=10.3.0.4" }],
    ["a namespace that is gone", "ADD", { env: { CNI_NETNS: "/run/netns/nowhere" } }],
    ["the host's own namespace", "ADD", { env: { CNI_NETNS: "/proc/1/ns/net" } }],
    ["an interface that is there", "ADD", { ifname: "lo" }],
    [
      "a foreign IPAM plugin that is not there",
      "ADD",
      { conf: { ...web, ipam: { type: "none" } } },
    ],
    ["CHECK without a result", "CHECK", {}],
    [
      "CHECK of what is not there",
      "CHECK",
      { conf: { ...web, prevResult: { cniVersion: "1.1.0" } } },
    ],
    ["GC without its key", "GC", { conf: web }],
    ["node.json that is not there", "ADD", { env: { SOCKETPLANE_CONFIG: "/nowhere/node.json" } }],
    [
      "IPAM's own faults",
      "ADD",
      { conf: ipam({ ranges: [[{ subnet: "10.2.0.0/40" }]], rangeStat: 1 }) },
    ],
  ])("%s", async (_, command, more) => {
    const { stdout } = await same((of) => cni(of, command, more));
    expect(JSON.parse(stdout)).toHaveProperty("code");
    await assertNothingLeft([node]);
  });
});

test("GC and STATUS are the same, with Open vSwitch away too", async () => {
  const conf = { ...web, "cni.dev/valid-attachments": [] };
  const all = { container: undefined, conf } as unknown as Partial<CniCall>;
  for (const of of runtimes) {
    expect(await cni(of, "ADD")).toMatchObject({ status: 0 });
    expect(said(await cni(of, "GC", all))).toMatchObject({ status: 0, stdout: "" });
    await assertNothingLeft([node]);
  }
  expect(await same((of) => cni(of, "STATUS", all))).toMatchObject({ status: 0, stdout: "" });
  const away = join(folder, "node.json");
  const json = { ...JSON.parse(readFileSync(node.config, "utf8")), ovs: { runDir: folder } };
  writeFileSync(away, JSON.stringify(json));
  const without = { ...all, env: { SOCKETPLANE_CONFIG: away } };
  expect(await same((of) => cni(of, "STATUS", without))).toMatchObject({ status: 1 });
  expect(await same((of) => cni(of, "ADD", { env: without.env }))).toMatchObject({ status: 1 });
});
