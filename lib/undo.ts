/**
 * Undo: each deed registers what takes it back on the very next line.
 *
 * Takes back exactly what was registered, newest first, and never hides the first error.
 */
import { reasonOf } from "./errors.ts";
import type { Log } from "./log.ts";

export interface Undo {
  /** `step` names what is taken back, for the log. */
  readonly add: (step: string, takeBack: () => void | Promise<void>, when?: When) => void;
}

/** "if all else was": what else was made may still be in use of this, and DEL will see to both. */
export type When = "always" | "if all else was";

/** Runs `body`; if it throws, runs what it registered, newest first, and throws its error on. */
export async function withUndo<T>(log: Log, body: (undo: Undo) => Promise<T>): Promise<T> {
  const steps: { step: string; takeBack: () => void | Promise<void>; when: When }[] = [];
  try {
    return await body({
      add: (step, takeBack, when = "always") => void steps.push({ step, takeBack, when }),
    });
  } catch (failure) {
    let failed = false;
    for (const { step, takeBack, when } of steps.reverse()) {
      if (failed && when === "if all else was") continue;
      try {
        await takeBack();
      } catch (fault) {
        failed = true;
        log.warn("undo failed", { step, reason: reasonOf(fault) });
      }
    }
    throw failure;
  }
}
