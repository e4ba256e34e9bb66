/** containerd on a node: its CRI, as the kubelet uses it, and ctr. */

import type { Lab } from "../lab/lab.ts";
import type { Container, LabNode } from "../lab/node.ts";
import type { Running } from "../lab/run.ts";
import type { List } from "./aftermath.ts";
import { openCri } from "./cri.ts";
import { busybox, makeImages, pause } from "./image.ts";
import { installPlugins, type Machine, openMachine } from "./machine.ts";
import { soon } from "./soon.ts";

export interface Containerd {
  readonly machine: Machine;
  /** Starts a pod with one container, which sleeps. Throws an Error with containerd's own words. */
  readonly runPod: (name: string, options?: PodOptions) => Promise<Pod>;
  /** RunPodSandbox alone: gives its id. */
  readonly runSandbox: (name: string, options?: PodOptions) => Promise<string>;
  /** `ctr run --cni` with busybox: a command in a container of that id, to its end. */
  readonly ctrRun: (id: string, ...argv: readonly string[]) => Running;
  /** The conditions that are not met, in containerd's words. */
  readonly unready: () => Promise<readonly string[]>;
  /** Ends it with SIGKILL; pods live on. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
}

export interface PodOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly host: number; readonly container: number }[];
}

export interface Pod {
  /** As CNI knows it. */
  readonly container: Container;
  readonly address: string;
  /** The other addresses. */
  readonly more: readonly string[];
  /** Number of its first process in the machine. */
  readonly pid: number;
  /** Runs a command in its container; throws an Error if that fails. */
  readonly exec: (...argv: readonly string[]) => Promise<string>;
  readonly isReady: () => Promise<boolean>;
  /** Of its network namespace, in the machine. */
  readonly netns: string;
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

const config = `version = 2
root = "/run/lib/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]
[plugins."io.containerd.grpc.v1.cri"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  sandbox_image = "${pause}"
`;

const socket = "/run/containerd/containerd.sock";

interface Status {
  readonly status: {
    readonly state: string;
    readonly network: { readonly ip: string; readonly additional_ips: readonly { ip: string }[] };
  };
  readonly info: { readonly info: string };
}

interface Info {
  readonly pid: number;
  readonly runtimeSpec: {
    readonly linux: { readonly namespaces: readonly { type: string; path?: string }[] };
  };
}

/** With `list` as its only network list, at the places that README names. */
export async function startContainerd(lab: Lab, node: LabNode, list: List): Promise<Containerd> {
  const machine = await openMachine(lab, node);
  installPlugins(machine);
  machine.write("/etc/containerd/config.toml", config);
  // What podman's package brings would come after ours.
  machine.write("/etc/cni/net.d/10-socketplane.conflist", JSON.stringify(list));
  const cri = openCri(machine.at(socket));
  lab.onClose(cri.close);
  const { ask } = cri;

  let daemon: Running | undefined;
  const start = async () => {
    daemon = machine.start(["containerd"], { limitMs: 600_000 });
    const ended = daemon.outcome.then(({ stderr }) => {
      throw new Error(`Cannot start containerd: ${stderr.slice(-2000)}`);
    });
    ended.catch(() => {});
    // It answers before it is ready to, and says so.
    const isReady = async () => {
      try {
        await ask("Status", {});
        return true;
      } catch {
        return false;
      }
    };
    await Promise.race([soon("containerd is ready", isReady), ended]);
  };
  const kill = async () => {
    daemon?.kill("SIGKILL");
    await daemon?.outcome;
  };
  await start();
  const images = ["images", "import", await makeImages(lab.folder)];
  for (const namespace of ["k8s.io", "default"]) {
    await machine.must(["ctr", "--namespace", namespace, ...images]);
  }

  const sandboxOf = (name: string, { annotations, ports = [] }: PodOptions) => ({
    metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
    hostname: name,
    log_directory: "/run/logs",
    annotations,
    port_mappings: ports.map(({ host, container }) => ({
      host_port: host,
      container_port: container,
    })),
    linux: { cgroup_parent: machine.cgroup },
  });
  const runSandbox = async (name: string, options: PodOptions = {}) => {
    const request = { config: sandboxOf(name, options) };
    const answer = await ask<{ pod_sandbox_id: string }>("RunPodSandbox", request);
    return answer.pod_sandbox_id;
  };
  const startContainer = async (id: string, sandbox: object) => {
    const { container_id } = await ask<{ container_id: string }>("CreateContainer", {
      pod_sandbox_id: id,
      sandbox_config: sandbox,
      config: {
        metadata: { name: "main" },
        image: { image: busybox },
        command: ["sleep", "1000000"],
        linux: {},
      },
    });
    await ask("StartContainer", { container_id });
    return container_id;
  };
  const statusOf = (id: string) =>
    ask<Status>("PodSandboxStatus", { pod_sandbox_id: id, verbose: true });
  const runPod = async (name: string, options: PodOptions = {}): Promise<Pod> => {
    const id = await runSandbox(name, options);
    const { status, info } = await statusOf(id);
    const { pid, runtimeSpec }: Info = JSON.parse(info.info);
    const network = runtimeSpec.linux.namespaces.find(({ type }) => type === "network");
    const container = await startContainer(id, sandboxOf(name, options));
    return {
      container: machine.addContainer(id, pid),
      address: status.network.ip,
      more: status.network.additional_ips.map(({ ip }) => ip),
      pid,
      netns: network?.path ?? "",
      exec: (...cmd) => exec(container, cmd),
      isReady: async () => (await statusOf(id)).status.state === "SANDBOX_READY",
      stop: async () => void (await ask("StopPodSandbox", { pod_sandbox_id: id })),
      remove: async () => void (await ask("RemovePodSandbox", { pod_sandbox_id: id })),
    };
  };
  const exec = async (container: string, cmd: readonly string[]) => {
    const request = { container_id: container, cmd, timeout: 20 };
    const { stdout, stderr, exit_code } = await ask<{
      readonly stdout: Buffer;
      readonly stderr: Buffer;
      readonly exit_code: number;
    }>("ExecSync", request);
    if (exit_code === 0) return `${stdout}`;
    throw new Error(`Cannot run ${cmd.join(" ")}: ${stderr}${stdout}`);
  };
  return {
    machine,
    runPod,
    runSandbox,
    ctrRun: (id, ...argv) => {
      const cgroup = `${machine.cgroup}/${id}`;
      return machine.start([
        "ctr",
        "run",
        "--rm",
        "--cni",
        "--cgroup",
        cgroup,
        busybox,
        id,
        ...argv,
      ]);
    },
    unready: async () => {
      const { status } = await ask<{
        status: { conditions: readonly { status: boolean; message: string }[] };
      }>("Status", {});
      return status.conditions.filter((one) => !one.status).map(({ message }) => message);
    },
    kill,
    start,
  };
}
