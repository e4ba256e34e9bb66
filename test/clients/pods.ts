/** Pods of one container each, by the Container Runtime Interface. */
import type { Container } from "../lab/node.ts";
import type { Cri } from "./cri.ts";
import { busybox } from "./image.ts";
import type { Machine } from "./machine.ts";

export interface Pods {
  /** Starts a pod, whose container sleeps. Throws an Error with the runtime's own words. */
  readonly runPod: (name: string, options?: PodOptions) => Promise<Pod>;
  /** RunPodSandbox alone: gives its id. */
  readonly runSandbox: (name: string, options?: PodOptions) => Promise<string>;
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

export function openPods(machine: Machine, { ask }: Cri): Pods {
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
  return { runPod, runSandbox };
}
