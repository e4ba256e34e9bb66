/** What may be wrong with the machine: its node.json, its folders and disks, its Open vSwitch. */

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { factsOf } from "../lab/facts.ts";
import { assertNothingLeft, assertSound } from "../lab/invariants.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { CniCall, Container, LabNode } from "../lab/node.ts";
import { ping } from "../lab/probe.ts";
import { must, run } from "../lab/run.ts";
import { expectRefusal } from "./refusals.ts";

const conf = { cniVersion: "1.1.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };

let lab: Lab;
let node: LabNode;
let container: Container;
let folder: string;
beforeAll(async () => {
  lab = openLab();
  node = await lab.startNode();
  container = node.addContainer();
  folder = mkdtempSync(`${node.ovs.runDir}/bad-`);
});
afterAll(() => lab.close());

const cni = (command: CniCall["command"], more: Partial<CniCall> = {}) =>
  node.cni({ command, conf, container, ...more });

async function expectGood(on: LabNode, attached: Container, more: Partial<CniCall> = {}) {
  const call = { conf, container: attached, ...more };
  expect(await on.cni({ ...call, command: "ADD" })).toMatchObject({ status: 0 });
  await assertSound([on]);
  expect(await ping(attached.netns, "10.2.0.1")).toBe(true);
  expect(await on.cni({ ...call, command: "DEL" })).toMatchObject({ status: 0, stdout: "" });
  await assertNothingLeft([on]);
}

/** Takes the network off the node behind our back: the bridge, and what the firewall has of it. */
async function forgetNetwork(): Promise<void> {
  node.ovs.vsctl("--if-exists", "del-br", "sp0");
  await must({ netns: node.netns, argv: ["nft", "flush", "ruleset"] });
}

/** Whatever came before, a good ADD works and its DEL leaves nothing. */
afterEach(async () => {
  await assertNothingLeft([node]);
  await expectGood(node, container);
});

/** The node's node.json with other settings, or another text altogether; for a call's `env`. */
function nodeJson(settings: object | string): { readonly SOCKETPLANE_CONFIG: string } {
  const path = join(mkdtempSync(`${folder}/`), "node.json");
  const usual = JSON.parse(readFileSync(node.config, "utf8"));
  const text = typeof settings === "string" ? settings : JSON.stringify({ ...usual, ...settings });
  writeFileSync(path, text);
  return { SOCKETPLANE_CONFIG: path };
}

describe("node.json", () => {
  const use = "Cannot use node configuration ";
  test.each<[string, object | string, string[]]>([
    ["is not JSON", "{ node: a }", [use, "node.json: it is not JSON"]],
    ["is a list", "[]", [use, "it is not an object"]],
    [
      "has unknown keys, each told with the nearest valid one",
      { stroe: {}, ovs: { rundir: "/run" }, runDri: "/run", colour: "red" },
      [
        '"stroe" is not a known key: did you mean "store"?',
        '"ovs.rundir" is not a known key: did you mean "runDir"?',
        '"runDri" is not a known key: did you mean "runDir"?',
        '"colour" is not a known key: known are "node", "store",',
      ],
    ],
    [
      "has values of the wrong kind",
      { runDir: "run", ovs: { bridge: "far too long for a link", datapath: "kernel" }, vtep: {} },
      [
        '"runDir" must be an absolute path, not "run"',
        '"ovs.bridge" must be a link name',
        '"ovs.datapath" must be one of "auto", "system", "netdev"',
        '"vtep.interface" or "address" must be given',
      ],
    ],
    [
      "names a link that is not there",
      { vtep: { interface: "eth9" } },
      ['Cannot use VTEP interface "eth9": there is no such link', '"vtep" in node.json'],
    ],
    [
      "names an address that is not there",
      { vtep: { address: "192.0.2.9" } },
      ["Cannot use the VTEP address: no link has it", '"vtep" in node.json'],
    ],
  ])("%s", async (_, settings, says) => {
    // On a node where the network is not up yet: what is never looked at is never wrong.
    await forgetNetwork();
    expectRefusal(await cni("ADD", { env: nodeJson(settings) }), { code: 7, says });
  });

  test.each<[string, Partial<CniCall>, string]>([
    [
      "SOCKETPLANE_CONFIG",
      { env: { SOCKETPLANE_CONFIG: "/nowhere/node.json" } },
      "SOCKETPLANE_CONFIG",
    ],
    [
      "the CNI configuration",
      {
        env: { SOCKETPLANE_CONFIG: undefined },
        conf: { ...conf, nodeConfig: "/nowhere/node.json" },
      },
      '"nodeConfig" in the CNI configuration',
    ],
  ])("is named by %s, and not there", async (_, more, by) => {
    const says = [
      "Cannot read node configuration /nowhere/node.json: there is none",
      `${by} names it`,
      "/etc/socketplane/node.json",
    ];
    for (const command of ["ADD", "DEL"] as const) {
      expectRefusal(await cni(command, more), { code: 7, says });
    }
  });

  test("is a folder", async () => {
    const env = { SOCKETPLANE_CONFIG: folder };
    expectRefusal(await cni("ADD", { env }), { code: 5, says: [folder, "it is a folder"] });
  });

  test("wants a cluster, and there is no VTEP", async () => {
    const store = { type: "etcd", endpoints: ["http://127.0.0.1:1"] };
    const env = nodeJson({ ...privateDirs(), store });
    const says = ["Cannot find this node's VTEP address", '"vtep" in node.json'];
    expectRefusal(await cni("ADD", { env, conf: { ...conf, name: "other" } }), { code: 7, says });
  });

  test("wants an etcd that is not there", async () => {
    const store = { type: "etcd", endpoints: ["http://127.0.0.1:1"] };
    const vtep = { address: "127.0.0.1" };
    const env = nodeJson({ ...privateDirs(), store, vtep });
    const says = ["etcd at http://127.0.0.1:1: connection refused", "Is etcd running there?"];
    expectRefusal(await cni("ADD", { env, conf: { ...conf, name: "other" } }), { code: 11, says });
  });

  test("names a bridge that is somebody else's: it is left as it is", async () => {
    node.ovs.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev");
    const before = node.ovs.vsctl("list", "Bridge", "br0");
    const env = nodeJson({ ovs: { runDir: node.ovs.runDir, bridge: "br0" }, ...privateDirs() });
    expectRefusal(await cni("ADD", { env }), {
      code: 7,
      says: ['Cannot use bridge "br0": it is there, and not ours', '"ovs.bridge" in node.json'],
    });
    expect(await cni("DEL", { env })).toMatchObject({ status: 0 });
    expect(node.ovs.vsctl("list", "Bridge", "br0")).toBe(before);
    node.ovs.vsctl("del-br", "br0");
  });

  test("names a bridge that was handed over: it is made like ours, which never learn", async () => {
    const on = await lab.startNode();
    const attached = on.addContainer();
    on.ovs.vsctl("add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev");
    expectRefusal(await on.cni({ command: "ADD", conf, container: attached }), {
      code: 7,
      says: ["hand it over: ovs-vsctl set bridge sp0 external_ids:socketplane=bridge"],
    });
    on.ovs.vsctl("set", "bridge", "sp0", "external_ids:socketplane=bridge");
    await expectGood(on, attached);
    expect(on.ovs.vsctl("get", "Bridge", "sp0", "fail_mode").trim()).toBe("secure");
    expect(on.ovs.vsctl("get", "Bridge", "sp0", "protocols")).toContain("OpenFlow15");
    expect(on.ovs.ofctl("dump-flows", "sp0")).not.toContain("NORMAL");
  });
});

/** A run directory and a store of one test's own. */
function privateDirs() {
  const own = mkdtempSync(`${folder}/`);
  return { runDir: join(own, "run"), store: { type: "file", path: join(own, "store") } };
}

describe.each(["runDir", "store"] as const)("the folder of %s", (which) => {
  const using = (path: string) =>
    nodeJson({ ...privateDirs(), [which]: which === "store" ? { type: "file", path } : path });

  test.each<[string, (path: string) => void, string[]]>([
    [
      "a symlink",
      (path) => {
        mkdirSync(`${path}-meant`, { mode: 0o700 });
        symlinkSync(`${path}-meant`, path);
      },
      ["it is a symlink or a file, not a folder", "Symlinks are not followed there."],
    ],
    ["a file", (path) => writeFileSync(path, ""), ["it is a symlink or a file, not a folder"]],
    [
      "another user's",
      (path) => {
        mkdirSync(path, { mode: 0o700 });
        chownSync(path, 65534, 65534);
      },
      ["it belongs to user 65534", "It must belong to the user SocketPlane runs as (0)."],
    ],
    [
      "writable by all",
      (path) => {
        mkdirSync(path);
        chmodSync(path, 0o1777);
      },
      ["others can write to it (mode 01777)", "chmod 0700"],
    ],
    [
      "read-only",
      (path) => mount(path, "ro,mode=700"),
      ["the file system is read-only (EROFS)", "writable, or choose another folder."],
    ],
    [
      "on a full disk",
      (path) => {
        mount(path, "size=4k,mode=700");
        writeFileSync(join(path, "filler"), "x".repeat(4096));
      },
      ["no space left on device (ENOSPC)", "Free some space, or inodes"],
    ],
    [
      "on a disk without inodes",
      (path) => mount(path, "nr_inodes=2,mode=700"),
      ["no space left on device (ENOSPC)", "Free some space, or inodes"],
    ],
  ])("is %s", async (_, prepare, says) => {
    const path = join(mkdtempSync(`${folder}/`), which);
    prepare(path);
    const before = await factsOf(node);
    expectRefusal(await cni("ADD", { env: using(path) }), { code: 5, says: [path, ...says] });
    const { links, ports, flowPorts } = await factsOf(node);
    expect({ links, ports, flowPorts }).toEqual({
      links: before.links,
      ports: before.ports,
      flowPorts: [],
    });
  });
});

/** Mounts a small file system there until the lab closes. */
function mount(path: string, options: string): void {
  mkdirSync(path);
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", options, "none", path]);
  if (status !== 0) throw new Error(`Cannot mount ${path}: ${stderr}`);
  lab.onClose(() => void spawnSync("umount", [path]));
}

test("a disk that fills up does no harm to those that are attached, nor to DEL", async () => {
  const disk = await lab.startNode({ name: "disk" });
  mount(disk.runDir, "size=256k,mode=700");
  const [first, second] = [disk.addContainer(), disk.addContainer()];
  const on = (command: CniCall["command"], container: Container) =>
    disk.cni({ command, conf, container });

  expect(await on("ADD", first)).toMatchObject({ status: 0 });
  const filler = join(disk.runDir, "filler");
  const fill = await run({ argv: ["dd", "if=/dev/zero", `of=${filler}`, "bs=1k"] });
  expect(fill.stderr).toContain("No space left on device");
  const says = [disk.runDir, "no space left on device (ENOSPC)", "Free some space"];
  expectRefusal(await on("ADD", second), { code: 5, says });
  await assertSound([disk]);
  expect(await ping(first.netns, "10.2.0.1")).toBe(true);
  expect(await on("DEL", second)).toMatchObject({ status: 0 });
  expect(await on("DEL", first)).toMatchObject({ status: 0 });
  await assertNothingLeft([disk]);
  rmSync(filler);
  expect(await on("ADD", second)).toMatchObject({ status: 0 });
  await assertSound([disk]);
  expect(await on("DEL", second)).toMatchObject({ status: 0 });
  expect(await disk.socketplane("network", "delete", "web")).toMatchObject({ status: 0 });
});

describe("Open vSwitch", () => {
  const start = ["systemctl start openvswitch-switch", '"ovs.runDir" in node.json'];

  test("is not there", async () => {
    const env = nodeJson({ ovs: { runDir: "/nowhere" } });
    const says = ["ovsdb-server at /nowhere/db.sock: there is no such socket", ...start];
    expectRefusal(await cni("ADD", { env }), { code: 11, says });
    // Where it cannot look, DEL must not say that all is gone.
    expectRefusal(await cni("DEL", { env }), { code: 11, says });
    expectRefusal(await node.cni({ command: "STATUS", conf, env }), { code: 50, says });
  });

  test("has left its socket behind", async () => {
    const runDir = mkdtempSync(`${folder}/`);
    await leaveSocket(join(runDir, "db.sock"));
    const env = nodeJson({ ovs: { runDir } });
    const says = [`at ${runDir}/db.sock: nobody listens there`, ...start];
    expectRefusal(await cni("ADD", { env }), { code: 11, says });
    expectRefusal(await cni("DEL", { env }), { code: 11, says });
    expectRefusal(await node.cni({ command: "STATUS", conf, env }), { code: 50, says });
  });

  test("has no ovs-vswitchd", async () => {
    await node.ovs.killSwitch();
    const socket = `${node.ovs.runDir}/sp0.mgmt`;
    const says = [`Cannot reach ovs-vswitchd at ${socket}: nobody listens there`, ...start];
    expectRefusal(await cni("ADD"), { code: 11, says });
    expectRefusal(await node.cni({ command: "STATUS", conf }), { code: 50, says });
    // What is in the database can be taken away without it.
    expect(await cni("DEL")).toMatchObject({ status: 0 });
    await node.ovs.startSwitch();
    expect(await node.cni({ command: "STATUS", conf })).toMatchObject({ status: 0, stdout: "" });
  });

  /** Each waits as long as a command waits at all: on machines of their own, at the same time. */
  test("that hangs is not waited for without end", { timeout: 180_000 }, async () => {
    const limitMs = 90_000;
    const hung = async (
      inUse: boolean,
      stop: (on: LabNode) => (() => void) | Promise<() => Promise<void>>,
      says: string,
    ) => {
      const on = await lab.startNode();
      const attached = on.addContainer();
      if (inUse) await expectGood(on, attached);
      const goOn = await stop(on);
      const outcome = await on.cni({ command: "ADD", conf, container: attached, limitMs });
      const status = await on.cni({ command: "STATUS", conf });
      await goOn();
      expectRefusal(outcome, { code: 11, says: [says] });
      expectRefusal(status, { code: 50, says: [] });
      expect(await on.cni({ command: "DEL", conf, container: attached })).toMatchObject({
        status: 0,
      });
      await assertNothingLeft([on]);
      await expectGood(on, attached);
    };
    await Promise.all([
      hung(true, (on) => stopped(on, "ovsdb-server"), 'db.sock": the database does not answer'),
      hung(true, (on) => stopped(on, "ovs-vswitchd"), 'bridge "sp0": the switch does not answer'),
      hung(
        false,
        async (on) => {
          await on.ovs.killSwitch();
          return on.ovs.startSwitch;
        },
        'Cannot make port "sp0": ovs-vswitchd does not take it up',
      ),
    ]);
  });
});

/** Holds a daemon up; gives what lets it go on. */
function stopped({ ovs }: LabNode, daemon: string): () => void {
  const pid = Number(readFileSync(join(ovs.runDir, `${daemon}.pid`), "utf8"));
  process.kill(pid, "SIGSTOP");
  return () => void process.kill(pid, "SIGCONT");
}

/** A unix socket's file without anybody behind it: what a killed server leaves. */
async function leaveSocket(path: string): Promise<void> {
  const die = 'process.kill(process.pid, "SIGKILL")';
  const serve = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => ${die})`;
  await run({ argv: [process.execPath, "-e", serve] });
  expect(statSync(path).isSocket()).toBe(true);
}
