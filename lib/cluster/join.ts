/**
 * Clusters as they are made, found and joined.
 *
 * Invariants: what comes by multicast is only a hint where to ask; a node believes who answers for
 * the token's hash of the cluster's authority, and a cluster the node for the token's secret; a token
 * takes in one node; a node's key is made on it and stays there; nothing that fails half way leaves
 * a machine that is neither in nor out.
 * Why: etcd holds the plan of all addresses, so whoever reaches it is trusted; and it must be as easy
 * to be asked for a proof as not.
 */
import type { Token } from "../trust/token.ts";
import type { Endpoint, JoinDrivers } from "./drivers.ts";

/** Where a cluster takes in others, TCP. */
export const joinPort = 9479;

export interface JoinWish {
  readonly at: Endpoint;
  /** Undefined: a cluster without TLS, which asks for none. */
  readonly token: Token | undefined;
  readonly node: string;
  /** The VTEP's address, as it is written. */
  readonly vtep: string;
  /** Of /etc/machine-id: the same machine may come again under its name. */
  readonly machineId: string;
}

export interface Joined {
  /** PEM texts; undefined for a cluster without TLS. */
  readonly identity:
    | { readonly ca: string; readonly cert: string; readonly key: string }
    | undefined;
  /** For "store" in node.json. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
}

/**
 * Throws Failure "try-again" where nobody answers, "invalid-config" where the cluster refuses, with
 * what to do, or where who answers is not of the token's cluster.
 */
export declare function requestToJoin(
  drivers: Pick<JoinDrivers, "askHttp">,
  wish: JoinWish,
): Promise<Joined>;
