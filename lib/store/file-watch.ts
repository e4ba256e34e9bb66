/**
 * Watching the file store: woken by the folder (inotify), and once a second in case it was not.
 *
 * node:fs and timers are loaded here, on the first watch, as the short-lived commands never do.
 */
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { State } from "./file-state.ts";
import type { Revision, StoreEvent, WatchEnd } from "./store.ts";

export interface WatchDeps {
  readonly load: () => State;
  /** The events asked for, of each revision from one that the state's log holds up to the last. */
  readonly eventsSince: (state: State, revision: Revision) => readonly (readonly StoreEvent[])[];
  /** The folder that the state is in, and the file's name there. */
  readonly folder: string;
  readonly name: string;
  readonly log: Log;
}

// Missing one costs a second, and notices do get lost: over some file systems none is sent.
const pollMs = 1_000;

/** Store.watch of the file store. */
export async function watchState(
  { load, eventsSince, folder, name, log }: WatchDeps,
  from: Revision,
  onEvents: (events: readonly StoreEvent[]) => void,
  ended: AbortSignal,
): Promise<WatchEnd> {
  const notices = await openNotices(folder, name, log);
  try {
    let identity = "";
    let next = from;
    while (!ended.aborted) {
      const state = load();
      // Another store in this one's place has other revisions: it cannot be followed.
      const replaced = identity !== "" && identity !== state.identity;
      if (replaced || next < state.oldest) return { reason: "compacted", oldest: state.oldest };
      identity = state.identity;
      const batches = next > state.revision ? [] : eventsSince(state, next);
      next = (next + batches.length) as Revision;
      for (const events of batches) {
        if (events.length > 0 && !ended.aborted) onEvents(events);
      }
      await notices.changed(ended);
    }
    return { reason: "closed" };
  } finally {
    notices.close();
  }
}

interface Notices {
  /** Resolves when the file may have changed since the last time, and at the end. */
  readonly changed: (ended: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

async function openNotices(folder: string, name: string, log: Log): Promise<Notices> {
  const { watch } = await import("node:fs");
  let changed = false;
  let wake = () => {};
  const notice = () => {
    changed = true;
    wake();
  };
  const polling = (fault: unknown) =>
    log.warn("cannot watch the store's folder: looking once a second", {
      folder,
      reason: reasonOf(fault),
    });
  const open = () => {
    try {
      const watcher = watch(folder, (_, entry) => {
        if (entry === name || entry === null) notice();
      });
      return watcher.on("error", polling);
    } catch (fault) {
      polling(fault);
      return undefined;
    }
  };
  const watcher = open();
  return {
    changed: (ended) =>
      new Promise((resolve) => {
        const settle = () => {
          clearTimeout(timer);
          ended.removeEventListener("abort", settle);
          wake = () => {};
          changed = false;
          resolve();
        };
        const timer = setTimeout(settle, changed || ended.aborted ? 0 : pollMs);
        ended.addEventListener("abort", settle);
        wake = settle;
      }),
    close: () => watcher?.close(),
  };
}
