/**
 * One etcd process of a test: real, with data of its own, and killed by the kernel when the test
 * process dies, however it dies. Needs no service manager, and touches no etcd of the machine.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const startLimitMs = 30_000;
const env = { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`, ETCDCTL_API: "3" };

export interface MemberPlan {
  readonly name: string;
  /** Holds its data and its log. */
  readonly folder: string;
  /** Name or path of the namespace to run it in; by default our own. */
  readonly netns: string | undefined;
  readonly clientUrl: string;
  readonly peerUrl: string;
  /** Of the cluster, as etcd's --initial-cluster. */
  readonly cluster: string;
  /** More options of etcd, of which none is given already. */
  readonly more: readonly string[];
  /** What etcdctl needs to be let in, once it is asked for. */
  readonly credentials: readonly string[];
}

export interface Member {
  readonly clientUrl: string;
  /** Its process; undefined when it is not running. */
  readonly pid: () => number | undefined;
  /** Starts it on the data that are there; does not wait until it answers. */
  readonly start: () => void;
  /** Waits until it answers a read that the whole cluster stands behind. */
  readonly ready: () => Promise<void>;
  /** Holds it (SIGSTOP): connections stay, nothing is answered. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Ends it as a crash would; its data stay. */
  readonly kill: () => Promise<void>;
  /** Removes its data; it must not be running. */
  readonly forget: () => void;
  /** Runs etcdctl against it, in its namespace; gives its standard output. */
  readonly etcdctl: (...args: readonly string[]) => string;
  /** Makes its data from a snapshot; it must not be running, nor have data. */
  readonly restore: (snapshot: string) => void;
}

export function openMember(plan: MemberPlan): Member {
  const data = join(plan.folder, `${plan.name}.data`);
  const log = join(plan.folder, `${plan.name}.log`);
  const enter = plan.netns === undefined ? [] : ["nsenter", `--net=${pathOfNetns(plan.netns)}`];
  let running: ChildProcess | undefined;

  const run = (argv: readonly string[]): string => {
    const [program = "", ...args] = [...enter, ...argv];
    const done = spawnSync(program, args, { env, encoding: "utf8", timeout: startLimitMs });
    if (done.status === 0) return done.stdout;
    const reason = done.error?.message ?? (done.stderr.trim() || `exit status ${done.status}`);
    throw new Error(`Cannot run ${argv.join(" ")}: ${reason}`);
  };
  const etcdctl = (...args: readonly string[]) =>
    run(["etcdctl", `--endpoints=${plan.clientUrl}`, ...plan.credentials, ...args]);
  const cluster = [
    `--name=${plan.name}`,
    `--data-dir=${data}`,
    `--initial-cluster=${plan.cluster}`,
    `--initial-advertise-peer-urls=${plan.peerUrl}`,
  ];
  const refuse = (state: string): Error => {
    const said = existsSync(log) ? readFileSync(log, "utf8").slice(-2000) : "";
    return new Error(`Cannot start etcd ${plan.name} at ${plan.clientUrl}: ${state}\n${said}`);
  };
  const atExit = () => void running?.kill("SIGKILL");

  return {
    clientUrl: plan.clientUrl,
    pid: () => running?.pid,
    etcdctl,
    start: () => {
      const urls = [
        `--listen-client-urls=${plan.clientUrl}`,
        `--advertise-client-urls=${plan.clientUrl}`,
        `--listen-peer-urls=${plan.peerUrl}`,
      ];
      // What it says otherwise goes to the journal, where there is one.
      const logging = ["--logger=zap", `--log-outputs=${log}`];
      const own = ["etcd", ...cluster, ...urls, ...logging, ...plan.more];
      // Not detached: the death signal would not outlive the fork.
      const all = ["--pdeathsig", "KILL", ...enter, ...own];
      running = spawn("setpriv", all, { env, stdio: "ignore" });
      running.on("error", () => {});
      process.once("exit", atExit);
    },
    ready: async () => {
      const limit = performance.now() + startLimitMs;
      for (;;) {
        if (running?.pid === undefined || running.exitCode !== null) throw refuse("it ended");
        try {
          etcdctl("--command-timeout=2s", "--dial-timeout=2s", "endpoint", "health");
          return;
        } catch (fault) {
          if (performance.now() > limit) throw refuse(String(fault));
        }
        await sleep(20);
      }
    },
    pause: () => {
      running?.kill("SIGSTOP");
      // The signal has to reach each thread: until then one may answer still.
      while (running?.pid !== undefined && !isStopped(running.pid)) sleepNow(1);
    },
    resume: () => void running?.kill("SIGCONT"),
    kill: async () => {
      const child = running;
      running = undefined;
      process.off("exit", atExit);
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
    forget: () => rmSync(data, { recursive: true, force: true }),
    restore: (snapshot) => void run(["etcdctl", "snapshot", "restore", snapshot, ...cluster]),
  };
}

function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).every((task) =>
      /\) [TtZX] /.test(readFileSync(`${tasks}/${task}/stat`, "utf8")),
    );
  } catch {
    // A thread has just ended: looked at again; or all of it has.
    return !existsSync(tasks);
  }
}

const sleepNow = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const pathOfNetns = (netns: string) => (netns.includes("/") ? netns : `/run/netns/${netns}`);

/**
 * A TCP port that nobody listens at in our own namespace. Below those that the kernel gives to
 * clients: one of these could have it while the server is away.
 */
export async function freePort(address: string): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const server = createServer();
    try {
      server.listen(port, address);
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
