/** The agent in the background of a machine without systemd: started, asked for, ended, and killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { formatProcess } from "../../lib/service/process-file.ts";
import { openBackgroundProcesses } from "../../lib/sys/background-processes.ts";
import { startAgent } from "../lab/agent.ts";
import { endBackground, recordedPid } from "../lab/background.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import { run, start } from "../lab/run.ts";
import { startServer } from "../lab/services.ts";
import { until } from "../lab/until.ts";

const processes = openBackgroundProcesses(openFfi());

/** Each start and stop waits for a process that comes or goes. */
const patient = { timeout: 180_000 };

let lab: Lab;
let node: LabNode;
beforeEach(async () => {
  lab = openLab();
  node = await lab.startNode();
  lab.onClose(() => endBackground(node));
});
afterEach(() => lab.close());

/** `socketplane agent ...`, with what it says without the log that labs have on. */
async function agent(...args: readonly string[]) {
  const { status, json, stderr } = await node.socketplane("agent", ...args);
  const said = stderr.split("\n").filter((line) => !line.startsWith('{"time":'));
  return { status, json, stderr: said.join("\n") };
}
const pid = () => recordedPid(node, "agent");
/** One that has ended stays in /proc until its parent asks how: the first process, in its own time. */
const isThere = (one: number | undefined) => processes.find(one ?? 0) !== undefined;
const log = () => readFileSync(join(node.config, "../log/agent.log"), "utf8");

test("is started once, asked how it is, and ended", async () => {
  expect(await agent("status")).toMatchObject({
    status: 1,
    json: { agent: "stopped", by: "processes" },
    stderr:
      "socketplane: Cannot find the agent: it does not run\n  Start it: socketplane agent start\n",
  });

  const started = await agent("start");
  expect(started).toEqual({
    status: 0,
    json: { agent: "running", pid: pid(), started: true },
    stderr: "",
  });
  expect(await agent("start")).toMatchObject({ status: 0, json: { pid: pid(), started: false } });

  // What was started does its work.
  const { status, json } = await agent("status");
  expect(status).toBe(0);
  const { since } = json as { since: string };
  expect(json).toEqual({ agent: "running", pid: pid(), since, health: "ok", by: "processes" });
  expect(Math.abs(Date.now() - Date.parse(since))).toBeLessThan(60_000);

  const first = pid();
  expect(await agent("restart")).toMatchObject({ status: 0, json: { restarted: true } });
  expect(pid()).not.toBe(first);
  expect(isThere(first)).toBe(false);

  const last = pid();
  expect(await agent("stop")).toMatchObject({
    status: 0,
    json: { agent: "stopped", stopped: true },
  });
  expect(isThere(last)).toBe(false);
  expect(log()).toContain("the agent ends");
  expect(await agent("stop")).toMatchObject({ status: 0, json: { stopped: false } });
  expect(await agent("status")).toMatchObject({ status: 1, json: { agent: "stopped" } });
});

test("without its switch it is said to be unwell, and not waited for without end", async () => {
  await node.ovs.stop();
  const health = expect.stringContaining("switch: ");
  expect(await agent("start")).toMatchObject({ json: { agent: "running", started: true, health } });
  expect(await agent("status")).toMatchObject({
    status: 1,
    json: { agent: "running", health },
    stderr: expect.stringContaining("socketplane: Cannot rely on the agent: "),
  });
});

test("whose run directory was removed is known again before long", async () => {
  await agent("start");
  const first = pid();
  rmSync(node.runDir, { recursive: true, maxRetries: 10 });
  await until("its file", pid);
  expect(await agent("stop")).toMatchObject({ json: { stopped: true } });
  expect(isThere(first)).toBe(false);
});

test("started by several at once, one runs", async () => {
  const outcomes = await Promise.all([1, 2, 3].map(() => agent("start")));
  expect(outcomes.map(({ status }) => status)).toEqual([0, 0, 0]);
  const records = outcomes.map(({ json }) => json as { pid: number; started: boolean });
  expect(new Set(records.map((one) => one.pid))).toEqual(new Set([pid()]));
  expect(records.filter(({ started }) => started)).toHaveLength(1);
});

test("one that somebody runs in a terminal is asked and ended alike", async () => {
  const running = await startAgent(lab, node);
  expect(await agent("status")).toMatchObject({ status: 0, json: { pid: running.pid } });
  expect(await agent("start")).toMatchObject({ json: { pid: running.pid, started: false } });
  expect(await agent("stop")).toMatchObject({ json: { stopped: true } });
  expect(await running.outcome).toMatchObject({ status: 0 });
});

describe("killed", () => {
  test("it is said to be, and can be started", async () => {
    await agent("start");
    const killed = pid();
    process.kill(killed ?? 0, "SIGKILL");
    await until("its end", () => !isThere(killed));
    const reason = `process ${killed} is gone, and has not ended by itself`;
    expect(await agent("status")).toEqual({
      status: 1,
      json: { agent: "failed", reason, by: "processes" },
      stderr: `socketplane: Cannot find the agent: it does not run (${reason})\n  Start it: socketplane agent start\n`,
    });
    expect(await agent("stop")).toMatchObject({ status: 0, json: { stopped: false } });
    expect(await agent("start")).toMatchObject({ status: 0, json: { started: true } });
  });

  test("its number may be somebody else's, who is left alone", patient, async () => {
    await agent("start");
    const file = join(node.runDir, "agent.pid");
    const mine = JSON.parse(readFileSync(file, "utf8"));
    await agent("stop");
    const other = await startOther();
    const found = await until("sleep", () => processes.find(other.pid ?? 0));
    for (const claimed of [
      { ...mine, pid: other.pid },
      { ...found, began: found.began + 1 },
      { ...found, boot: "another" },
      { ...found, program: mine.program },
    ]) {
      writeFileSync(file, formatProcess(claimed));
      expect(await agent("stop")).toMatchObject({ status: 0, json: { stopped: false } });
      expect(await agent("start")).toMatchObject({ status: 0, json: { started: true } });
      expect(await agent("stop")).toMatchObject({ status: 0, json: { stopped: true } });
    }
    expect(other.signalCode ?? other.exitCode).toBeNull();
  });
});

async function startOther(): Promise<ChildProcess> {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  lab.onClose(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

describe("a start that fails", () => {
  test("for node.json starts nothing", async () => {
    writeFileSync(node.config, '{ "colour": "red", "runDir": 7 }');
    const { status, stderr } = await agent("start");
    expect(status).toBe(1);
    expect(stderr).toContain(`socketplane: Cannot use node configuration ${node.config}`);
    expect(stderr).toContain('"colour" is not a known key');
    expect(existsSync(join(node.config, "../log"))).toBe(false);
  });

  test("at once is told with its last words", async () => {
    const server = await startServer(node.netns, "in the way", [9478]);
    lab.onClose(server.stop);
    const { status, stderr, json } = await agent("start");
    expect({ status, json }).toEqual({ status: 1, json: undefined });
    expect(stderr).toContain(
      "socketplane: Cannot start the agent: it ended at once (exit status 1)\n",
    );
    expect(stderr).toMatch(/^ {2}socketplane: Cannot listen on 127\.0\.0\.1:9478: .*in use/m);
    expect(stderr).toMatch(/^ {2}Its log: \/.*\/agent\.log$/m);
    expect(await agent("status")).toMatchObject({ status: 1, json: { agent: "stopped" } });
  });
});

describe("its log", () => {
  test("is shown as it is, and on a terminal as people read", async () => {
    await agent("start");
    const [line = "", ...more] = (await node.socketplane("agent", "logs", "-n", "1")).stdout
      .trimEnd()
      .split("\n");
    expect(more).toEqual([]);
    expect(JSON.parse(line)).toHaveProperty("message");
    const { stdout } = await node.socketplane("agent", "logs", "-o", "table");
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d INFO {2}the agent runs {2}node=node {2}version=/m);
  });

  test("is followed until Ctrl-C", async () => {
    await agent("start");
    const following = start(node.operatorCommand("agent", "logs", "--follow", "-n", "1"));
    await following.says(/"message"/);
    const first = pid();
    await agent("restart");
    await following.says(/the agent ends[\s\S]*the agent runs/);
    expect(pid()).not.toBe(first);
    following.kill("SIGINT");
    expect(await following.outcome).toMatchObject({ status: 0, stderr: "" });
  });

  test("is shown as far as somebody reads", async () => {
    await agent("start");
    const log = join(node.config, "../log/agent.log");
    writeFileSync(log, readFileSync(log, "utf8").repeat(5_000));
    const { argv, ...rest } = node.operatorCommand("agent", "logs", "-n", "100000");
    const { stdout, stderr } = await run({
      ...rest,
      argv: ["sh", "-c", '"$@" | head -1', "sh", ...argv],
    });
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toBe("");
  });

  test("that is not there, and a count that is none, are errors", async () => {
    expect(await agent("logs")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("Cannot read the log"),
    });
    expect(await agent("logs", "-n", "many")).toMatchObject({ status: 2 });
  });
});

test("what only systemd can do is refused, and changes nothing", async () => {
  const { status, stderr } = await agent("start", "--enable");
  expect(status).toBe(2);
  expect(stderr).toContain("Cannot use --enable: no systemd runs the agent here");
  expect(await agent("status")).toMatchObject({ json: { agent: "stopped" } });
});
