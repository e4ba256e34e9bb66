/**
 * What is known of the cluster and of this node: read once, all parts at once, for those who explain.
 *
 * Invariants: nothing is changed, made or cleared away by looking; each part is known by itself, so
 * that with etcd away, the agent stopped or Open vSwitch down the others are there, and what is not
 * known has a reason and what to do; every part has a deadline.
 * Why one folder: doctor, topology and trace tell of the same things, and must not tell them
 * differently.
 */
import type { NodeConfig } from "../node-config.ts";
import type { CountedFlow } from "../ovs/switch.ts";
import type { VtepAddress } from "../store/keys.ts";
import type { Link } from "../sys/kernel.ts";
import type { ClusterFacts } from "./cluster.ts";
import type { NodeFacts } from "./here.ts";
import type { SwitchFacts } from "./switch.ts";

/** Something that was looked at, or why it could not be. */
export type Known<T> = { readonly known: true; readonly value: T } | Unknown;

export interface Unknown {
  readonly known: false;
  /** "Cannot <action> <subject>: <state>". */
  readonly why: string;
  /** What to do, where that is known. */
  readonly todo: string | undefined;
}

export interface Survey {
  /** When it was read: milliseconds since the epoch. */
  readonly at: number;
  readonly config: NodeConfig;
  readonly self: Self;
  /** What the store says. */
  readonly cluster: Known<ClusterFacts>;
  /** What this node's run directory says: its assignments, and its caches of the store. */
  readonly here: Known<NodeFacts>;
  /** What the switch's database says (ovsdb-server). */
  readonly switch: Known<SwitchFacts>;
  /** Our flows, with what they have counted (ovs-vswitchd). */
  readonly flows: Known<readonly CountedFlow[]>;
  /** What the agent says of itself; not known where nobody answers. */
  readonly agent: Known<AgentFacts>;
}

/** This machine. */
export interface Self {
  readonly name: Known<string>;
  /** Undefined where there are no others: with the embedded store. */
  readonly vtep: Known<VtepAddress | undefined>;
  /** The link that VXLAN traffic goes by; undefined where none is known. */
  readonly underlay: Known<Link | undefined>;
  /** What the underlay leaves for a network's frames, bytes. */
  readonly mtu: Known<number>;
  readonly machineId: string;
  /** The kernel's boot id. */
  readonly boot: string;
}

/** As /healthz has it (lib/agent/health.ts). */
export interface AgentFacts {
  readonly isWell: boolean;
  /** What is wrong, or worth knowing, by what it is about: "store", "switch", "certificate". */
  readonly said: Readonly<Record<string, string>>;
}
