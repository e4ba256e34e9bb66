/**
 * The one kind of error that people see, and the table of its codes.
 *
 * Messages have a grammar: *Cannot <action> <subject>: <state>*, with the values, and what to do
 * where we know it. Codes 1-11, 50 and 51 are CNI's (SPEC.md 1.1.0, section 5, "Error");
 * 8 and 999 exist in libcni only (pkg/types/types.go); 100 and up are ours.
 */

/** What each kind of failure is called, its CNI code, and what it means (the README's table). */
export const failures = {
  "incompatible-version": { code: 1, means: "the configuration's cniVersion is not supported" },
  "unsupported-field": { code: 2, means: "a key or value asks for something we do not do" },
  "unknown-container": { code: 3, means: "the container is not known; no DEL is needed" },
  "bad-environment": { code: 4, means: "a CNI_* variable is missing or malformed" },
  io: { code: 5, means: "a file, socket or pipe failed" },
  decode: { code: 6, means: "something read could not be decoded" },
  "invalid-config": { code: 7, means: "the network configuration or node.json is not valid" },
  "invalid-netns": { code: 8, means: "CNI_NETNS is not usable as the container's namespace" },
  "try-again": { code: 11, means: "a passing condition: the runtime should try again later" },
  "not-available": { code: 50, means: "STATUS: an ADD would fail now" },
  "limited-connectivity": {
    code: 51,
    means: "STATUS: an ADD would fail now, and existing containers may be cut off",
  },
  "network-unknown": { code: 100, means: "no such network: create it, or give a subnet" },
  "network-conflict": { code: 101, means: "the network exists with other settings, or overlaps" },
  "no-address": { code: 102, means: "the network has no free address for this node" },
  "attachment-exists": { code: 103, means: "the interface, or its attachment, is already there" },
  "attachment-broken": { code: 104, means: "CHECK: something that ADD made is gone or changed" },
  "switch-refused": { code: 105, means: "Open vSwitch refused what was asked" },
  "kernel-refused": { code: 106, means: "the kernel refused what was asked" },
  "store-refused": { code: 107, means: "the store refused, or holds something unreadable" },
  "delegate-failed": { code: 108, means: "the IPAM plugin that was delegated to failed" },
  usage: { code: 120, means: "the command line is not valid" },
  internal: { code: 999, means: "a fault of SocketPlane itself: please report it" },
} as const;

export type FailureKind = keyof typeof failures;

export interface FailureExtras {
  /** What to do, or the other faults, on lines of their own. */
  readonly details?: string | undefined;
  readonly cause?: unknown;
  /** Another plugin's code that is passed on, in place of the kind's. */
  readonly code?: number | undefined;
}

export class Failure extends Error {
  override readonly name = "Failure";
  readonly kind: FailureKind;
  readonly details: string | undefined;
  /** The CNI error code. */
  readonly code: number;

  constructor(kind: FailureKind, message: string, extras: FailureExtras = {}) {
    super(message, { cause: extras.cause });
    this.kind = kind;
    this.details = extras.details;
    this.code = extras.code ?? failures[kind].code;
  }

  /**
   * One failure out of several faults: the first one gives the state, all are in the details; of a
   * single one, what to do about it.
   */
  static join(kind: FailureKind, message: string, faults: readonly unknown[]): Failure {
    const [first] = faults;
    const reasons = faults.map(reasonOf);
    const advice = first instanceof Failure ? first.details : undefined;
    return new Failure(kind, `${message}: ${reasons[0] ?? "no reason was given"}`, {
      details: reasons.length > 1 ? reasons.join("\n") : advice,
      cause: first,
    });
  }
}

/** The message of anything thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Anything thrown as a failure: what is not one already is a fault of ours. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return new Failure("internal", `Cannot go on: ${reasonOf(thrown)}`, {
    details: stack,
    cause: thrown,
  });
}
