/**
 * What VXLAN between two nodes is compared with: on each a bridge with one VXLAN port, made by
 * hand, and a container on it; the action is NORMAL, so the bridge learns and floods.
 */
import type { ClusterNode } from "../lab/cluster.ts";
import type { Lab } from "../lab/lab.ts";
import { ip, must } from "../lab/run.ts";

/** An end of a measured connection. */
export interface End {
  /** Name of its network namespace. */
  readonly netns: string;
  readonly address: string;
}

/** Bytes: what VXLAN leaves of the underlay's 1500. */
const mtu = "1450";
const vni = "7777";

/** Makes the bridge of one of two nodes; frames for others go to `peer`. */
export function makeBridge({ ovs, vtep }: ClusterNode, peer: ClusterNode): void {
  const bridge = ["add-br", "hand0", "--", "set", "bridge", "hand0", "datapath_type=netdev"];
  const port = ["--", "add-port", "hand0", "handvxlan", "--", "set", "interface", "handvxlan"];
  const tunnel = [`options:remote_ip=${peer.vtep}`, `options:local_ip=${vtep}`];
  ovs.vsctl(...bridge, ...port, "type=vxlan", ...tunnel, `options:key=${vni}`);
}

/** Plugs a container in: a veth pair with its checksums made by the sender, as ours has. */
export async function plugIn(lab: Lab, node: ClusterNode, address: string): Promise<End> {
  const netns = lab.addNetns("hand");
  const pair = ["mtu", mtu, "type", "veth", "peer", "name", "eth0", "mtu", mtu, "netns", netns];
  ip("-n", node.netns, "link", "add", "hand1", ...pair);
  ip("-n", node.netns, "link", "set", "hand1", "up", "arp", "off");
  ip("-n", netns, "address", "add", `${address}/24`, "dev", "eth0");
  ip("-n", netns, "link", "set", "eth0", "up");
  await must({ netns, argv: ["ethtool", "-K", "eth0", "tx", "off"] });
  node.ovs.vsctl("add-port", "hand0", "hand1");
  return { netns, address };
}
