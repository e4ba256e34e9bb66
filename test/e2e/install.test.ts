/** The executable installs itself, on a machine of its own, and takes itself off again. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { attach, detach } from "../lab/attach.ts";
import { endBackground, recordedPid } from "../lab/background.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { executables, type LabNode } from "../lab/node.ts";
import { type OwnFiles, openOwnFiles } from "../lab/own-files.ts";
import { run, start } from "../lab/run.ts";

const built = join(executables, "socketplane");
const program = "/opt/cni/bin/socketplane";
const command = "/usr/local/bin/socketplane";

let lab: Lab;
let node: LabNode;
let files: OwnFiles;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  files = openOwnFiles(lab);
  lab.onClose(() => endBackground(node));
});
afterEach(() => lab.close());

const env = { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/** Runs a program on that machine. */
async function type(argv: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const outcome = await run(
    files.command({ argv, netns: node.netns, env: { ...env, ...more }, limitMs: 60_000 }),
  );
  const json = outcome.stdout.startsWith("[") || outcome.stdout.startsWith("{");
  return { ...outcome, json: json ? JSON.parse(outcome.stdout) : undefined };
}

type States = Readonly<Record<string, string>>;

/** Types one that must succeed; gives what became of each file. */
async function states(...argv: readonly string[]): Promise<States> {
  const { status, stderr, json } = await type(argv);
  expect({ argv, status, stderr }).toMatchObject({ status: 0 });
  return Object.fromEntries(json.map((one: Record<string, string>) => [one.path, one.state]));
}

/** The machine's node.json, for what is not its default in a lab. */
const configure = () => copyFileSync(node.config, files.at("/etc/socketplane/node.json"));

test("what it installs works, and is updated while it runs", async () => {
  expect(await states(built, "install")).toMatchObject({
    [program]: "written",
    [`${program}-ipam`]: "written",
    [command]: "written",
  });
  const version = await type([program], { CNI_COMMAND: "VERSION" });
  expect(version.json).toHaveProperty("supportedVersions");
  const ipam = await type([`${program}-ipam`]);
  expect(ipam.stdout + ipam.stderr).toContain("cluster-wide addresses");
  // By its name alone, and from what it has installed: itself.
  expect(await states("socketplane", "install")).toMatchObject({ [program]: "as it is to be" });

  configure();
  expect((await type(["socketplane", "agent", "start"])).status).toBe(0);
  const { pid } = (await type(["socketplane", "agent", "status"])).json;
  // A newer build is another file: here, one with something at its end.
  const newer = join(lab.folder, "newer");
  copyFileSync(built, newer);
  writeFileSync(newer, "newer", { flag: "a" });
  const old = statSync(files.at(program));
  const { json, stderr } = await type([newer, "install"]);
  expect(json).toContainEqual({ path: program, state: "replaced" });
  expect(stderr).toContain("The agent still runs the old one: socketplane agent restart");
  expect(statSync(files.at(program)).ino).not.toBe(old.ino);
  expect(statSync(files.at(program)).size).toBe(old.size + 5);
  // Which is still the same process to who asks, and to who ends it.
  const asked = await type(["socketplane", "agent", "status"]);
  expect(asked.json).toMatchObject({ agent: "running", pid });
  expect((await type(["socketplane", "agent", "restart"])).status).toBe(0);
  expect(recordedPid(node, "agent")).not.toBe(pid);
});

describe("uninstall", () => {
  test("ends the agent, and leaves what was there and what was changed", async () => {
    writeFileSync(files.at("/usr/local/theirs"), "");
    const before = new Set(filesIn(files));
    await states(built, "install");
    configure();
    await type(["socketplane", "agent", "start"]);
    const pid = recordedPid(node, "agent");
    const told = await states("socketplane", "uninstall");
    expect(told).toMatchObject({
      [program]: "removed",
      [command]: "removed",
      "/etc/socketplane/node.json": "left: it was changed",
    });
    expect(pid).toBeDefined();
    expect(recordedPid(node, "agent")).toBeUndefined();
    expect(filesIn(files).filter((path) => !before.has(path))).toEqual([
      "etc/socketplane",
      "etc/socketplane/node.json",
    ]);
    rmSync(files.at("/etc/socketplane"), { recursive: true });
    expect(await states(built, "uninstall")).toEqual({});
  });

  test("is refused while a container is attached, or the machine is in a cluster", async () => {
    const conf = { cniVersion: "1.0.0", name: "web", type: "socketplane", subnet: "10.2.0.0/16" };
    const { container } = await attach(node, node.addContainer(), conf);
    await states(built, "install");
    configure();
    const refused = await type(["socketplane", "uninstall"]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("Cannot uninstall: a container is attached here");
    expect(refused.stderr).toContain(`${container.id} (eth0)`);
    expect(existsSync(files.at(program))).toBe(true);
    await detach(node, container, conf);

    const json = JSON.parse(readFileSync(node.config, "utf8"));
    const store = { type: "etcd", endpoints: ["http://127.0.0.1:1"] };
    const inCluster = JSON.stringify({ ...json, store });
    writeFileSync(files.at("/etc/socketplane/node.json"), inCluster);
    const member = await type(["socketplane", "uninstall"]);
    expect(member.status).toBe(1);
    expect(member.stderr).toContain("First: socketplane cluster leave");

    writeFileSync(files.at("/etc/socketplane/node.json"), "{");
    const unread = await type(["socketplane", "uninstall"]);
    expect(unread.status).toBe(1);
    expect(unread.stderr).toContain("Cannot use node configuration /etc/socketplane/node.json");
    expect(unread.stderr).toContain("To go on without reading node.json: --force.");
    const forced = await states("socketplane", "uninstall", "--force");
    expect(forced).toMatchObject({ [program]: "removed" });
  });
});

test("killed at any moment, an install is ended by the next one, or taken back", async () => {
  const before = filesIn(files);
  for (let ms = 20; ms < 400; ms = Math.round(ms * 2.5)) {
    const installing = start(files.command({ argv: [built, "install"], env }));
    setTimeout(() => installing.kill("SIGKILL"), ms);
    await installing.outcome;
    if (ms % 2 === 0) await states(built, "install");
    await states(built, "uninstall");
    expect({ ms, files: filesIn(files) }).toEqual({ ms, files: before });
  }
});

test("where systemd is, its units are written and taken back by its own command", async () => {
  const systemctl = join(lab.folder, "systemctl");
  const calls = join(lab.folder, "calls");
  const shown = "LoadState=loaded\\nActiveState=active\\nMainPID=1\\nUnitFileState=enabled\\n";
  writeFileSync(
    systemctl,
    `#!/bin/sh\n[ "$1" = show ] && printf '${shown}' || echo "$*" >> ${calls}\n`,
  );
  chmodSync(systemctl, 0o755);
  files = openOwnFiles(lab, { systemctl });
  const told = await states(built, "install");
  const units = files.at("/etc/systemd/system");
  expect(readFileSync(join(units, "socketplane-agent.service"), "utf8")).toContain(
    `ExecStart=${command} agent run\n`,
  );
  expect(told).toHaveProperty("/etc/systemd/system/socketplane-etcd.service", "written");
  expect(readFileSync(calls, "utf8")).toBe("daemon-reload\n");

  await type(["socketplane", "agent", "start", "--enable"]);
  await type(["socketplane", "agent", "restart"]);
  await states("socketplane", "uninstall");
  expect(readFileSync(calls, "utf8").trimEnd().split("\n")).toEqual([
    "daemon-reload",
    "enable socketplane-agent.service",
    "restart socketplane-agent.service",
    "disable socketplane-agent.service",
    "stop socketplane-agent.service",
    "disable socketplane-etcd.service",
    "stop socketplane-etcd.service",
    "daemon-reload",
  ]);
  expect(readdirSync(units).filter((name) => name.startsWith("socketplane"))).toEqual([]);
});

test("into an image, systemd's units come if the image has systemd; nothing is started", async () => {
  const image = join(lab.folder, "image");
  const systemd = join(image, "usr/lib/systemd");
  mkdirSync(systemd, { recursive: true });
  const plain = await states(built, "install", "--root", image, "--cni-bin", "/usr/lib/cni/");
  expect(Object.keys(plain)).toEqual([
    "/usr/lib/cni/socketplane",
    "/usr/lib/cni/socketplane-ipam",
    command,
    "/etc/cni/net.d/10-socketplane.conflist",
    "/etc/socketplane/node.json",
  ]);
  await states(built, "uninstall", "--root", image);
  writeFileSync(join(systemd, "systemd"), "");
  const told = await states(built, "install", "--root", image);
  expect(told).toHaveProperty("/etc/systemd/system/socketplane-agent.service", "written");
  expect(filesIn(files)).not.toContain(program.slice(1));
});

test("what can't be done is said, and nothing is changed", async () => {
  const before = filesIn(files);
  const relative = await type([built, "install", "--root", "image"]);
  expect(relative).toMatchObject({ status: 2 });
  expect(relative.stderr).toContain("Cannot use --root image: it must be an absolute path");
  mkdirSync(files.at("/usr/local/bin"), { recursive: true });
  writeFileSync(files.at(command), "theirs");
  const blocked = await type([built, "install"]);
  expect(blocked.status).toBe(1);
  expect(blocked.stderr).toContain(`${command} is in the way: it is no link of ours`);
  rmSync(files.at("/usr/local/bin"), { recursive: true });
  expect(await states(built, "uninstall")).toEqual({});
  expect(filesIn(files)).toEqual(before);
});

/** What the machine has where anything may be changed. */
function filesIn({ at }: OwnFiles): readonly string[] {
  const found = readdirSync(at("/"), { recursive: true, encoding: "utf8" });
  return found.filter((name) => !name.startsWith("var/log")).sort();
}
