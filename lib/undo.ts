/**
 * Undo: each deed registers what takes it back on the very next line.
 *
 * Takes back exactly what was registered, newest first, and never hides the first error.
 */
import { reasonOf } from "./errors.ts";
import type { Log } from "./log.ts";

export interface Undo {
  /** `step` names what is taken back, for the log. */
  readonly add: (step: string, takeBack: () => void | Promise<void>) => void;
}

/** Runs `body`; if it throws, runs what it registered, newest first, and throws its error on. */
export async function withUndo<T>(log: Log, body: (undo: Undo) => Promise<T>): Promise<T> {
  const steps: { step: string; takeBack: () => void | Promise<void> }[] = [];
  try {
    return await body({ add: (step, takeBack) => void steps.push({ step, takeBack }) });
  } catch (failure) {
    for (const { step, takeBack } of steps.reverse()) {
      try {
        await takeBack();
      } catch (fault) {
        log.warn("undo failed", { step, reason: reasonOf(fault) });
      }
    }
    throw failure;
  }
}
