/**
 * Deadlines: every wait has an end, set in one place and handed down.
 *
 * The short-lived commands block in system calls, so they carry a deadline where evented code
 * would carry an AbortSignal.
 */

export interface Deadline {
  /** Milliseconds left, 0 when there are none. */
  readonly left: () => number;
}

/** Monotonic milliseconds, from an arbitrary origin. */
export type Clock = () => number;

/** A deadline `ms` milliseconds from now. */
export function deadlineIn(clock: Clock, ms: number): Deadline {
  const end = clock() + ms;
  return { left: () => Math.max(0, end - clock()) };
}

/** The nearer of a deadline and one `ms` milliseconds from now. */
export function within(deadline: Deadline, clock: Clock, ms: number): Deadline {
  return deadlineIn(clock, Math.min(ms, deadline.left()));
}
