/**
 * The embedded store: one file, for one machine, without a server.
 *
 * Invariants: the state is one file that is replaced whole, under an exclusive lock that dies with
 * its holder; so a process killed at any point leaves the old state or the new one, and readers
 * need no lock. A state that cannot be read is an error, never a new, empty store.
 */
import type { Deadline } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import { Failure, reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import {
  applyTxn,
  type Change,
  emptyState,
  eventsFrom,
  formatState,
  type LogLimits,
  parseState,
  type State,
} from "./file-state.ts";
import { checkTxn, type Revision, type Session, type Store } from "./store.ts";

export interface FileStoreOptions {
  /** A folder of the store's own; close() closes it. */
  readonly dir: Dir;
  readonly log: Log;
  /** A text that no other store has, such as a random UUID. */
  readonly newIdentity: () => string;
  /** How much of the past a watch can ask for. */
  readonly limits?: LogLimits;
}

const stateName = "state";
const nextName = "next";
const lockName = "lock";
// Every reader takes it whole, and a Dir gives no more than 16 MiB (UTF-8: up to three a character).
const maxLength = 4 * 1024 * 1024;
// Every look reads the log too: *measured*, 190 kB of it cost 1 ms. On one machine no watch is far
// behind, and one that is reads all again.
const defaultLimits: LogLimits = { revisions: 250, length: 256 * 1024 };

export function openFileStore(options: FileStoreOptions): Store {
  const { dir, log, newIdentity, limits = defaultLimits } = options;
  const path = `${dir.path}/${stateName}`;
  const closing = new AbortController();
  const sessions = new Set<Session>();

  /** Undefined when nobody has written yet. */
  const load = (): State | undefined => {
    const text = readState(dir, path);
    if (text === undefined) return undefined;
    const parsed = parseState(text);
    if (!parsed.ok) throw refused(path, parsed.reason);
    return parsed.state;
  };
  // Before the first write, a store is empty, at the revision that it will begin with.
  const loadOrEmpty = (): State => load() ?? emptyState("");

  /** Reads, decides and writes, alone among all processes. */
  const update = (deadline: Deadline, change: (state: State) => Change): Change => {
    const unlock = dir.lock(lockName, "exclusive", deadline);
    try {
      const before = load();
      const changed = change(before ?? emptyState(newIdentity()));
      if (changed.state !== before) save(dir, path, changed.state);
      return changed;
    } finally {
      unlock();
    }
  };

  const commit: Store["commit"] = async (txn, deadline) => {
    inTime(deadline, path);
    checkTxn(txn);
    return update(deadline, (state) => applyTxn(state, txn, limits)).commit;
  };

  return {
    identity: async (deadline) => {
      inTime(deadline, path);
      const state = load() ?? update(deadline, unchanged).state;
      return state.identity;
    },
    get: async (key, deadline) => {
      inTime(deadline, path);
      return loadOrEmpty().entries.find((entry) => entry.key === key);
    },
    range: async (prefix, deadline) => {
      inTime(deadline, path);
      const { entries, revision } = loadOrEmpty();
      return { entries: entries.filter(({ key }) => key.startsWith(prefix)), revision };
    },
    commit,
    watch: async (prefix, from, onEvents, signal) => {
      const { watchState } = await import("./file-watch.ts");
      const eventsSince = (state: State, revision: Revision) => {
        const batches = eventsFrom(state, revision, prefix);
        if (batches === undefined) throw refused(path, `its log from ${revision} on is not valid`);
        return batches;
      };
      const deps = { load: loadOrEmpty, eventsSince, folder: dir.path, name: stateName, log };
      return watchState(deps, from, onEvents, AbortSignal.any([signal, closing.signal]));
    },
    openSession: async (key, value, _ttlSeconds, deadline) => {
      // Only the agent has one.
      const { openFileSession } = await import("./file-session.ts");
      const session = await openFileSession({ commit, log }, key, value, deadline);
      sessions.add(session);
      return session;
    },
    createFor: async (key) => {
      throw new Failure(
        "store-refused",
        `Cannot write key "${key}" for a while: a file store has no clock`,
      );
    },
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      for (const session of sessions) await session.close();
      dir.close();
    },
  };
}

const unchanged = (state: State): Change => ({
  state,
  commit: { ok: true, revision: state.revision },
});

function save(dir: Dir, path: string, state: State): void {
  const text = formatState(state);
  if (text.length > maxLength) {
    throw new Failure("store-refused", `Cannot write the store ${path}: it would be too large`, {
      details: `It would have ${text.length} characters, and ${maxLength} is the limit: use etcd.`,
    });
  }
  // Under the lock one temporary name will do, so a killed writer's is found and removed.
  dir.remove(nextName);
  if (dir.create(nextName, text, "synced") === "exists") {
    throw new Failure("io", `Cannot write the store ${path}: somebody else made "${nextName}"`);
  }
  dir.rename(nextName, stateName, "synced");
}

function readState(dir: Dir, path: string): string | undefined {
  try {
    return dir.read(stateName);
  } catch (fault) {
    throw refused(path, reasonOf(fault), fault);
  }
}

const refused = (path: string, reason: string, cause?: unknown): Failure =>
  new Failure("store-refused", `Cannot use the store ${path}: ${reason}`, {
    details:
      "It is left as it is. Put a copy back; or, when no container of this machine is attached " +
      "any more, remove the file: the store then begins anew, without networks and leases.",
    cause,
  });

function inTime(deadline: Deadline, path: string): void {
  if (deadline.left() > 0) return;
  throw new Failure("try-again", `Cannot use the store ${path}: the deadline is over`);
}
