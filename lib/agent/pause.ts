/** Waiting without blocking: the agent has other things to hear of meanwhile. */

/** Resolves after `ms` milliseconds, or when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", settle);
      resolve();
    };
    const timer = setTimeout(settle, signal.aborted ? 0 : ms);
    signal.addEventListener("abort", settle);
  });
}

export interface BackOff {
  /** Milliseconds to wait after one more failure. */
  readonly next: () => number;
  /** It worked: the next failure is the first. */
  readonly reset: () => void;
}

/**
 * Doubles from the first to the last, milliseconds; half of each is chance, so that a thousand
 * nodes don't come back to a store in one moment.
 */
export function backOff(
  limits: { readonly first: number; readonly last: number },
  random: () => number,
): BackOff {
  let whole = limits.first;
  return {
    next: () => {
      const ms = whole * (0.5 + random() / 2);
      whole = Math.min(limits.last, whole * 2);
      return ms;
    },
    reset: () => {
      whole = limits.first;
    },
  };
}
