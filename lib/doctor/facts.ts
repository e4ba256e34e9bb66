/** What doctor has seen, as plain data. See doctor.ts for the folder's note. */
import type { AttachmentId } from "../ipam/assignment.ts";
import type { HeldNetwork } from "../ipam/held.ts";
import type { NodeConfig } from "../node-config.ts";
import type { ServiceStatus } from "../service/services.ts";
import type { Known, Survey } from "../survey/survey.ts";
import type { Link } from "../sys/kernel.ts";
import type { ForeignPortDrop } from "../sys/nft.ts";
import type { PlaceState } from "../sys/places.ts";
import type { NetworkList } from "./lists.ts";
import type { PeerFacts } from "./probe-facts.ts";

/** Of this machine alone. */
export interface LocalFacts {
  readonly rights: RightsFacts;
  readonly kernel: KernelFacts;
  /** Not known where the kernel has no nftables, or says nothing of them. */
  readonly firewall: Known<FirewallFacts>;
  readonly nodeJson: NodeJsonFacts;
  readonly bin: BinFacts;
  readonly lists: ListFacts;
  /** Undefined where node.json can't be read: it says where all of it is. */
  readonly node: NodeFacts | undefined;
}

export interface Facts extends LocalFacts {
  readonly peers: Known<readonly PeerFacts[]>;
}

export interface RightsFacts {
  /** The user this runs as, by number: 0 is root. */
  readonly user: number;
  /** Capabilities that the plugin needs and this has not, as capabilities(7) names them. */
  readonly lacking: readonly string[];
}

export interface KernelFacts {
  /** As uname(1) says it. */
  readonly release: string;
  /** Whether each can be had: a namespace is made, a veth pair in it, and both are gone at once. */
  readonly netns: Known<true>;
  readonly veth: Known<true>;
  /** Whether the openvswitch module is there, or can be loaded. */
  readonly ovsModule: boolean;
  /** Values of sysctl, by their path below /proc/sys; without those that are not there. */
  readonly sysctl: Readonly<Record<string, string>>;
}

/** "hidden": this user may not read it. */
export type NodeJsonFacts = { readonly path: string } & (
  | { readonly state: "absent" | "read" | "hidden" }
  | { readonly state: "faulty"; readonly why: string; readonly todo: string | undefined }
);

/** Where the runtime looks for plugins. */
export interface BinFacts {
  readonly folder: string;
  /** Of this command. */
  readonly version: string;
  /** Ours, and those that the lists name. */
  readonly programs: readonly ProgramFacts[];
}

export interface ProgramFacts {
  readonly name: string;
  readonly state: PlaceState;
  /** What ours says it is; undefined where it says nothing, or is not ours. */
  readonly version: string | undefined;
  /** The folder of a package that has it, where the runtime's has it not. */
  readonly elsewhere?: string;
}

/** Where the runtime looks for network lists. */
export interface ListFacts {
  readonly folder: string;
  /** Not known where the folder can't be read; undefined: there is no folder. */
  readonly found: Known<readonly NetworkList[] | undefined>;
}

/** The node that node.json tells of. */
export interface NodeFacts {
  readonly config: NodeConfig;
  readonly survey: Survey;
  /** Each endpoint of etcd, asked by itself; none with the embedded store. */
  readonly endpoints: readonly EndpointFacts[];
  readonly certificates: readonly CertificateFile[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether ovs-vswitchd is where distributions have it: it may be in a container, too. */
  readonly isOvsInstalled: boolean;
  /** The embedded store was never written to. */
  readonly isStoreAbsent: boolean;
  /** Which datapath the bridge has, or would have. */
  readonly datapath: "system" | "netdev";
  /** The link that has the VTEP as it was written down, where it is not known now by which it goes. */
  readonly lostUnderlay: Link | undefined;
  /** Why nothing leaves by the tunnel through the VTEP's link; undefined if it can. */
  readonly underlayFault: Known<string | undefined>;
  /** What is wrong with the tunnel's port; undefined if nothing is. */
  readonly tunnelFault: Known<string | undefined>;
  /** Those that this node has an address in. */
  readonly networks: readonly StandingNetwork[];
  /** Flows that differ, over two looks. */
  readonly flows: Known<FlowDifferences>;
  readonly inside: Known<InsideFacts>;
  /** All links of this machine, by name. */
  readonly links: ReadonlyMap<string, Link>;
  readonly agent: ServiceStatus;
}

export interface EndpointFacts {
  readonly url: string;
  /** "refused": it is there, and will not: certificates, user, a full database. */
  readonly state: "well" | "away" | "refused";
  /** Where it is not well: why, and what to do. */
  readonly why?: string;
  readonly todo?: string | undefined;
}

/** A PEM file that node.json names. */
export interface CertificateFile {
  /** "ca" or "cert", of "store.tls". */
  readonly key: string;
  readonly path: string;
  /** Milliseconds since the epoch; undefined where there is no certificate in it. */
  readonly valid: { readonly from: number; readonly until: number } | undefined;
}

export interface StandingNetwork {
  readonly held: HeldNetwork;
  /** What is wrong with its own port, addresses and firewall here. */
  readonly faults: Known<readonly string[]>;
}

export interface FlowDifferences {
  /** How many the switch should have. */
  readonly wanted: number;
  /** In words, as ovs-ofctl has them. */
  readonly missing: readonly string[];
  readonly strange: readonly string[];
  /** Not put in by us, and left alone by the agent. */
  readonly foreign: readonly ForeignFlow[];
}

export interface ForeignFlow {
  readonly cookie: bigint;
  /** As ovs-ofctl has it. */
  readonly text: string;
}

/** What was seen in the containers' network namespaces. */
export interface InsideFacts {
  /** How many interfaces were looked at, of how many. */
  readonly looked: number;
  readonly of: number;
  readonly faulty: readonly InsideFault[];
}

export interface InsideFault {
  readonly id: AttachmentId;
  /** In words, of its link, MAC, MTU and addresses. */
  readonly faults: readonly string[];
  /** It has no default route by IPv4: a fault only where it was to get one. */
  readonly noDefault: boolean;
}

export interface FirewallFacts {
  /** A chain of somebody else that drops what is forwarded. */
  readonly dropsForwarded: string | undefined;
  /** A chain of somebody else by which VXLAN's UDP port is dropped. */
  readonly dropsTunnel: ForeignPortDrop | undefined;
}
