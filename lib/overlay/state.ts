/** What is to be in the switch, as the pipeline needs it: networks, peers' leases, ports. */
import type { Limits } from "../limits.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import { type Mac, macsOfPrefix4 } from "../net/mac.ts";
import { contains4, type Prefix4, type Prefix6 } from "../net/prefix.ts";
import type { Action, Flow, Masked, Match, Ofport } from "../ovs/flow.ts";
import type { VtepAddress } from "../store/keys.ts";

export const tables = {
  classify: 0,
  ingress: 10,
  neighbour: 20,
  forward: 30,
  single: 35,
  local: 40,
} as const;

/** A network as this node's switch sees it. */
export interface SwitchNetwork {
  readonly vni: number;
  readonly subnet: Prefix4;
  readonly subnet6: Prefix6 | undefined;
  readonly gateway: Ip4;
  /** Prefix length of the blocks that nodes hold. */
  readonly blockLength: number;
  /** The node's own port in the network, where the gateway lives too. */
  readonly port: { readonly ofport: Ofport; readonly address: Ip4 };
  /** The prefixes that this node holds. */
  readonly leases: readonly Prefix4[];
  /** Undefined where there are no other nodes. */
  readonly tunnel: SwitchTunnel | undefined;
  /**
   * The networks that it may send to. No flow is made of them, as the firewall sees to it; but who
   * asks whether the network's flows are there is told by the answer whether it knows of them.
   */
  readonly allowed?: readonly string[] | undefined;
  /** How many leases the peers have, and what tells them from others. */
  readonly peers: { readonly count: number; readonly digest: number };
}

/** The one port that leads to all peers. */
export interface SwitchTunnel {
  readonly ofport: Ofport;
  /** This node's VTEP. */
  readonly local: VtepAddress;
}

/** A prefix that another node holds. */
export interface SwitchPeer {
  readonly prefix: Prefix4;
  /** That node's VTEP. */
  readonly vtep: VtepAddress;
  /** Of a single address that has not the MAC that is computed from it. */
  readonly mac?: Mac;
}

/** A container's port. */
export interface SwitchAttachment {
  readonly vni: number;
  readonly ofport: Ofport;
  readonly address: Ip4;
  readonly address6: Ip6 | undefined;
  readonly mac: Mac;
  readonly limits?: Limits | undefined;
}

/** Everything that is to be in the switch. */
export interface SwitchState {
  readonly networks: readonly (SwitchNetwork & { readonly peerLeases: readonly SwitchPeer[] })[];
  readonly attachments: readonly SwitchAttachment[];
}

/** Makes flows of one part of the state. */
export const flowsOf =
  (cookie: bigint) =>
  (table: number, priority: number, match: Match, actions: readonly Action[]): Flow => ({
    cookie,
    table,
    priority,
    match,
    actions,
  });

/** The MACs of a lease's addresses. */
export function macsOf(lease: Prefix4): Masked<Mac> {
  const { mac, mask } = macsOfPrefix4(lease);
  return lease.length === 32 ? mac : { value: mac, mask };
}

export const goto = (table: number): Action => ({ do: "goto", table });

/**
 * Where frames for a lease find their way. Those for a single MAC do it apart, as do those for the
 * gateway's block, which has one within it.
 */
export const forwardTable = (
  { gateway }: Pick<SwitchNetwork, "gateway">,
  lease: Prefix4,
): number => (lease.length === 32 || contains4(lease, gateway) ? tables.single : tables.forward);

/** The frame is of the network from here on. */
export const inNetwork = (vni: number, table: number): readonly Action[] => [
  { do: "set reg0", value: vni },
  goto(table),
];
