/** The etcd that an agent runs as its child: it lives with the agent, and ends with it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { formatProcess } from "../../lib/service/process-file.ts";
import { openBackgroundProcesses } from "../../lib/sys/background-processes.ts";
import { startAgent } from "../lab/agent.ts";
import { endBackground, recordedPid } from "../lab/background.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { ip, run } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const processes = openBackgroundProcesses(openFfi());
const client = "http://127.0.0.1:2379";

let lab: Lab;
let node: LabNode;
let settings: string;
beforeEach(async () => {
  lab = openLab();
  settings = join(lab.folder, "etcd.yaml");
  writeFileSync(settings, settingsText());
  node = await lab.startNode({
    config: {
      store: { type: "etcd", endpoints: [client] },
      etcd: { config: settings },
      vtep: { interface: "br-phy" },
    },
  });
  node.ovs.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev");
  ip("-n", node.netns, "address", "add", "192.0.2.1/24", "dev", "br-phy");
  ip("-n", node.netns, "link", "set", "br-phy", "up");
  lab.onClose(() => endBackground(node));
});
afterEach(() => lab.close());

const settingsText = () =>
  Object.entries({
    name: "node",
    "data-dir": join(lab.folder, "etcd"),
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": "http://127.0.0.1:2380",
    "initial-advertise-peer-urls": "http://127.0.0.1:2380",
    "initial-cluster": "node=http://127.0.0.1:2380",
    logger: "zap",
  })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join("");

/** Has node.json name another etcd. */
function configure(etcd: Readonly<Record<string, string>>): void {
  const config = JSON.parse(readFileSync(node.config, "utf8"));
  writeFileSync(node.config, JSON.stringify({ ...config, etcd }));
}

const pid = () => recordedPid(node, "etcd");
const lives = (one: number | undefined) => processes.find(one ?? 0) !== undefined;

async function answers(): Promise<boolean> {
  const argv = ["etcdctl", `--endpoints=${client}`, "get", "nothing"];
  const env = { PATH: "/usr/bin", ETCDCTL_API: "3" };
  return (await run({ netns: node.netns, argv, env })).status === 0;
}

test("runs with the agent, which follows it, and ends before it", async () => {
  const agent = await startAgent(lab, node);
  expect(await answers()).toBe(true);
  const status = await node.socketplane("agent", "status");
  expect(status.json).toMatchObject({ agent: "running", etcd: "running", etcdPid: pid() });
  const etcd = pid();
  const { status: how, stderr } = await agent.stop();
  expect(how).toBe(0);
  expect(lives(etcd)).toBe(false);
  expect(pid()).toBeUndefined();
  // Its own words, in the agent's log: it was not killed.
  const said = stderr.split("\n").filter((line) => line.includes('"from":"etcd"'));
  expect(said.join("\n")).toMatch(/closed etcd server|SIGTERM/i);
  for (const line of said) expect(JSON.parse(line)).toHaveProperty("message");
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  expect(last).toContain("the agent ends");

  // Its data are there again.
  const again = await startAgent(lab, node);
  await again.stop();
});

test("ends with the agent that is told to end, which says so", async () => {
  const agent = await startAgent(lab, node);
  const etcd = pid();
  const { json } = await node.socketplane("agent", "stop");
  expect(json).toEqual({ agent: "stopped", stopped: true, etcd: "stopped" });
  expect(lives(etcd)).toBe(false);
  expect(await agent.outcome).toMatchObject({ status: 0 });
  const { status, stderr } = await node.socketplane("node", "list");
  expect(status).toBe(1);
  expect(stderr).toContain("this node's agent runs it: socketplane agent start");
});

test("killed, it is started anew, and the agent is well again", async () => {
  const agent = await startAgent(lab, node);
  const killed = pid();
  process.kill(killed ?? 0, "SIGKILL");
  await agent.says(/etcd has ended, and is started again[^\n]*"how":"SIGKILL"/);
  await until("another", () => pid() !== killed && lives(pid()));
  await until("that it answers", answers);
  await until("that the agent is well", () => agent.ask("/healthz"));
  await agent.stop();
});

test("is gone with an agent that was killed, and the next one begins with its data", async () => {
  const agent = await startAgent(lab, node);
  const web = await node.socketplane("network", "create", "web", "10.2.0.0/16");
  expect(web.status).toBe(0);
  const etcd = pid();
  agent.kill("SIGKILL");
  await agent.outcome;
  await until("its end", () => !lives(etcd));
  await startAgent(lab, node);
  expect((await node.socketplane("network", "list")).json).toMatchObject([{ id: "web" }]);
});

test("one that outlived its agent after all is ended by the next one", async () => {
  const orphan = spawn("ip", ["netns", "exec", node.netns, "etcd", "--config-file", settings]);
  lab.onClose(() => void orphan.kill("SIGKILL"));
  await until("that it answers", answers);
  const found = processes.find(orphan.pid ?? 0);
  if (found === undefined) throw new Error("no etcd");
  const file = join(node.runDir, "etcd.pid");
  // The run directory is made by whoever comes first.
  await node.socketplane("network", "list");
  writeFileSync(file, formatProcess({ ...found, program: undefined }));
  const ended = once(orphan, "exit");
  const agent = await startAgent(lab, node);
  await ended;
  expect(pid()).not.toBe(orphan.pid);
  const { stderr } = await agent.stop();
  expect(stderr).toContain("ends the etcd of an agent that was killed");
});

describe("a start that fails", () => {
  const start = async () => {
    const { status, stderr } = await node.socketplane("agent", "run");
    expect(status).toBe(1);
    return stderr;
  };

  test("for want of the program names the package", async () => {
    configure({ config: settings, program: join(lab.folder, "none") });
    const stderr = await start();
    expect(stderr).toContain(`Cannot run etcd: there is no program ${lab.folder}/none\n`);
    expect(stderr).toContain("apt install etcd-server");
  });

  test("for want of its settings names them", async () => {
    configure({ config: join(lab.folder, "none.yaml") });
    expect(await start()).toContain(
      `Cannot run etcd: its settings ${lab.folder}/none.yaml are not there`,
    );
  });

  test("where another agent runs leaves that one's etcd alone", async () => {
    await startAgent(lab, node);
    const etcd = pid();
    expect(await start()).toContain("another one runs on this node");
    expect(pid()).toBe(etcd);
    expect(await answers()).toBe(true);
  });
});

test("one that ends at once, again and again, is told of with its last words", async () => {
  const program = join(lab.folder, "failing");
  writeFileSync(program, '#!/bin/sh\necho "no space left" >&2\nexit 7\n');
  chmodSync(program, 0o755);
  configure({ config: settings, program });
  const agent = await startAgent(lab, node, { until: "started" });
  const times = /(?:etcd has ended[^\n]*exit status 7[^\n]*no space left[\s\S]*){3}/;
  await agent.says(times);
  const { status } = await agent.stop();
  expect(status).toBe(0);
});
