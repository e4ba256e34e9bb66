/** podman on a node, with its CNI backend. It has no daemon: each command does its work itself. */
import type { Lab } from "../lab/lab.ts";
import type { Container, LabNode } from "../lab/node.ts";
import type { Outcome, Running } from "../lab/run.ts";
import type { List } from "./aftermath.ts";
import { busybox, makeImages } from "./image.ts";
import { installPlugins, type Machine, openMachine } from "./machine.ts";
import { documented, sampleText } from "./samples.ts";

export interface Podman {
  readonly machine: Machine;
  /** Starts a container that sleeps. Throws an Error with podman's own words. */
  readonly runContainer: (name: string, ...options: readonly string[]) => Promise<PodmanContainer>;
  /** The same without waiting for its end. */
  readonly startRun: (name: string, ...options: readonly string[]) => Running;
  /** Runs a command that must succeed and gives its standard output. */
  readonly must: (...args: readonly string[]) => Promise<string>;
  readonly run: (...args: readonly string[]) => Promise<Outcome>;
}

export interface PodmanContainer {
  readonly name: string;
  /** What podman knows of its networks, by their names. */
  readonly networks: () => Promise<Readonly<Record<string, NetworkStatus>>>;
  /** Its process's number in the machine; 0 while it does not run. */
  readonly pid: () => Promise<number>;
  /** Of its network namespace, in the machine. */
  readonly netns: () => Promise<string>;
  /** As CNI knows it, while it runs. */
  readonly container: () => Promise<Container>;
  /** Runs a command in it; throws an Error if that fails. */
  readonly exec: (...argv: readonly string[]) => Promise<string>;
}

export interface NetworkStatus {
  readonly IPAddress: string;
  readonly MacAddress: string;
  readonly Gateway: string;
  readonly IPPrefixLen: number;
}

interface Inspected {
  readonly Id: string;
  readonly State: { readonly Pid: number };
  readonly NetworkSettings: {
    readonly SandboxKey: string;
    readonly Networks: Readonly<Record<string, NetworkStatus>>;
  };
}

/** What conf/podman.conf says, and what it takes without systemd. */
const config = `${sampleText("podman.conf")}\n${documented("podman", "toml")}`;

const storage = `[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/run/lib/containers"
`;

/** With these network lists and no others, at the places that README names. */
export async function startPodman(
  lab: Lab,
  node: LabNode,
  lists: readonly List[],
): Promise<Podman> {
  const machine = await openMachine(lab, node);
  const files = lists.map((list) => [`${list.name}.conflist`, list] as const);
  installPlugins(machine, Object.fromEntries(files));
  machine.write("/etc/containers/containers.conf", config);
  machine.write("/etc/containers/storage.conf", storage);
  const must = (...args: readonly string[]) => machine.must(["podman", ...args]);
  await must("load", "--quiet", "--input", await makeImages(lab.folder));
  const runArgs = (name: string, options: readonly string[]) => [
    ...["run", "--detach", `--name=${name}`, `--cgroup-parent=${machine.cgroup}`],
    // For ping.
    ...["--cap-add=NET_RAW", ...options, busybox, "sleep", "1000000"],
  ];
  const containerOf = (name: string): PodmanContainer => {
    const inspect = async (): Promise<Inspected> => JSON.parse(await must("inspect", name))[0];
    const pid = async () => (await inspect()).State.Pid;
    return {
      name,
      networks: async () => (await inspect()).NetworkSettings.Networks,
      pid,
      netns: async () => (await inspect()).NetworkSettings.SandboxKey,
      container: async () => machine.addContainer((await inspect()).Id, await pid()),
      exec: (...argv) => must("exec", name, ...argv),
    };
  };
  return {
    machine,
    runContainer: async (name, ...options) => {
      await must(...runArgs(name, options));
      return containerOf(name);
    },
    startRun: (name, ...options) => machine.start(["podman", ...runArgs(name, options)]),
    must,
    run: (...args) => machine.run(["podman", ...args]),
  };
}
