/**
 * A private Open vSwitch for tests: its own database, daemons, run directory and namespace.
 *
 * Invariants: nothing of the machine's own Open vSwitch, interfaces or namespaces is touched; the
 * daemons are children that the kernel kills when the test process dies, however it dies; the
 * namespace, unless one was given, goes with them.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { must } from "./run.ts";

const schema = "/usr/share/openvswitch/vswitch.ovsschema";
const startLimitMs = 20_000;

export interface OvsOptions {
  /** Name or path of the namespace to run in; by default a new one without a name. */
  readonly netns?: string;
  /** Where its run directory is made; by default in the system's folder for such. */
  readonly folder?: string;
}

export interface Ovs {
  /** Holds db.sock and <bridge>.mgmt, as /var/run/openvswitch does. */
  readonly runDir: string;
  /** Path of the namespace that the switch's devices are in. */
  readonly netns: string;
  /** Runs ovs-vsctl, which waits for the switch; gives its standard output. */
  readonly vsctl: (...args: readonly string[]) => string;
  /** Runs ovs-ofctl with OpenFlow 1.5; bridges go by their names. */
  readonly ofctl: (...args: readonly string[]) => string;
  /** The same two for those who ask several things at once. */
  readonly asked: {
    readonly vsctl: (...args: readonly string[]) => Promise<string>;
    readonly ofctl: (...args: readonly string[]) => Promise<string>;
  };
  /** Runs ovs-appctl against ovs-vswitchd. */
  readonly appctl: (...args: readonly string[]) => string;
  /** Ends ovs-vswitchd as a crash would; its sockets' files stay. */
  readonly killSwitch: () => Promise<void>;
  /** Ends ovs-vswitchd in order, and with it the devices that it made. */
  readonly endSwitch: () => Promise<void>;
  /** Starts ovs-vswitchd again and waits until it has made the database's bridges. */
  readonly startSwitch: () => Promise<void>;
  /** Ends the daemons and removes the run directory. */
  readonly stop: () => Promise<void>;
}

/** Starts ovsdb-server and ovs-vswitchd and waits until both answer. */
export async function startOvs(options: OvsOptions = {}): Promise<Ovs> {
  const runDir = mkdtempSync(join(options.folder ?? tmpdir(), "sp-ovs-"));
  const file = (name: string) => join(runDir, name);
  const env = {
    PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
    OVS_RUNDIR: runDir,
    OVS_LOGDIR: runDir,
    OVS_DBDIR: runDir,
    OVS_SYSCONFDIR: runDir,
  };
  const daemons = new Map<string, ChildProcess>();

  const run = (command: string, args: readonly string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: "utf8" });
    if (status === 0) return stdout;
    const reason = error?.message ?? (stderr.trim() || `exit status ${status}`);
    throw new Error(`Cannot run ${command} ${args.join(" ")}: ${reason}`);
  };
  const daemon = (name: string, enterNetns: readonly string[], args: readonly string[]) => {
    const logging = ["-vconsole:off", "-vsyslog:off", `--log-file=${file(`${name}.log`)}`];
    const control = [`--unixctl=${file(`${name}.ctl`)}`, `--pidfile=${file(`${name}.pid`)}`];
    const own = [name, ...args, ...logging, ...control];
    // Not detached: the death signal would not outlive the fork.
    const all = ["--pdeathsig", "KILL", ...enterNetns, ...own];
    const child = spawn("setpriv", all, { env, stdio: "ignore" });
    child.on("error", () => {});
    daemons.set(name, child);
    return child;
  };
  const end = async (name: string, ask: (child: ChildProcess) => void) => {
    const child = daemons.get(name);
    daemons.delete(name);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    ask(child);
    await gone;
  };
  const kill = (name: string) => end(name, (child) => child.kill("SIGKILL"));
  const atExit = () => {
    for (const child of daemons.values()) child.kill("SIGKILL");
    rmSync(runDir, { recursive: true, force: true });
  };
  const logOf = (name: string) =>
    existsSync(file(`${name}.log`)) ? readFileSync(file(`${name}.log`), "utf8").slice(-2000) : "";

  const database = [`--db=unix:${file("db.sock")}`, "--retry", "--timeout=20"];
  const vsctl = (...args: readonly string[]) => run("ovs-vsctl", [...database, ...args]);
  const openFlow = ["-O", "OpenFlow15"];
  const startDatabase = async () => {
    run("ovsdb-tool", ["create", file("conf.db"), schema]);
    const enter =
      options.netns === undefined
        ? ["unshare", "--net"]
        : ["nsenter", `--net=${pathOf(options.netns)}`];
    const child = daemon("ovsdb-server", enter, [
      file("conf.db"),
      `--remote=punix:${file("db.sock")}`,
    ]);
    const limit = performance.now() + startLimitMs;
    while (!existsSync(file("db.sock"))) {
      if (child.exitCode !== null || child.pid === undefined || performance.now() > limit)
        throw new Error(`Cannot start ovsdb-server: ${logOf("ovsdb-server")}`);
      await sleep(5);
    }
    vsctl("--no-wait", "init");
    return `/proc/${child.pid}/ns/net`;
  };

  process.once("exit", atExit);
  const stop = async () => {
    await kill("ovs-vswitchd");
    await kill("ovsdb-server");
    process.off("exit", atExit);
    rmSync(runDir, { recursive: true, force: true });
  };
  try {
    const netns = await startDatabase();
    const startSwitch = async () => {
      await kill("ovs-vswitchd");
      const remote = `unix:${file("db.sock")}`;
      const { pid } = daemon("ovs-vswitchd", ["nsenter", `--net=${netns}`], [remote]);
      // Returns when the switch has taken the whole configuration in, but waits only for a change.
      vsctl("set", "Open_vSwitch", ".", `external_ids:switch-pid=${pid}`);
    };
    await startSwitch();
    const appctl = (...args: readonly string[]) =>
      run("ovs-appctl", ["-t", file("ovs-vswitchd.ctl"), ...args]);
    return {
      runDir,
      netns,
      vsctl,
      ofctl: (...args) => run("ovs-ofctl", [...openFlow, ...args]),
      asked: {
        vsctl: (...args) => must({ argv: ["ovs-vsctl", ...database, ...args], env }),
        ofctl: (...args) => must({ argv: ["ovs-ofctl", ...openFlow, ...args], env }),
      },
      appctl,
      killSwitch: () => kill("ovs-vswitchd"),
      endSwitch: () => end("ovs-vswitchd", () => appctl("exit", "--cleanup")),
      startSwitch,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const pathOf = (netns: string) => (netns.includes("/") ? netns : `/run/netns/${netns}`);
