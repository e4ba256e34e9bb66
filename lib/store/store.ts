/**
 * The store: a small ordered map with revisions, compared and swapped.
 *
 * Invariants: every write is one transaction that compares what was read; revisions only grow;
 * a conflict is a value, a broken store an exception; nothing hangs on a clock.
 * Why: one interface, two stores (a file for one machine, etcd for a cluster), one contract suite.
 * Source: etcd's KV semantics (etcd API reference, "Key-Value API"), as far as we use them.
 */
import type { Deadline } from "../deadline.ts";
import { Failure } from "../errors.ts";

/** etcd's mod revision: what compare-and-swap compares. Larger than 0 for anything that exists. */
export type Revision = number & { readonly __brand: "Revision" };

export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
}

/** What was read at one revision. */
export interface Snapshot {
  readonly entries: readonly Entry[];
  readonly revision: Revision;
}

/** What does not exist has the revisions 0, and no value. */
export type Compare =
  /** The key does not exist. */
  | { readonly absent: string }
  /** Nothing exists in [from, to). */
  | { readonly absentFrom: string; readonly to: string }
  /** Nothing that exists in [from, to) was written after `revision`; a removal is not seen. */
  | { readonly unchangedFrom: string; readonly to: string; readonly revision: Revision }
  | { readonly key: string; readonly createRevision: Revision }
  | { readonly key: string; readonly modRevision: Revision }
  | { readonly key: string; readonly value: string };

export type Write = { readonly put: string; readonly value: string } | { readonly remove: string };

/**
 * All compares hold, then all writes happen, at one revision; else none. No key is written twice.
 * Removing what is not there is no write: a transaction without any gives the store's revision.
 */
export interface Txn {
  readonly compares: readonly Compare[];
  readonly writes: readonly Write[];
}

/** A lost race is a value. */
export type Commit = { readonly ok: true; readonly revision: Revision } | { readonly ok: false };

export interface StoreEvent {
  readonly type: "put" | "remove";
  readonly key: string;
  /** Empty for "remove". */
  readonly value: string;
  readonly revision: Revision;
}

export type WatchEnd =
  /** The revision asked for is no longer held: read all again and watch from there. */
  { readonly reason: "compacted"; readonly oldest: Revision } | { readonly reason: "closed" };

/** A key that lives as long as this process keeps it: for people to see, and not to decide by. */
export interface Session {
  /** Gives the key another value. */
  readonly set: (value: string, deadline: Deadline) => Promise<void>;
  /** Removes the key, if it is still ours, within a second or two; else it is left to its time. */
  readonly close: () => Promise<void>;
}

/**
 * Keys are printable ASCII without a space, values any text. Every call but `watch` and `close`
 * throws Failure "try-again" when its deadline is over, or the store is away; all but `close` throw
 * "store-refused" where it can be reached and will not (a wrong certificate, a full database).
 */
export interface Store {
  /** Names this store's content: changes when it was wiped or is another one. */
  readonly identity: (deadline: Deadline) => Promise<string>;
  readonly get: (key: string, deadline: Deadline) => Promise<Entry | undefined>;
  /** All keys that begin with `prefix`, in the order of their bytes. */
  readonly range: (prefix: string, deadline: Deadline) => Promise<Snapshot>;
  readonly commit: (txn: Txn, deadline: Deadline) => Promise<Commit>;
  /**
   * Gives every event of keys that begin with `prefix`, from `from` on (inclusive), in order, in
   * batches of one revision, until the signal aborts, the store is closed, the revision is
   * compacted, or `onEvents` throws.
   */
  readonly watch: (
    prefix: string,
    from: Revision,
    onEvents: (events: readonly StoreEvent[]) => void,
    signal: AbortSignal,
  ) => Promise<WatchEnd>;
  /**
   * Writes a key that goes when the session or the store is closed, or `ttlSeconds` after the store
   * last heard of this process (etcd's TTL lease, granted again when it was lost; the file store
   * has no clock, and keeps the key of a process that was killed).
   */
  readonly openSession: (
    key: string,
    value: string,
    ttlSeconds: number,
    deadline: Deadline,
  ) => Promise<Session>;
  /**
   * Writes a key that must be absent, and that goes `seconds` later by the store's clock, whatever
   * becomes of this process. Throws Failure "store-refused" in the file store, which has no clock.
   */
  readonly createFor: (
    key: string,
    value: string,
    seconds: number,
    deadline: Deadline,
  ) => Promise<"created" | "exists">;
  readonly close: () => Promise<void>;
}

/** The first key after all that begin with `prefix` (etcd's range end). */
export function endOf(prefix: string): string {
  // Past every key: none has a character after "~".
  if (prefix === "") return "\x7f";
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

/**
 * Throws Failure "store-refused" for a key that is no key, or is written twice: etcd refuses the
 * second, and the first would sort by its bytes in one store and by its characters in another.
 */
export function checkTxn(txn: Txn): void {
  const written = new Set<string>();
  for (const write of txn.writes) {
    const key = "put" in write ? write.put : write.remove;
    const refuse = (state: string) =>
      new Failure("store-refused", `Cannot write key ${JSON.stringify(key)}: ${state}`);
    if (!/^[\x21-\x7e]+$/.test(key)) throw refuse("a key is printable ASCII without a space");
    if (written.has(key)) throw refuse("one transaction writes it twice");
    written.add(key);
  }
}
