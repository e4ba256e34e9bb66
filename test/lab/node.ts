/**
 * One simulated machine: a network namespace with an Open vSwitch of its own, a node.json, a run
 * directory and a store; our executables run in it as a runtime would run them.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cleanup, netnsFiles, ownName } from "./cleanup.ts";
import { type Ovs, startOvs } from "./ovs.ts";
import { type Command, ip, type Outcome, type Running, start } from "./run.ts";

/** What the executables under test have in them: `npm test -- --runtime node`. */
export const runtime = process.env.SOCKETPLANE_RUNTIME === "node" ? "node" : "bun";
/** Where the executables are that have a runtime in them. */
export const executablesOf = (of: "bun" | "node"): string =>
  fileURLToPath(new URL(`../../dist/${of === "bun" ? "bin" : of}/`, import.meta.url));
export const executables = executablesOf(runtime);
export const debianPlugins = "/usr/lib/cni";

export interface Container {
  readonly id: string;
  /** Name or path of its network namespace. */
  readonly netns: string;
  /** CNI_NETNS. */
  readonly path: string;
  /** Takes its namespace away, as the end of a container does. */
  readonly remove: () => void;
}

/** What a runtime asks of a plugin. */
export interface CniCall {
  readonly command: "ADD" | "CHECK" | "DEL" | "GC" | "STATUS" | "VERSION";
  /** Standard input: a text as it is, anything else as JSON. */
  readonly conf: unknown;
  readonly container?: Container;
  /** By default eth0, where there is a container. */
  readonly ifname?: string;
  /** CNI_ARGS. */
  readonly args?: string;
  /** Added to the environment; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By default ours, "socketplane". A name is looked up as a runtime does, in CNI_PATH. */
  readonly plugin?: string;
  /** A program to run it under, with its arguments: strace. */
  readonly under?: readonly string[];
  /** Milliseconds after which it is killed. */
  readonly limitMs?: number;
}

export interface CniOutcome extends Outcome {
  /** Standard output as JSON; undefined when there is none. */
  readonly json: unknown;
}

export interface LabNode {
  readonly name: string;
  /** Name of its network namespace. */
  readonly netns: string;
  readonly ovs: Ovs;
  /** Path of its node.json. */
  readonly config: string;
  readonly runDir: string;
  /** All that its store holds. */
  readonly readStore: () => Promise<readonly StoredEntry[]>;
  /** The embedded store's folder. */
  readonly storeDir: string;
  /** Its containers, gone ones too. */
  readonly containers: readonly Container[];
  readonly addContainer: (label?: string) => Container;
  /** Counts one that somebody else has made among its containers. */
  readonly adopt: (container: Container) => void;
  /** What a call is as a program to run: for those who run or show it in their own way. */
  readonly cniCommand: (call: CniCall) => Command;
  readonly cni: (call: CniCall) => Promise<CniOutcome>;
  /** The same without waiting for its end. */
  readonly startCni: (call: CniCall) => Running;
  /** The operator's command as a program to run. */
  readonly operatorCommand: (...args: readonly string[]) => Command;
  /** Runs the operator's command. */
  readonly socketplane: (...args: readonly string[]) => Promise<CniOutcome>;
}

export interface NodeOptions {
  readonly name?: string;
  /** Added to its node.json. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What /etc/machine-id says in it: 32 hexadecimal digits; by default this machine's own. */
  readonly machineId?: string;
  /** Reads the store that it shares with others; by default, the embedded one's file is read. */
  readonly readStore?: () => Promise<readonly StoredEntry[]>;
}

/** A key of the store, as other programs show it. */
export interface StoredEntry {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
}

export interface Surroundings {
  /** The lab's folder. */
  readonly folder: string;
  readonly cleanup: Cleanup;
  /** A number that the lab gives once. */
  readonly serial: () => number;
}

/** Makes a namespace, with its loopback up, that goes with the lab. Gives its name. */
export function addNetns({ cleanup, serial }: Surroundings, label: string): string {
  const name = ownName(serial(), label);
  ip("netns", "add", name);
  cleanup.add(() => removeNetns(name));
  ip("-n", name, "link", "set", "lo", "up");
  return name;
}

/** ip(8) lays the files of /etc/netns/<namespace> over those of /etc, for what it runs there. */
function giveMachineId({ cleanup }: Surroundings, netns: string, id: string): void {
  const files = join(netnsFiles, netns);
  mkdirSync(files, { recursive: true });
  cleanup.add(() => rmSync(files, { recursive: true, force: true }));
  writeFileSync(join(files, "machine-id"), `${id}\n`);
}

/** The embedded store's file: its first line is an object with all entries. */
export function readFileStore(storeDir: string): readonly StoredEntry[] {
  const file = join(storeDir, "state");
  if (!existsSync(file)) return [];
  const [first = ""] = readFileSync(file, "utf8").split("\n");
  const { entries } = JSON.parse(first) as { entries: [string, string, number, number][] };
  return entries.map(([key, value, , modRevision]) => ({ key, value, modRevision }));
}

/** Removes a namespace; one that is gone already is no fault. */
export function removeNetns(name: string): void {
  const there = ip("netns", "list").split("\n");
  if (there.some((line) => line.split(" ")[0] === name)) ip("netns", "delete", name);
}

export async function startNode(lab: Surroundings, options: NodeOptions = {}): Promise<LabNode> {
  const name = options.name ?? "node";
  const netns = addNetns(lab, name);
  if (options.machineId !== undefined) giveMachineId(lab, netns, options.machineId);
  // Short: the path of a unix socket has room for 107 bytes (unix(7)).
  const folder = mkdtempSync(join(lab.folder, "n"));
  const runDir = join(folder, "run");
  const storeDir = join(folder, "store");
  const config = join(folder, "node.json");
  const ovs = await startOvs({ netns, folder });
  lab.cleanup.add(ovs.stop);
  const json = {
    node: name,
    store: { type: "file", path: storeDir },
    ovs: { runDir: ovs.runDir },
    agent: { logFile: join(folder, "log/agent.log") },
    runDir,
    logLevel: "debug",
    ...options.config,
  };
  writeFileSync(config, JSON.stringify(json));

  const containers: Container[] = [];
  const base = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SOCKETPLANE_CONFIG: config };
  const cniCommand = (call: CniCall): Command => {
    const plugin = call.plugin ?? "socketplane";
    const env = { ...base, ...variablesOf(call), ...call.env };
    return {
      argv: [...(call.under ?? []), plugin.includes("/") ? plugin : join(folderOf(plugin), plugin)],
      netns,
      env: defined(env),
      stdin: typeof call.conf === "string" ? call.conf : JSON.stringify(call.conf),
      ...(call.limitMs !== undefined && { limitMs: call.limitMs }),
    };
  };
  const startCni = (call: CniCall): Running => start(cniCommand(call));
  const operatorCommand = (...args: readonly string[]): Command => ({
    argv: [join(executables, "socketplane"), ...args],
    netns,
    env: base,
  });
  return {
    name,
    netns,
    ovs,
    config,
    runDir,
    storeDir,
    readStore: options.readStore ?? (async () => readFileStore(storeDir)),
    containers,
    addContainer: (label = "container") => {
      const container = addContainer(lab, label);
      containers.push(container);
      return container;
    },
    adopt: (container) => void containers.push(container),
    cniCommand,
    startCni,
    cni: async (call) => withJson(await startCni(call).outcome),
    operatorCommand,
    socketplane: async (...args) => withJson(await start(operatorCommand(...args)).outcome),
  };
}

function addContainer(lab: Surroundings, label: string): Container {
  const netns = addNetns(lab, label);
  return { id: netns, netns, path: `/run/netns/${netns}`, remove: () => removeNetns(netns) };
}

const variablesOf = ({ command, container, ifname, args }: CniCall) => ({
  CNI_COMMAND: command,
  CNI_PATH: `${executables}:${debianPlugins}`,
  CNI_CONTAINERID: container?.id,
  CNI_NETNS: container?.path,
  CNI_IFNAME: ifname ?? (container && "eth0"),
  CNI_ARGS: args,
});

const folderOf = (plugin: string) =>
  plugin.startsWith("socketplane") ? executables : debianPlugins;

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function withJson(outcome: Outcome): CniOutcome {
  if (outcome.stdout.trim() === "") return { ...outcome, json: undefined };
  try {
    return { ...outcome, json: JSON.parse(outcome.stdout) };
  } catch {
    return { ...outcome, json: undefined };
  }
}
