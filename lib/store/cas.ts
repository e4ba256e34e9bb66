/**
 * The one loop that tries again after a lost race.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";
import type { Revision, Store, Txn } from "./store.ts";

export interface CasDeps {
  readonly store: Pick<Store, "commit">;
  /** Sleeps, milliseconds; the kernel's blocking sleep will do. */
  readonly sleep: (ms: number) => void | Promise<void>;
  /** From 0 up to but not 1. */
  readonly random: () => number;
}

export interface Attempt<T> {
  /** What to commit; undefined when what was read says that nothing has to be written. */
  readonly txn: Txn | undefined;
  readonly value: T;
}

export interface Swapped<T> {
  readonly value: T;
  /** The commit's revision; undefined when nothing had to be written. */
  readonly revision: Revision | undefined;
}

const maxRounds = 64;
const firstPauseMs = 1;
const longestPauseMs = 100;

/**
 * Reads, decides, commits; on a lost race starts again from the read.
 *
 * `action` is for the message, as in "claim a block of network \"web\"". Throws Failure "try-again"
 * when the deadline is over or too many races were lost, and whatever `attempt` throws.
 */
export async function compareAndSwap<T>(
  { store, sleep, random }: CasDeps,
  action: string,
  deadline: Deadline,
  attempt: (deadline: Deadline) => Promise<Attempt<T>>,
): Promise<Swapped<T>> {
  for (let round = 0; round < maxRounds; round += 1) {
    const { txn, value } = await attempt(deadline);
    if (txn === undefined) return { value, revision: undefined };
    const commit = await store.commit(txn, deadline);
    if (commit.ok) return { value, revision: commit.revision };
    const pause = pauseAfter(round, random());
    if (deadline.left() <= pause) {
      throw new Failure("try-again", `Cannot ${action}: ${lost(round)} until the deadline`);
    }
    await sleep(pause);
  }
  throw new Failure("try-again", `Cannot ${action}: ${lost(maxRounds - 1)}`);
}

const lost = (round: number): string =>
  `others wrote first each time, ${round + 1} time${round === 0 ? "" : "s"}`;

/** Doubles up to a limit; half of it is chance, so that the losers of a race part. */
function pauseAfter(round: number, chance: number): number {
  const whole = Math.min(longestPauseMs, firstPauseMs * 2 ** round);
  return whole * (0.5 + chance / 2);
}
