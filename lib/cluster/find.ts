/** Finds clusters on a segment by multicast DNS. What is found is what somebody says. */
import type { JoinDrivers } from "./drivers.ts";

export interface Found {
  /** The store's identity, for telling one from another. */
  readonly cluster: string;
  /** Name of the node that answers. */
  readonly node: string;
  readonly host: string;
  readonly port: number;
  /** See hashOfAuthority; undefined for a cluster without TLS. */
  readonly authority: string | undefined;
  readonly version: string;
}

export interface Search {
  /** The interface's own address. */
  readonly address: string;
  /** Milliseconds to look for answers. */
  readonly patienceMs: number;
  /** Only clusters of this authority are given, and the first ends the search. */
  readonly authority?: string | undefined;
}

/** Gives those found, each once, none with a fault. Throws what openMdns throws. */
export declare function findClusters(
  drivers: Pick<JoinDrivers, "openMdns">,
  search: Search,
): Promise<readonly Found[]>;
