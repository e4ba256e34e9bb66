/** containerd on a node: its CRI, as the kubelet uses it, and ctr. */
import type { Lab } from "../lab/lab.ts";
import type { LabNode } from "../lab/node.ts";
import type { Running } from "../lab/run.ts";
import type { List } from "./aftermath.ts";
import { openCri } from "./cri.ts";
import { busybox, makeImages } from "./image.ts";
import { installPlugins, type Machine, openMachine } from "./machine.ts";
import { openPods, type Pods } from "./pods.ts";
import { documented } from "./samples.ts";
import { soon } from "./soon.ts";

export interface Containerd extends Pods {
  readonly machine: Machine;
  /** `ctr run --cni` with busybox: a command in a container of that id, to its end. */
  readonly ctrRun: (id: string, ...argv: readonly string[]) => Running;
  /** The conditions that are not met, in containerd's words. */
  readonly unready: () => Promise<readonly string[]>;
  /** Ends it with SIGKILL; pods live on. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
}

const config = documented("containerd: CRI, as the kubelet uses it", "toml");

const socket = "/run/containerd/containerd.sock";

/** With `list` as its only network list, at the places that README names. */
export async function startContainerd(lab: Lab, node: LabNode, list: List): Promise<Containerd> {
  const machine = await openMachine(lab, node);
  installPlugins(machine, { "10-socketplane.conflist": list });
  machine.write("/etc/containerd/config.toml", config);
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

  return {
    machine,
    ...openPods(machine, cri),
    ctrRun: (id, ...argv) => {
      const run = ["run", "--rm", "--cni", `--cgroup=${machine.cgroup}/${id}`, busybox, id];
      return machine.start(["ctr", ...run, ...argv]);
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
