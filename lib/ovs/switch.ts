/**
 * Open vSwitch, as the short-lived commands see it: two small blocking clients.
 *
 * Invariants: a database transaction or a bundle of flows happens whole or not at all; every reply
 * that says "error" becomes a Failure with the switch's own words; every wait has a deadline.
 * Reconnecting is the caller's.
 * Sources: RFC 7047 (OVSDB), ovs-vswitchd.conf.db(5), ONF TS-025 (OpenFlow 1.5).
 */
import type { Deadline } from "../deadline.ts";
import type { Limit } from "../limits.ts";
import type { Flow, Ofport } from "./flow.ts";
import type { Operation, OperationResult } from "./ovsdb-json.ts";

export interface Database {
  /**
   * Sends a transaction and does not wait. Several may be under way; the database answers each
   * when its own `wait` operations allow.
   */
  readonly send: (operations: readonly Operation[], deadline: Deadline) => Pending;
  /** Sends and waits. */
  readonly transact: (
    operations: readonly Operation[],
    deadline: Deadline,
  ) => readonly OperationResult[];
  readonly close: () => void;
}

/** A transaction under way. */
export interface Pending {
  /** Its results, one for each operation; throws Failure "switch-refused" for an error. */
  readonly results: (deadline: Deadline) => readonly OperationResult[];
}

/** Which flows: by cookie, under a mask. */
export interface CookieFilter {
  readonly cookie: bigint;
  readonly mask: bigint;
}

export type FlowChange =
  /** In place of one with the same table, priority and match, if there is one. */
  | { readonly do: "add"; readonly flow: Flow }
  /** The one with the same table, priority, match and cookie; its actions are not looked at. */
  | { readonly do: "delete flow"; readonly flow: Flow }
  | { readonly do: "delete"; readonly cookies: CookieFilter };

/** What drops more than a rate of what passes it. */
export interface Meter extends Limit {
  readonly id: number;
}

export type MeterChange =
  | { readonly do: "add" | "modify"; readonly meter: Meter }
  /** With the flows that use it; nothing if there is none. */
  | { readonly do: "delete"; readonly id: number };

export interface Flows {
  /**
   * Sends a bundle's changes and does not wait (for hundreds of them it does, between portions, and
   * may throw here what the switch refused). They take effect, atomically and in order, with
   * `commit`, which first reads what the switch said of each change: *measured*, a message that is
   * refused when it is added to a bundle doesn't fail the bundle's commit.
   */
  readonly stage: (changes: readonly FlowChange[], deadline: Deadline) => StagedBundle;
  /** How many flows (and packets and bytes) the cookies select. May be asked while staged. */
  readonly aggregate: (cookies: CookieFilter, deadline: Deadline) => FlowTotals;
  /** Asks the same and does not wait: who takes the answer does. */
  readonly askAggregate: (
    cookies: CookieFilter,
    deadline: Deadline,
  ) => (until: Deadline) => FlowTotals;
  /** Asks whether the switch is there, by a barrier, and does not wait: who takes the answer does. */
  readonly ask: (deadline: Deadline) => (until: Deadline) => void;
  /** The flows themselves, read back from the switch. */
  readonly dump: (cookies: CookieFilter, deadline: Deadline) => readonly Flow[];
  /** The same, with what passed each. */
  readonly count: (cookies: CookieFilter, deadline: Deadline) => readonly CountedFlow[];
  /** All meters of the bridge. */
  readonly meters: (deadline: Deadline) => readonly Meter[];
  /** In their order, and not atomically. A flow that uses a meter comes after it. */
  readonly changeMeters: (changes: readonly MeterChange[], deadline: Deadline) => void;
  readonly close: () => void;
}

export interface StagedBundle {
  readonly commit: (deadline: Deadline) => void;
}

/** A flow, and what it has matched since it was put in. */
export interface CountedFlow {
  readonly flow: Flow;
  readonly packets: number;
  readonly bytes: number;
}

export interface FlowTotals {
  readonly flows: number;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** A port's state as OpenFlow reports it. */
export interface PortState {
  readonly port: Ofport;
  readonly name: string;
  readonly linkDown: boolean;
}
