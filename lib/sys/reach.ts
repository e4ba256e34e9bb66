/**
 * Asking other machines whether they are reached: echo requests, ARP, and a datagram that nobody
 * answers. Nothing here waits: what has come is taken when it is asked for.
 */
import type { Ip4 } from "../net/ip4.ts";
import type { SysError } from "./errno.ts";
import type { Link, Neighbour } from "./kernel.ts";

/** Undefined where it left this machine; else why it did not (EMSGSIZE: the link takes less). */
export type Refused = SysError["errno"] | undefined;

/** What has come back. */
export type EchoNews =
  /** An echo request was answered. */
  | { readonly what: "reply"; readonly number: number }
  /** A router takes less: the bytes that it takes, if it says so. */
  | { readonly what: "too big"; readonly number: number; readonly mtu: number | undefined }
  /** A datagram: nobody has that port there, or somebody on the way lets none pass. */
  | { readonly what: "closed" | "prohibited"; readonly to: Neighbour; readonly port: number };

export interface EchoSocket {
  /**
   * Sends an echo request of `size` bytes, its IP header included, that no router may part; what
   * was learned of the path's MTU before is not used. Answers are known by `number`, 0 to 65535.
   */
  readonly ask: (to: Neighbour, number: number, size: number) => Refused;
  /** Sends a UDP datagram; what comes back of it is an error, if anything. */
  readonly tell: (to: Neighbour, port: number, payload: Uint8Array) => Refused;
  readonly news: () => readonly EchoNews[];
  readonly close: () => void;
}

export interface ArpAnswer {
  /** Who answers. */
  readonly by: Ip4;
  /** Who had asked: 0 for one who has no address. */
  readonly to: Ip4;
}

export interface ArpSocket {
  /**
   * Asks who has `target`, in a frame that carries `size` bytes: more than ARP's 28 are zeros.
   * `as` is who asks; as 0, nobody remembers who it was (RFC 5227, section 2.1.1).
   */
  readonly ask: (target: Ip4, as: Ip4, size: number) => Refused;
  readonly answers: () => readonly ArpAnswer[];
  readonly close: () => void;
}

export interface Reach {
  /** From an address of this machine; by `link`, where one is named. Throws SysError. */
  readonly openEcho: (from: Neighbour | undefined, link: string | undefined) => EchoSocket;
  /** Throws SysError. */
  readonly openArp: (link: Pick<Link, "index" | "mac">) => ArpSocket;
}
