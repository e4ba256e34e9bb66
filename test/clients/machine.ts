/**
 * What a node lacks to run other people's programs as a machine does: processes, mounts, folders
 * and a hostname of its own, beside its network.
 *
 * Invariants: it has a pid namespace, so that daemons that belong to nobody end with it, and it
 * with us; what is written to /dev/shm, /etc, /opt, /run, /var/lib and /var/log is its own and in memory, so
 * that programs keep their usual paths and nothing of it is seen outside; control groups have the
 * node's name. See ../lab/lab.ts for the rest.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { netnsFiles } from "../lab/cleanup.ts";
import type { Lab } from "../lab/lab.ts";
import { type Container, debianPlugins, executables, type LabNode } from "../lab/node.ts";
import { type Command, must, type Outcome, type Running, run, start } from "../lab/run.ts";
import { removeCgroups, sweepCgroups } from "./cgroups.ts";

export interface Machine {
  readonly node: LabNode;
  /** A control group that nobody else uses, for all that runs here: "/spt-...". */
  readonly cgroup: string;
  /** Where one of its files is seen from here. */
  readonly at: (path: string) => string;
  /** Writes a file, with the folders above it. */
  readonly write: (path: string, text: string, mode?: number) => void;
  /** Runs a program that must succeed and gives its standard output. */
  readonly must: (argv: readonly string[], more?: More) => Promise<string>;
  readonly run: (argv: readonly string[], more?: More) => Promise<Outcome>;
  /** Starts a program that ends with us, and with a SIGKILL to what is given back. */
  readonly start: (argv: readonly string[], more?: More) => Running;
  /** Has the node count the container of a process, which has the number `pid` here. */
  readonly addContainer: (id: string, pid: number) => Container;
  /** Ends all that runs in it, as pulling its plug does. */
  readonly end: () => Promise<void>;
}

type More = Pick<Command, "env" | "stdin" | "limitMs">;

/** The first process: it needs no care for its children, as it ignores that they end. */
const setUp = `set -e
hostname "$1"
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
for folder in etc opt var/lib var/log; do
  mkdir -p /run/layers/$folder/upper /run/layers/$folder/work
  cd /run/layers/$folder
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$PWD/upper,workdir=$PWD/work" /$folder
done
cd /
trap '' CHLD
echo ready
exec sleep infinity`;

/** Makes one over a node, without a program in it. */
export async function openMachine(lab: Lab, node: LabNode): Promise<Machine> {
  sweepCgroups();
  const own = ["--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private"];
  const enter = ["nsenter", `--net=/run/netns/${node.netns}`, "unshare", ...own];
  const outer = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", ...enter, "sh", "-c", setUp, "sh", node.name],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const end = async () => {
    outer.kill("SIGKILL");
    if (isAlive(outer)) await once(outer, "exit");
    await removeCgroups(node.netns);
  };
  lab.onClose(end);
  await isReady(outer);
  const pid = childOf(outer.pid ?? 0);
  const at = (path: string) => `/proc/${pid}/root${path}`;
  // As ip(8) has them for what it runs there.
  const files = join(netnsFiles, node.netns);
  if (existsSync(files)) cpSync(files, at("/etc"), { recursive: true });
  const command = (argv: readonly string[], more: More = {}): Command => {
    const namespaces = ["--mount", "--uts", "--pid", `--net=/run/netns/${node.netns}`];
    const dying = ["setpriv", "--pdeathsig", "KILL"];
    return { ...more, argv: ["nsenter", `--target=${pid}`, ...namespaces, ...dying, ...argv] };
  };
  return {
    node,
    cgroup: `/${node.netns}`,
    at,
    write: (path, text, mode = 0o600) => {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text, { mode });
    },
    must: (argv, more) => must(command(argv, more)),
    run: (argv, more) => run(command(argv, more)),
    start: (argv, more) => start(command(argv, more)),
    addContainer: (id, number) => {
      const path = at(`/proc/${number}/ns/net`);
      const container = { id, path, netns: path, remove: () => {} };
      node.adopt(container);
      return container;
    },
    end,
  };
}

/**
 * Puts the plugins where runtimes look for them, our node.json where our plugin does, and network
 * lists, by the names of their files; there are no others.
 */
export function installPlugins(
  { node, at, write }: Machine,
  lists: Readonly<Record<string, object>>,
): void {
  const folder = "/opt/cni/bin";
  rmSync(at(folder), { recursive: true, force: true });
  mkdirSync(at(folder), { recursive: true });
  for (const from of [debianPlugins, executables]) {
    for (const name of readdirSync(from)) symlinkSync(join(from, name), at(`${folder}/${name}`));
  }
  write("/etc/socketplane/node.json", readFileSync(node.config, "utf8"));
  rmSync(at("/etc/cni/net.d"), { recursive: true, force: true });
  for (const [name, list] of Object.entries(lists)) {
    write(`/etc/cni/net.d/${name}`, JSON.stringify(list));
  }
}

const isAlive = (child: ChildProcess) =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

async function isReady({ stdout, stderr }: ChildProcess): Promise<void> {
  let said = "";
  stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for await (const line of stdout ?? []) if (`${line}` === "ready\n") return;
  throw new Error(`Cannot open a machine: ${said.trim()}`);
}

/** The pid of a process's only child. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}
