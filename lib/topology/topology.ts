/**
 * What is where: nodes, networks, containers and the tunnels between nodes, as a model that texts,
 * pages and pictures are made of.
 *
 * Invariants: the model is made purely of a survey, and has texts and numbers only: it is the JSON
 * that is shown (docs/topology.md), and whoever draws it needs nothing else; lists have an order
 * that does not change from one time to the next; what could not be known is in `missing`, with its
 * reason, and never a number or a state that was guessed.
 * Why a model between: four ways to show it must not tell four stories.
 */

export interface Topology {
  /** Of this shape: another one where a key's meaning has changed. */
  readonly version: 1;
  /** When it was looked at, as 2026-03-01T12:00:00.000Z. */
  readonly at: string;
  /** This node's name; undefined where it has none. */
  readonly self?: string;
  readonly store: TopologyStore;
  /** By VNI. */
  readonly networks: readonly TopologyNetwork[];
  /** This node first, then by name. */
  readonly nodes: readonly TopologyNode[];
  /** By node in that order, then by network, then by address. */
  readonly containers: readonly TopologyContainer[];
  /**
   * From this node to each other, in their order; none with the embedded store. Where only a part is
   * shown, one end may not be among the nodes.
   */
  readonly tunnels: readonly TopologyTunnel[];
  /** What the tunnels have carried together; absent where that is not known of any. */
  readonly carried?: Traffic;
  /** What is not known, and so not in here. */
  readonly missing: readonly Missing[];
}

export interface TopologyStore {
  /** "embedded": one machine, no server. */
  readonly kind: "embedded" | "etcd";
  /** "away": what is shown of the cluster is what this node remembers of it. */
  readonly state: "ok" | "away";
  /** etcd's. */
  readonly endpoints?: readonly string[];
}

export interface TopologyNetwork {
  readonly name: string;
  readonly subnet: string;
  readonly subnet6?: string;
  readonly gateway: string;
  readonly gateway6?: string;
  readonly vni: number;
  /** Bytes, of its containers' interfaces; absent where the underlay is not known. */
  readonly mtu?: number;
  readonly masquerade: boolean;
  /** Which of the colours it has: from 0, by its place in the list. */
  readonly color: number;
  /** Networks whose containers reach its own. */
  readonly allowed: readonly string[];
  readonly deleting?: true;
  /** How many of its containers are in `containers`. */
  readonly containerCount: number;
}

export interface TopologyNode {
  /** As it is registered; "at 192.0.2.2" where only its VTEP is known. */
  readonly name: string;
  /** Whether it is the machine that was asked. */
  readonly isSelf: boolean;
  readonly vtep?: string;
  /** Of SocketPlane. */
  readonly version?: string;
  readonly agent: "alive" | "away" | "unknown";
  /** Names of the networks it holds blocks of. */
  readonly networks: readonly string[];
  /** By network and address. */
  readonly blocks: readonly TopologyBlock[];
  /** How many of its containers are in `containers`. */
  readonly containerCount: number;
}

interface TopologyBlock {
  readonly network: string;
  /** As 10.2.0.64/26. */
  readonly prefix: string;
}

export interface TopologyContainer {
  /** As people say it: NAMESPACE/POD, a run's name, or the id, cut where it is a long one. */
  readonly name: string;
  /** The runtime's id, in full. */
  readonly id: string;
  /** Of the CNI configuration. */
  readonly cniName: string;
  /** Its interface in the container, as "eth0". */
  readonly ifname: string;
  readonly network: string;
  readonly address: string;
  readonly address6?: string;
  readonly mac: string;
  /** The node's name. */
  readonly node: string;
  /** "gone": its namespace is no more, and nobody has called DEL; "unknown": of another node. */
  readonly state: "alive" | "gone" | "unknown";
  /** Of the switch; only where it is this node's. */
  readonly port?: { readonly name: string; readonly number: number };
  /** From the container's side; only where this node's switch knows. */
  readonly traffic?: Traffic;
}

/** What a node's switch has sent to another node, and taken from it. */
export interface TopologyTunnel {
  /** Names of nodes. */
  readonly from: string;
  readonly to: string;
  /** Of the other node. */
  readonly vtep: string;
  /** Names of the networks that both have. */
  readonly networks: readonly string[];
  /** Since the flows that count it were put in; absent where the switch does not answer. */
  readonly traffic?: Traffic;
}

export interface Traffic {
  readonly sent: Count;
  readonly received: Count;
}

export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

export interface Missing {
  /** What is not known, as "other nodes' containers". */
  readonly what: string;
  readonly why: string;
  /** What to do, where that is known. */
  readonly todo?: string;
}
