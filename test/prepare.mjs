/**
 * What tests, benchmarks and the demo need of a machine, made on first use and announced:
 * node_modules, a handful of Debian packages, the executables. Plain JavaScript, for Node 20.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const top = dirname(dirname(fileURLToPath(import.meta.url)));
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
  tcpdump: "tcpdump",
  strace: "strace",
  ethtool: "ethtool",
  iperf3: "iperf3",
  procps: "sysctl",
  "util-linux": "setpriv",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  "etcd-server": "etcd",
  "etcd-client": "etcdctl",
  openssl: "openssl",
  containerd: "containerd",
  runc: "runc",
  podman: "podman",
  conmon: "conmon",
  // Its busybox has the name of busybox's own.
  "busybox-static": "/var/lib/dpkg/info/busybox-static.list",
  "golang-go": "go",
  "golang-github-appc-cni-dev": "/usr/share/gocode/src/github.com/containernetworking/cni",
};

/** Does all of it, or says what is missing and ends the process. */
export function prepare() {
  try {
    installModules();
    installPackages();
    run(node, ["build.mjs", "--if-needed"]);
  } catch (error) {
    process.stderr.write(`${error.message.trim()}\n`);
    process.exit(1);
  }
}

function installModules() {
  if (existsSync(node)) return;
  say("installing npm dependencies");
  run("npm", ["ci"]);
}

function installPackages() {
  const missing = Object.keys(packages).filter((name) => !isThere(packages[name]));
  if (missing.length === 0) return;
  if (process.getuid() !== 0) {
    throw new Error(`Cannot go on: Debian packages are missing: ${missing.join(" ")}`);
  }
  say(`installing Debian packages: ${missing.join(" ")}`);
  const env = { ...environment, DEBIAN_FRONTEND: "noninteractive" };
  // Somebody else may be installing too.
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  const apt = (...args) => run("apt-get", ["-qq", ...wait, ...args], { env, stdio: "pipe" });
  withoutServices(() => {
    apt("update");
    apt("install", "-y", "--no-install-recommends", ...missing);
  });
}

/**
 * Keeps what is being installed from starting its services: the tests run an Open vSwitch and an
 * etcd of their own, and the machine's are its owner's business (invoke-rc.d asks policy-rc.d;
 * 101: no).
 */
function withoutServices(install) {
  const policy = "/usr/sbin/policy-rc.d";
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    install();
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
 * "pipe" only into the Error when it fails.
 */
function run(command, args, { env = environment, stdio = process.stderr } = {}) {
  const options = { cwd: top, env, stdio: ["ignore", stdio, stdio], encoding: "utf8" };
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, options);
  if (status === 0) return;
  const state = error?.message ?? `it ended with ${signal ?? `status ${status}`}`;
  const said = `${stdout ?? ""}${stderr ?? ""}`;
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${state}\n${said}`);
}

/** Tells, on standard error, what takes its time. */
function say(what) {
  process.stderr.write(`socketplane: ${what}\n`);
}
