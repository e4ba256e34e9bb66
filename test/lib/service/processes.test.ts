/** The form without systemd, where time and processes are ours: what takes long, or never comes. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Dir } from "../../../lib/dir.ts";
import { defaultNodeConfig } from "../../../lib/node-config.ts";
import { formatProcess } from "../../../lib/service/process-file.ts";
import { openProcesses } from "../../../lib/service/processes.ts";
import type { ServiceWorld } from "../../../lib/service/world.ts";
import type { End, ProvenProcess } from "../../../lib/sys/background.ts";

/** The one that a test starts, or finds. */
const agent: ProvenProcess = { pid: 7, began: 1, boot: "b", program: "p" };
const etcd: ProvenProcess = { pid: 8, began: 1, boot: "b", program: undefined };

let now: number;
let files: Map<string, string>;
let living: Set<number>;
let sent: string[];
let started: { args: readonly string[]; env: Readonly<Record<string, string>> }[];
/** What becomes of one that is started. */
let onStart: (end: (how: End) => void) => void;
/** What becomes of one that is sent a signal. */
let onSignal: (signal: string) => void;
let onPause: () => void;
beforeEach(() => {
  now = 0;
  files = new Map();
  living = new Set();
  sent = [];
  started = [];
  onStart = () => runs();
  onSignal = () => living.clear();
  onPause = () => {};
});

function runs(): void {
  living.add(agent.pid);
  files.set("/run/socketplane/agent.pid", formatProcess(agent));
}

const no = (): never => {
  throw new Error("that is not needed");
};
/** Where only locks are taken. */
const noDir: Omit<Dir, "path"> = {
  open: no,
  make: no,
  read: no,
  create: no,
  replace: no,
  link: no,
  rename: no,
  remove: no,
  removeDir: no,
  list: no,
  lockRange: no,
  lock: () => () => {},
  close: () => {},
};

const world = (env: ServiceWorld["env"] = {}): ServiceWorld => ({
  env,
  readFile: (path) => files.get(path),
  makeDir: (path) => ({ ...noDir, path }),
  isThere: () => false,
  runLines: async () => ({ status: 0, signal: undefined }),
  processes: {
    find: (pid) => (living.has(pid) ? { ...(pid === 7 ? agent : etcd), program: "p" } : undefined),
    send: ({ pid }, signal) => {
      sent.push(`${signal} ${pid}`);
      onSignal(signal);
      return true;
    },
    since: () => 0,
    startAgain: (args, its) => {
      started.push({ args, env: its });
      let end: (how: End) => void = () => {};
      const ended = new Promise<End>((resolve) => {
        end = resolve;
      });
      onStart(end);
      return { pid: agent.pid, ended, letGo: () => {} };
    },
  },
  logFiles: {
    size: () => 0,
    after: () => Array.from({ length: 20 }, (_, index) => `line ${index}`),
    read: async () => {},
  },
  systemd: { running: "", systemctl: [], journalctl: [] },
  clock: () => now,
  pause: async (ms) => {
    now += ms;
    onPause();
  },
});

const config = defaultNodeConfig();
const open = (env: ServiceWorld["env"] = {}, logLevel = config.logLevel, path?: string) =>
  openProcesses(world(env), { config: { ...config, logLevel }, path });

describe("start", () => {
  test("says which node.json, which log, and how much to say", async () => {
    await open({}, "warn", "/there/node.json").start("agent");
    expect(started[0]?.args).toEqual([
      ...["agent", "run", "--log-file", "/var/log/socketplane/agent.log"],
      ...["--config", "/there/node.json"],
    ]);
    expect(started[0]?.env.SOCKETPLANE_LOG).toBe("info");
  });

  test("leaves a level that was asked for, and hands nothing else on", async () => {
    await open({ SOCKETPLANE_LOG: "error", SECRET: "x" }).start("agent");
    living.clear();
    await open({}, "debug").start("agent");
    expect(started.map(({ env }) => Object.entries(env).slice(1))).toEqual([
      [["SOCKETPLANE_LOG", "error"]],
      [],
    ]);
  });

  test("of one that is never ready says so in the end, and leaves it", async () => {
    onStart = () => void living.add(agent.pid);
    const failure = await open()
      .start("agent")
      .catch((fault: unknown) => fault);
    expect(failure).toMatchObject({
      message: "Cannot start the agent: it runs (process 7), and is not ready after 20 seconds",
      details: expect.stringMatching(/^line 5\n[\s\S]*line 19\nIts log: /),
    });
    expect(sent).toEqual([]);
  });

  test("of one that ends while another has begun is no fault", async () => {
    const other = { ...agent, pid: 8 };
    onStart = (end) => {
      files.set("/run/socketplane/agent.pid", formatProcess(other));
      living.add(8);
      end({ status: 1, signal: undefined });
    };
    expect(await open().start("agent")).toBe(false);
  });
});

describe("stop", () => {
  test("asks, waits, and then does not ask", async () => {
    runs();
    onSignal = (signal) => void (signal === "SIGKILL" && living.clear());
    expect(await open().stop("agent")).toBe(true);
    expect(sent).toEqual(["SIGTERM 7", "SIGKILL 7"]);
    expect(now).toBeGreaterThanOrEqual(10_000);
  });

  test("does not wait longer than it takes", async () => {
    runs();
    onSignal = () => {};
    onPause = () => void (now > 300 && living.clear());
    expect(await open().stop("agent")).toBe(true);
    expect(sent).toEqual(["SIGTERM 7"]);
    expect(now).toBeLessThan(1_000);
  });

  test("leaves alone what is not said to run the agent's executable", async () => {
    living.add(agent.pid);
    files.set("/run/socketplane/agent.pid", formatProcess({ ...agent, program: undefined }));
    expect(await open().stop("agent")).toBe(false);
    expect(sent).toEqual([]);
    expect(await open().status("agent")).toMatchObject({ state: "failed" });
  });

  test("of one that nothing ends says so", async () => {
    runs();
    onSignal = () => {};
    await expect(open().stop("agent")).rejects.toThrow(
      "Cannot stop the agent: process 7 does not end",
    );
  });
});

describe("etcd", () => {
  const etcdRuns = () => {
    living.add(etcd.pid);
    files.set("/run/socketplane/etcd.pid", formatProcess(etcd));
  };

  test("is started with the agent, also where that runs without it", async () => {
    runs();
    onStart = () => {
      runs();
      etcdRuns();
    };
    const services = open();
    expect(await services.start("etcd")).toBe(true);
    expect(sent).toEqual(["SIGTERM 7"]);
    expect(await services.start("etcd")).toBe(false);
    expect(await services.status("etcd")).toMatchObject({ state: "running", pid: 8 });
    expect(await services.stop("etcd")).toBe(true);
    expect(sent).toEqual(["SIGTERM 7", "SIGTERM 7"]);
    expect(await services.stop("etcd")).toBe(false);
  });

  test("that does not come with the agent is an error", async () => {
    await expect(open().start("etcd")).rejects.toThrow(
      "Cannot start etcd: the agent runs, and has started none",
    );
  });
});
