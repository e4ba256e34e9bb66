/**
 * What tests, benchmarks and the demo need of a machine, made on first use and announced:
 * node_modules, a handful of Debian packages, the executables. Plain JavaScript, for Node 20.
 *
 * A signal ends what is being done, and us after it; only packages are installed to their end
 * first, as half of one leaves a machine broken. So each command has a process group of its own:
 * a terminal's Ctrl-C comes to us alone, and we decide.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const self = fileURLToPath(import.meta.url);
export const top = dirname(dirname(self));
const bin = join(top, "node_modules/.bin");

/** The Node that the project is written for, whichever runs this. */
export const node = join(bin, "node");

/** The caller's environment, with our own tools and the system's before anything else. */
export const environment = {
  ...process.env,
  PATH: [bin, process.env.PATH, "/usr/sbin", "/sbin"].join(delimiter),
};

/** A file that shows that a Debian package is there: a command, or a path. */
const packages = {
  "openvswitch-switch": "ovs-vswitchd",
  iproute2: "ip",
  "iputils-ping": "ping",
  "iputils-arping": "arping",
  nftables: "nft",
  iptables: "iptables-legacy-restore",
  curl: "curl",
  tcpdump: "tcpdump",
  strace: "strace",
  ethtool: "ethtool",
  iperf3: "iperf3",
  procps: "sysctl",
  "groff-base": "groff",
  systemd: "systemd-analyze",
  "util-linux": "setpriv",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  "etcd-server": "etcd",
  "etcd-client": "etcdctl",
  openssl: "openssl",
  containerd: "containerd",
  runc: "runc",
  podman: "podman",
  conmon: "conmon",
  chromium: "chromium",
  // Its busybox has the name of busybox's own.
  "busybox-static": "/var/lib/dpkg/info/busybox-static.list",
  "golang-go": "go",
  "golang-github-appc-cni-dev": "/usr/share/gocode/src/github.com/containernetworking/cni",
};

const signals = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Does all of it, or says what is missing and ends the process; the executables are made with the
 * runtimes that are named.
 */
export async function prepare(runtimes = ["bun"]) {
  const stop = new AbortController();
  const onSignal = (signal) => stop.abort(signal);
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await installModules(stop.signal);
    await installPackages(stop.signal);
    for (const runtime of runtimes) {
      await run(node, ["build.mjs", "--if-needed", "--runtime", runtime], stop.signal);
    }
  } catch (error) {
    if (stop.signal.aborted) process.exit(statusAfter(stop.signal.reason));
    process.stderr.write(`${error.message.trim()}\n`);
    process.exit(1);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

async function installModules(stop) {
  if (!modulesAreStale()) return;
  say("installing npm dependencies");
  // npm, which removes node_modules first, must not run by what it removes.
  const folders = (process.env.PATH ?? "").split(delimiter);
  const PATH = folders.filter((folder) => !folder.endsWith("node_modules/.bin")).join(delimiter);
  // Somebody else may be doing it: who comes second finds it done.
  const args = ["--no-fork", "package-lock.json", "node", self, "modules"];
  await run("flock", args, stop, { env: { ...process.env, PATH } });
}

/** True unless what package-lock.json asks for is there, as npm itself keeps book of it. */
function modulesAreStale() {
  const book = join(top, "node_modules/.package-lock.json");
  if (!existsSync(node) || !existsSync(book)) return true;
  const packagesIn = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
  const there = packagesIn(book);
  return Object.entries(packagesIn(join(top, "package-lock.json"))).some(
    ([place, { integrity, optional }]) =>
      place !== "" && optional !== true && there[place]?.integrity !== integrity,
  );
}

async function installPackages(stop) {
  const missing = Object.keys(packages).filter((name) => !isThere(packages[name]));
  if (missing.length === 0) return;
  const names = missing.join(" ");
  if (process.getuid() !== 0 || !isThere("apt-get")) {
    throw new Error(`Cannot go on: Debian packages are missing: ${names}`);
  }
  say(`installing Debian packages, without starting their services: ${names}`);
  const env = { ...environment, DEBIAN_FRONTEND: "noninteractive" };
  // Somebody else may be installing too.
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  const apt = (...args) =>
    run("apt-get", ["-qq", ...wait, ...args], stop, { env, stdio: "pipe", toItsEnd: true });
  await withoutServices(async () => {
    await apt("update");
    await apt("install", "-y", "--no-install-recommends", ...missing);
  });
}

/**
 * Keeps what is being installed from starting its services: the tests run an Open vSwitch and an
 * etcd of their own, and the machine's are its owner's business (invoke-rc.d asks policy-rc.d;
 * 101: no).
 */
async function withoutServices(install) {
  const policy = "/usr/sbin/policy-rc.d";
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await install();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

function isThere(path) {
  const folders = path.startsWith("/") ? ["/"] : environment.PATH.split(delimiter);
  return folders.some((folder) => existsSync(join(folder, path)));
}

/**
 * Runs a command at the top of the project; what it says goes to our standard error, or with
 * "pipe" only into the Error when it fails. When `stop` comes, it and its children get the signal
 * that is the reason, unless it has to come to its end; either way this throws.
 */
async function run(command, args, stop, options = {}) {
  const { env = environment, stdio = process.stderr, toItsEnd = false } = options;
  stop.throwIfAborted();
  const stdios = ["ignore", stdio, stdio];
  const child = spawn(command, args, { cwd: top, env, stdio: stdios, detached: true });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
  }
  const handOn = () => {
    if (toItsEnd) return say("ending as soon as the packages are installed");
    try {
      process.kill(-child.pid, stop.reason);
    } catch {
      // It has just ended by itself.
    }
  };
  stop.addEventListener("abort", handOn);
  const { status, state } = await ended(child);
  stop.removeEventListener("abort", handOn);
  stop.throwIfAborted();
  if (status !== 0) throw new Error(`Cannot run ${command} ${args.join(" ")}: ${state}\n${said}`);
}

/** The exit status of a child, as a shell has it, and the same in words. */
async function ended(child) {
  try {
    const [status, signal] = await once(child, "close");
    const state = `it ended with ${signal ?? `status ${status}`}`;
    return { status: status ?? statusAfter(signal), state };
  } catch (error) {
    return { status: 127, state: error.message };
  }
}

const statusAfter = (signal) => 128 + constants.signals[signal];

/** Tells, on standard error, what takes its time. */
function say(what) {
  process.stderr.write(`socketplane: ${what}\n`);
}

// Called by installModules, with a lock held: as long as npm runs, which has to clean up too.
if (process.argv[1] === self && process.argv[2] === "modules" && modulesAreStale()) {
  for (const signal of signals) process.on(signal, () => {});
  const { status } = await ended(spawn("npm", ["ci"], { cwd: top, stdio: "inherit" }));
  process.exitCode = status;
}
