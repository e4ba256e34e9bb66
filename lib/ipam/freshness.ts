/**
 * How long what was read of the store holds good, and how often a store that is away is asked.
 *
 * Files of the run directory tell it to all of this node's commands: `fresh`, which the agent
 * writes as long as it sees every change, and `store-away`, which who waited in vain has left. Both
 * hold milliseconds since boot.
 */
import type { Dir } from "../dir.ts";
import { isObject, parseJson } from "../json.ts";

/** What the files are read by: the run directory, and the clock. */
export interface Times {
  readonly run: Dir;
  /** Milliseconds since boot, suspend included. */
  readonly sinceBoot: () => number;
}

/** How long what was read is used unasked, milliseconds. */
export const freshMs = 30_000;

/** Whether what was read at `readAt` still holds: it is young, or the agent keeps it up to date. */
export function isFresh(times: Times, readAt: number): boolean {
  return (
    isYoung(times, readAt, freshMs) || isYoung(times, Number(times.run.read(freshName)), freshMs)
  );
}

/** Says that every cache of this node is what the store has now. */
export const markFresh = ({ run, sinceBoot }: Times): void =>
  run.replace(freshName, `${sinceBoot()}`);

/** Says that the caches are no longer kept up to date; they age from when they were read. */
export const unmarkFresh = ({ run }: Pick<Times, "run">): boolean => run.remove(freshName);

/** How long a store that did not answer is left alone, milliseconds. */
export const restMs = {
  /** By who can go on without it. */
  able: 10_000,
  /** By who can't: others wait in a row for the same lock, and each would wait anew. */
  unable: 4_000,
} as const;

/** Why the store was away when it was last asked; undefined if that is longer ago than `restMs`. */
export function storeAway(times: Times, who: keyof typeof restMs): string | undefined {
  const json = parseJson(times.run.read(awayName) ?? "");
  if (!isObject(json)) return undefined;
  const { at, reason } = json;
  if (typeof at !== "number" || typeof reason !== "string") return undefined;
  return isYoung(times, at, restMs[who]) ? reason : undefined;
}

export const markAway = ({ run, sinceBoot }: Times, reason: string): void =>
  run.replace(awayName, JSON.stringify({ at: sinceBoot(), reason }));

/** The store has answered. */
export const unmarkAway = ({ run }: Times): boolean => run.remove(awayName);

const freshName = "fresh";
const awayName = "store-away";

/** A time that is not past is of another boot, or none at all. */
function isYoung({ sinceBoot }: Times, at: number, limit: number): boolean {
  const age = sinceBoot() - at;
  return age >= 0 && age < limit;
}
