/**
 * A blocking byte stream, as the switch's sockets are used by the short-lived commands.
 *
 * Only the interface: the driver is in lib/sys, the users are in lib/ovs.
 */
import type { Deadline } from "./deadline.ts";

export interface ByteStream {
  /** The address it was opened by, for messages. */
  readonly peer: string;
  readonly send: (bytes: Uint8Array, deadline: Deadline) => void;
  /**
   * Whatever has come, at least one byte, in a buffer of the caller's own;
   * undefined when the peer has closed. Throws Failure "try-again" at the deadline.
   */
  readonly receive: (deadline: Deadline) => Uint8Array | undefined;
  readonly close: () => void;
}
