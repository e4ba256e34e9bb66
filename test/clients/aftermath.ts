/** What can be done by hand where a runtime has lost track of what it had begun. */
import { done } from "../lab/attach.ts";
import type { LabNode } from "../lab/node.ts";

/** A network list, ours first in it. */
export interface List {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly object[];
}

/** DEL by a container's id alone, without its namespace. */
export async function forget(node: LabNode, list: List, containerId: string): Promise<void> {
  const env = { CNI_CONTAINERID: containerId, CNI_IFNAME: "eth0", CNI_NETNS: "" };
  done("DEL", await node.cni({ command: "DEL", conf: ourPart(list), env }));
}

/** GC of all but the eth0 of these containers. */
export async function collect(
  node: LabNode,
  list: List,
  ...containerIds: readonly string[]
): Promise<void> {
  const valid = containerIds.map((containerID) => ({ containerID, ifname: "eth0" }));
  const keys = { cniVersion: "1.1.0", "cni.dev/valid-attachments": valid };
  done("GC", await node.cni({ command: "GC", conf: { ...ourPart(list), ...keys } }));
}

const ourPart = ({ cniVersion, name, plugins }: List) => ({ cniVersion, name, ...plugins[0] });
