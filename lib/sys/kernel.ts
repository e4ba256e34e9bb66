/**
 * The kernel, as the rest of the code sees it: links, addresses and routes as data, and the few
 * calls that act on them. The driver behind it speaks rtnetlink by FFI; nothing is exec'd.
 *
 * Invariants: every refusal carries its errno (SysError), in words; a message is applied whole or
 * not at all; the process is never left in another network namespace than its own.
 * Why data: plans can be computed purely, printed and compared (lib/attach).
 * Sources: rtnetlink(7), linux/if_link.h, linux/rtnetlink.h, linux/ethtool.h, setns(2).
 */
import type { Ip4 } from "../net/ip4.ts";
import type { Ip6 } from "../net/ip6.ts";
import type { Mac } from "../net/mac.ts";

/** A network namespace, held open. */
export interface Netns {
  /** The path it was opened by. */
  readonly path: string;
  /** The file descriptor, for IFLA_NET_NS_FD. */
  readonly fd: number;
  /** Device and inode: equal for two handles of one namespace. */
  readonly id: string;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac | undefined;
  /** Bytes. */
  readonly mtu: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** RFC 2863 operational state is up or unknown. */
  readonly running: boolean;
  /** IFLA_INFO_KIND: "veth", "tun", ...; undefined for a device without one. */
  readonly kind: string | undefined;
  /** IFLA_LINK: for a veth, the index of its peer in the peer's namespace. */
  readonly peerIndex: number | undefined;
  /** IFLA_LINK_NETNSID: the number that the peer's namespace has here; undefined for our own. */
  readonly peerNetns: number | undefined;
}

export type LinkAddress =
  | { readonly family: 4; readonly address: Ip4; readonly length: number }
  | { readonly family: 6; readonly address: Ip6; readonly length: number };

export type Neighbour =
  | { readonly family: 4; readonly address: Ip4 }
  | { readonly family: 6; readonly address: Ip6 };

/** A route of the main table; without `to` it is the default route. */
export type Route =
  | {
      readonly family: 4;
      readonly to?: { readonly base: Ip4; readonly length: number };
      readonly via?: Ip4;
      readonly index: number;
      readonly options?: RouteOptions;
    }
  | {
      readonly family: 6;
      readonly to?: { readonly base: Ip6; readonly length: number };
      readonly via?: Ip6;
      readonly index: number;
      readonly options?: RouteOptions;
    };

/** What CNI lets a route say (SPEC.md 1.1.0, "Success", routes). */
export interface RouteOptions {
  /** Bytes. */
  readonly mtu?: number;
  /** Bytes. */
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  /** 0 universe, 253 link, 254 host. */
  readonly scope?: number;
}

/** One change, as data. */
export type Change =
  | {
      /** Both ends or none, in one message; EEXIST if either name is taken. */
      readonly do: "create veth";
      readonly outer: {
        readonly name: string;
        readonly mtu: number;
        readonly up: boolean;
        /** IFF_NOARP. */
        readonly noArp: boolean;
        /** See "set link", which is how the inner end gets it. */
        readonly noIp6Addresses: boolean;
      };
      readonly inner: {
        readonly name: string;
        readonly mtu: number;
        readonly mac: Mac;
        readonly netns: Netns;
      };
    }
  | { readonly do: "delete link"; readonly name: string }
  | {
      readonly do: "set link";
      readonly index: number;
      readonly up?: boolean;
      readonly mac?: Mac;
      readonly mtu?: number;
      /**
       * The kernel makes no link-local address when the link comes up (IN6_ADDR_GEN_MODE_NONE).
       * Takes effect before `up`; nothing to do where the link has no IPv6 at all.
       */
      readonly noIp6Addresses?: boolean;
    }
  | {
      readonly do: "add address" | "delete address";
      readonly index: number;
      readonly address: LinkAddress;
      /** IPv6: no duplicate address detection (IFA_F_NODAD). */
      readonly noDad?: boolean;
      /** IPv6: never chosen as a source (preferred lifetime 0). */
      readonly deprecated?: boolean;
      /** IPv4 and IPv6: no route to the prefix comes with it (IFA_F_NOPREFIXROUTE). */
      readonly noPrefixRoute?: boolean;
    }
  | { readonly do: "add route" | "delete route"; readonly route: Route }
  | {
      /** A permanent entry; "add" replaces what there is. */
      readonly do: "add neighbour" | "delete neighbour";
      readonly index: number;
      readonly neighbour:
        | { readonly family: 4; readonly address: Ip4; readonly mac: Mac }
        | { readonly family: 6; readonly address: Ip6; readonly mac: Mac };
    };

/** What the kernel knows of a neighbour. */
export interface KnownNeighbour {
  readonly mac: Mac;
  /** It is in use and answers, or is set for good: else it may be an earlier one. */
  readonly isConfirmed: boolean;
}

/** One rtnetlink socket, of the namespace it was opened in. */
export interface Links {
  /** One link by name; undefined if there is none. */
  readonly get: (name: string) => Link | undefined;
  readonly list: () => readonly Link[];
  /** The number that a namespace has here (Link.peerNetns); undefined where no link leads there. */
  readonly numberOf: (netns: Netns) => number | undefined;
  readonly addresses: (index: number) => readonly LinkAddress[];
  /** Unicast routes of both families: by default the main table's, else all but the kernel's own. */
  readonly routes: (tables?: "main" | "all") => readonly Route[];
  /**
   * Has the kernel ask for a neighbour's MAC now, also if it knows it; nothing waits for the
   * answer. One that is set for good is left alone. Gives what it knew; undefined if nothing.
   */
  readonly probe: (index: number, neighbour: Neighbour) => KnownNeighbour | undefined;
  /** Sends all in one message train; throws the first refusal (those after it may have worked). */
  readonly apply: (changes: readonly Change[]) => void;
  /**
   * Switches a link's transmit checksum offload off (SIOCETHTOOL, ETHTOOL_STXCSUM): on OVS's
   * userspace datapath TCP passes no data with it.
   */
  readonly checksumOffloadOff: (name: string) => void;
  /** Whether it is on (ETHTOOL_GTXCSUM). */
  readonly checksumOffload: (name: string) => boolean;
  readonly close: () => void;
}

export interface Kernel {
  /**
   * Opens a namespace; undefined if the path does not exist.
   * Throws Failure "invalid-netns" if it is something else.
   */
  readonly openNetns: (path: string) => Netns | undefined;
  /** The namespace this process runs in. */
  readonly ownNetns: () => Netns;
  /** A new one, that lasts as long as it is open, or a process is in it; its loopback is down. */
  readonly createNetns: () => Netns;
  readonly closeNetns: (netns: Netns) => void;
  /** rtnetlink in a namespace; without one, in this process's own. */
  readonly links: (netns?: Netns) => Links;
  /** Whether the kernel has (or can load) a generic netlink family: "ovs_datapath". */
  readonly hasGenericFamily: (name: string) => boolean;
  /** The kernel's boot id (/proc/sys/kernel/random/boot_id). */
  readonly bootId: () => string;
  /** Milliseconds since boot, suspend included (CLOCK_BOOTTIME). */
  readonly sinceBoot: () => number;
  /** Sleeps, milliseconds. */
  readonly sleep: (ms: number) => void;
  /**
   * Writes a sysctl by its path below /proc/sys ("net/ipv4/ip_forward"), unless it has the value
   * already; one of net/ in a namespace, or without one in this process's own.
   */
  readonly writeSysctl: (path: string, value: string, netns?: Netns) => void;
  readonly readSysctl: (path: string) => string | undefined;
}
