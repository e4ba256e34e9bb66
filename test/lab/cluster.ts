/**
 * A cluster on one machine: nodes, and an etcd of their own, on one underlay network.
 *
 * The underlay is a Linux bridge in a namespace of its own, 192.0.2.0/24 and 2001:db8:2::/64. A
 * node's link to it, "under0", is in an Open vSwitch bridge "br-phy", whose internal port has the
 * VTEP address: on the userspace datapath VXLAN leaves only through a bridge.
 */
import { randomBytes } from "node:crypto";
import { type Agent, type AgentOptions, startAgent } from "./agent.ts";
import { type Etcd, startEtcd } from "./etcd.ts";
import type { Lab } from "./lab.ts";
import type { LabNode, NodeOptions, StoredEntry } from "./node.ts";
import { ip, must } from "./run.ts";
import { openWire, type Wire } from "./wire.ts";

export interface Cluster {
  readonly etcd: Etcd;
  /** Name of the namespace that it is in. */
  readonly etcdNetns: string;
  /** Name of the namespace that the underlay's bridge is in. */
  readonly underlay: string;
  /** All that crosses the underlay, from the beginning; throws if it is not recorded. */
  readonly wire: Wire;
  /** Those that have joined, in their order; also those that were removed. */
  readonly nodes: readonly ClusterNode[];
  /** Makes another machine on the underlay. It is in no list of the store's before its first ADD. */
  readonly addNode: (options?: ClusterNodeOptions) => Promise<ClusterNode>;
  /** All that etcd holds. */
  readonly readStore: () => Promise<readonly StoredEntry[]>;
}

export interface ClusterNode extends LabNode {
  /** Its address on the underlay. */
  readonly vtep: string;
  readonly machineId: string;
  /** Pulls its cable out of the underlay, and puts it in again. */
  readonly cutOff: () => void;
  readonly reconnect: () => void;
  readonly startAgent: (options?: AgentOptions) => Promise<Agent>;
}

export interface ClusterNodeOptions extends Pick<NodeOptions, "name" | "config" | "machineId"> {
  /** Its address's last byte on the underlay, for two nodes with one. */
  readonly number?: number;
}

export interface ClusterOptions {
  /** How many nodes there are at first: "host-a", "host-b" and so on. */
  readonly nodes: number;
  /** Whether etcd asks each client for a certificate; by default it listens to anybody. */
  readonly tls?: "mutual";
  /** By default recorded; recording costs what a benchmark measures. */
  readonly wire?: "recorded" | "unrecorded";
}

const etcdAddress = "192.0.2.250";
const bridge = "underlay0";
const prefix = "/socketplane/v1";

export async function startCluster(lab: Lab, options: ClusterOptions): Promise<Cluster> {
  const underlay = lab.addNetns("underlay");
  ip("-n", underlay, "link", "add", bridge, "type", "bridge", "stp_state", "0");
  ip("-n", underlay, "link", "set", bridge, "up");
  const plug = (netns: string, link: string, port: string) => {
    ip("-n", underlay, "link", "add", port, "type", "veth", "peer", "name", link, "netns", netns);
    ip("-n", underlay, "link", "set", port, "master", bridge, "up");
  };

  const store = lab.addNetns("etcd");
  plug(store, "eth0", "etcd");
  ip("-n", store, "address", "add", `${etcdAddress}/24`, "dev", "eth0");
  ip("-n", store, "link", "set", "eth0", "up");
  // The nodes' switches read its frames by AF_PACKET: with their checksums not made, they'd be lost.
  await must({ netns: store, argv: ["ethtool", "-K", "eth0", "tx", "off"] });
  const { tls } = options;
  const own = { netns: store, folder: lab.folder, address: etcdAddress };
  const etcd = await startEtcd(tls === undefined ? own : { ...own, tls });
  lab.onClose(etcd.stop);
  const wire = options.wire === "unrecorded" ? noWire : await openWire(lab, underlay, bridge);

  const nodes: ClusterNode[] = [];
  const readStore = async () => readEtcd(etcd);
  let given = 0;
  const makeNode = async (more: ClusterNodeOptions): Promise<ClusterNode> => {
    given += 1;
    const port = `n${given}`;
    const number = more.number ?? given;
    const machineId = more.machineId ?? randomBytes(16).toString("hex");
    const node = await lab.startNode({
      name: more.name ?? `host-${String.fromCharCode("a".charCodeAt(0) + given - 1)}`,
      machineId,
      readStore,
      config: {
        store: { type: "etcd", endpoints: etcd.endpoints, prefix, tls: etcd.tls },
        vtep: { interface: "br-phy" },
        ...more.config,
      },
    });
    plug(node.netns, "under0", port);
    await must({
      netns: node.netns,
      argv: ["sysctl", "-qw", "net.ipv6.conf.under0.disable_ipv6=1"],
    });
    // As far as the kernel is concerned, nothing comes from the cable: the switch reads a copy of
    // each frame, and would see it answered twice.
    const rules = { netns: node.netns, argv: ["nft", "-f", "-"], stdin: deafTo("under0") };
    await must(rules);
    ip("-n", node.netns, "link", "set", "under0", "up");
    const { vsctl } = node.ovs;
    const add = ["--", "--may-exist", "add-port", "br-phy", "under0"];
    vsctl("--may-exist", "add-br", "br-phy", "--", "set", "bridge", "br-phy", netdev, ...add);
    const setUp = () => {
      ip("-n", node.netns, "address", "replace", `192.0.2.${number}/24`, "dev", "br-phy");
      const address6 = `2001:db8:2::${number.toString(16)}/64`;
      ip("-n", node.netns, "address", "replace", address6, "dev", "br-phy", "nodad");
      ip("-n", node.netns, "link", "set", "br-phy", "up");
    };
    setUp();
    const startSwitch = async () => {
      await node.ovs.startSwitch();
      // What a machine's own network configuration does, where the bridge had to be made again.
      setUp();
    };
    return {
      ...node,
      ovs: { ...node.ovs, startSwitch },
      vtep: `192.0.2.${number}`,
      machineId,
      cutOff: () => void ip("-n", underlay, "link", "set", port, "down"),
      reconnect: () => void ip("-n", underlay, "link", "set", port, "up"),
      startAgent: (settings) => startAgent(lab, node, settings),
    };
  };
  nodes.push(...(await Promise.all(Array.from({ length: options.nodes }, () => makeNode({})))));
  const addNode = async (more: ClusterNodeOptions = {}) => {
    const node = await makeNode(more);
    nodes.push(node);
    return node;
  };
  return { etcd, etcdNetns: store, underlay, wire, nodes, addNode, readStore };
}

const notRecorded = () => Promise.reject(new Error("Cannot look at the wire: it is not recorded"));
const noWire: Wire = { news: notRecorded, since: notRecorded, mark: notRecorded };

const deafTo = (link: string) => `table netdev cable {
  chain ingress { type filter hook ingress device "${link}" priority 0; policy drop; }
}`;

const netdev = "datapath_type=netdev";

function readEtcd({ etcdctl }: Etcd): readonly StoredEntry[] {
  const { kvs = [] } = JSON.parse(etcdctl("get", "--prefix", `${prefix}/`, "--write-out=json"));
  const text = (base64: string) => Buffer.from(base64, "base64").toString();
  return (kvs as readonly { key: string; value?: string; mod_revision: number }[]).map(
    ({ key, value, mod_revision }) => ({
      key: text(key).slice(prefix.length + 1),
      value: text(value ?? ""),
      modRevision: mod_revision,
    }),
  );
}
