/**
 * What a cluster is like, read from outside: the nodes, the store, the switches' flows between
 * nodes, and the frames on the wire.
 */
import type { Cluster, ClusterNode } from "./cluster.ts";
import { factsOf, type LeaseFact, leasesIn, type NodeFacts } from "./facts.ts";
import type { LabNode, StoredEntry } from "./node.ts";
import type { WireFrame } from "./wire.ts";

export interface NetworkFact {
  readonly name: string;
  readonly vni: number;
  /** First and last address of the subnet, as numbers. */
  readonly first: number;
  readonly last: number;
  /** In all forms that the wire's record has them in. */
  readonly gateways: readonly string[];
}

/** A node as the store has it registered. */
export interface RegisteredFact {
  readonly node: string;
  readonly vtep: string | undefined;
}

/** A flow by which traffic with the holder of a lease goes. */
export interface LeaseFlow {
  readonly vni: number;
  /** "ours": frames for it go to local ports. "from" and "to" a peer. */
  readonly way: "ours" | "from" | "to";
  /** First and last address of the lease, as numbers. */
  readonly first: number;
  readonly last: number;
  /** The peer's address. */
  readonly vtep: string | undefined;
}

export interface SwitchFacts {
  readonly node: string;
  /** VNIs of the networks that the node has a port of its own in. */
  readonly vnis: readonly number[];
  readonly leases: readonly LeaseFlow[];
}

export interface ClusterFacts {
  readonly nodes: readonly NodeFacts[];
  readonly networks: readonly NetworkFact[];
  readonly registered: readonly RegisteredFact[];
  readonly leases: readonly LeaseFact[];
  /** Addresses that the agents have mirrored: "web/0a020003". */
  readonly mirrored: readonly string[];
  readonly switches: readonly SwitchFacts[];
  /** What passed since it was last asked. */
  readonly wire: readonly WireFrame[];
}

export async function clusterFactsOf(
  cluster: Cluster,
  nodes: readonly ClusterNode[],
): Promise<ClusterFacts> {
  const [wire, stored] = [await cluster.wire.news(), await cluster.readStore()];
  const [facts, switches] = await Promise.all([
    Promise.all(nodes.map(factsOf)),
    Promise.all(nodes.map(switchOf)),
  ]);
  return {
    nodes: facts,
    networks: networksIn(stored),
    registered: registeredIn(stored),
    leases: leasesIn(stored),
    mirrored: stored.flatMap(({ key }) => /^assignments\/(.*)$/.exec(key)?.[1] ?? []),
    switches,
    wire,
  };
}

export function networksIn(stored: readonly StoredEntry[]): readonly NetworkFact[] {
  return stored
    .filter(({ key }) => key.startsWith("networks/"))
    .map(({ value }) => {
      const { id, vni, subnet, subnet6, gateway } = JSON.parse(value);
      const [base = "", length = ""] = String(subnet).split("/");
      const first = numberOf(base);
      const last = first + 2 ** (32 - Number(length)) - 1;
      const suffix = groupsOf(numberOf(gateway));
      const site = subnet6 === undefined ? [] : [`${siteOf(subnet6)}:${suffix}`];
      const gateways = [gateway, `fe80:0:0:0:0:0:${suffix}`, ...site];
      return { name: id, vni, first, last, gateways };
    });
}

/** The upper six groups, none left out: an IPv4 address ends the prefix. */
function siteOf(prefix6: string): string {
  const [head = "", tail = ""] = prefix6.replace(/\/.*/, "").split("::");
  const [before, after] = [head, tail].map((part) => part.split(":").filter((one) => one !== ""));
  const zeros = Array<string>(8).fill("0");
  const groups = [...(before ?? []), ...zeros.slice((before ?? []).length + (after ?? []).length)];
  return [...groups, ...(after ?? [])].slice(0, 6).join(":");
}

function registeredIn(stored: readonly StoredEntry[]): readonly RegisteredFact[] {
  return stored
    .filter(({ key }) => key.startsWith("nodes/"))
    .map(({ key, value }) => ({ node: key.slice("nodes/".length), vtep: JSON.parse(value).vtep }));
}

async function switchOf({ name, ovs: { asked } }: LabNode): Promise<SwitchFacts> {
  const bridge = (await asked.vsctl("list-br")).split("\n").includes("sp0");
  const flows = bridge ? (await asked.ofctl("dump-flows", "sp0")).split("\n") : [];
  const gateways = flows.flatMap((flow) => {
    const found = /cookie=0x53500100.* table=0, .*in_port=.*set_field:(0x\w+)->reg0/.exec(flow);
    return found === null || flow.includes("tun_id=") ? [] : Number(found[1]);
  });
  return {
    node: name,
    vnis: [...new Set(gateways)],
    leases: flows.flatMap((flow) => leaseFlowOf(flow) ?? []),
  };
}

/** Reads a flow as ovs-ofctl shows it; undefined if it is not for a lease. */
export function leaseFlowOf(flow: string): LeaseFlow | undefined {
  const part = /cookie=0x53500([12])/.exec(flow)?.[1];
  const vni = Number(/reg0=(0x\w+)/.exec(flow)?.[1]);
  const table = Number(/table=(\d+)/.exec(flow)?.[1]);
  // A lease with a MAC of its own is left out here.
  const hex = "02:42(?:(?::[0-9a-f]{2}){4})";
  const macs = new RegExp(`dl_(src|dst)=(${hex})(?:/ff:ff((?::[0-9a-f]{2}){4}))?`).exec(flow);
  if (part === undefined || macs === null) return undefined;
  const [, , mac = "", mask = ":ff:ff:ff:ff"] = macs;
  const first = Number.parseInt(mac.replaceAll(":", "").slice(4), 16);
  const last = first + (0xffffffff - Number.parseInt(mask.replaceAll(":", ""), 16));
  if (part === "1") {
    const own =
      [30, 35].includes(table) && !flow.includes("set_field") && flow.includes("goto_table:40");
    return own ? { vni, way: "ours", first, last, vtep: undefined } : undefined;
  }
  const from = /tun_(?:ipv6_)?src=([^ ,]+)/.exec(flow)?.[1];
  const to = /set_field:([^ ,]+)->tun_(?:ipv6_)?dst/.exec(flow)?.[1];
  return { vni, way: table === 10 ? "from" : "to", first, last, vtep: from ?? to };
}

const numberOf = (dotted: string): number =>
  dotted.split(".").reduce((value, byte) => value * 256 + Number(byte), 0);

/** The last two groups of an IPv6 address that ends in an IPv4 one. */
const groupsOf = (address: number): string =>
  `${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}`;
