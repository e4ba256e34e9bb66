/** What an ADD gives back, in our own words. See run.ts for the folder's note. */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";
import type { Prefix4, Prefix6 } from "../net/prefix.ts";

/** One shape for all versions: read by parse-result.ts, written by format-result.ts. */
export interface Result {
  /** All that the attachment has, the host's end included. */
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultIp[];
  readonly routes: readonly ResultRoute[];
  readonly dns: Dns;
}

/** A hardware address that is not six bytes (InfiniBand), kept as it came. */
export type ForeignMac = string & { readonly __brand: "ForeignMac" };

export interface ResultInterface {
  readonly name: string;
  readonly mac?: Mac | ForeignMac | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  /** CNI_NETNS for what is inside the container, absent on the host. */
  readonly sandbox?: string | undefined;
  readonly socketPath?: string | undefined;
  readonly pciId?: string | undefined;
}

interface OfInterface {
  /** Index into `interfaces`; an IPAM plugin's result has none. */
  readonly interface?: number | undefined;
}

export type ResultIp = OfInterface &
  (
    | {
        readonly family: 4;
        readonly address: Ip4;
        readonly length: number;
        readonly gateway?: Ip4 | undefined;
      }
    | {
        readonly family: 6;
        readonly address: Ip6;
        readonly length: number;
        readonly gateway?: Ip6 | undefined;
      }
  );

/** A route without a gateway goes by that of an address of its family, if one has one. */
export type ResultRoute =
  | {
      readonly family: 4;
      readonly dst: Prefix4;
      readonly gateway?: Ip4 | undefined;
      readonly options: RouteOptions;
    }
  | {
      readonly family: 6;
      readonly dst: Prefix6;
      readonly gateway?: Ip6 | undefined;
      readonly options: RouteOptions;
    };

/** Absent is not 0: table 0 and scope 0 are values. */
export interface RouteOptions {
  /** Bytes. */
  readonly mtu?: number;
  /** Bytes. */
  readonly advmss?: number;
  /** Lower goes first. */
  readonly priority?: number;
  readonly table?: number;
  /** 0 universe, 253 link, 254 host. */
  readonly scope?: number;
}

/** Only ever handed on, so the texts stay as they came. */
export interface Dns {
  readonly nameservers: readonly string[];
  readonly domain: string | undefined;
  readonly search: readonly string[];
  readonly options: readonly string[];
}

export const noDns: Dns = { nameservers: [], domain: undefined, search: [], options: [] };
