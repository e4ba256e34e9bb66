/**
 * The file store's state, as text and as a value: pure.
 *
 * The first line is a JSON object with all entries; then comes the log, one line for each of the
 * last revisions, oldest first, with its events. Only a watcher looks into that.
 * Damage is found by shape: the log is as long as it should be, keys rise, no revision is past the
 * last.
 */
import { shown } from "../faults.ts";
import { isObject } from "../json.ts";
import type { Commit, Compare, Entry, Revision, StoreEvent, Txn, Write } from "./store.ts";

export interface State {
  /** Random; made with the file. */
  readonly identity: string;
  readonly revision: Revision;
  /** In the order of their keys. */
  readonly entries: readonly Entry[];
  /** The first revision that `log` holds; it holds every one up to `revision`. */
  readonly oldest: Revision;
  /** One line of JSON for each revision, each with its end. */
  readonly log: string;
}

export interface LogLimits {
  readonly revisions: number;
  /** UTF-16 units. */
  readonly length: number;
}

const format = 1;

type EntryRow = readonly [key: string, value: string, create: number, mod: number];
/** A removal has no value. */
type EventRow = readonly [key: string, value?: string];

/** A store that nobody has written to: revision 1, as etcd's. */
export const emptyState = (identity: string): State => ({
  identity,
  revision: 1 as Revision,
  entries: [],
  oldest: 1 as Revision,
  log: "[]\n",
});

export interface Change {
  readonly state: State;
  readonly commit: Commit;
}

/** What a transaction makes of a state: the same one when it lost or changed nothing. */
export function applyTxn(state: State, txn: Txn, limits: LogLimits): Change {
  const found = new Map(state.entries.map((entry) => [entry.key, entry]));
  if (!txn.compares.every((compare) => holds(compare, found))) {
    return { state, commit: { ok: false } };
  }
  const writes = txn.writes.filter((write) => "put" in write || found.has(write.remove));
  if (writes.length === 0) return { state, commit: { ok: true, revision: state.revision } };
  const revision = (state.revision + 1) as Revision;
  for (const write of writes) {
    if ("remove" in write) found.delete(write.remove);
    else {
      found.set(write.put, {
        key: write.put,
        value: write.value,
        createRevision: found.get(write.put)?.createRevision ?? revision,
        modRevision: revision,
      });
    }
  }
  const line = `${JSON.stringify(writes.map(rowOfWrite))}\n`;
  return {
    commit: { ok: true, revision },
    state: {
      identity: state.identity,
      revision,
      entries: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
      ...shortened(state.log + line, state.oldest, revision, limits),
    },
  };
}

function holds(compare: Compare, found: ReadonlyMap<string, Entry>): boolean {
  if ("absent" in compare) return !found.has(compare.absent);
  if ("absentFrom" in compare) {
    return [...found.keys()].every((key) => key < compare.absentFrom || key >= compare.to);
  }
  if ("unchangedFrom" in compare) {
    return [...found.values()].every(
      ({ key, modRevision }) =>
        key < compare.unchangedFrom || key >= compare.to || modRevision <= compare.revision,
    );
  }
  // As in etcd, the revisions of what is not there are 0, and it has no value.
  const entry = found.get(compare.key);
  if ("value" in compare) return entry?.value === compare.value;
  if ("createRevision" in compare) return (entry?.createRevision ?? 0) === compare.createRevision;
  return (entry?.modRevision ?? 0) === compare.modRevision;
}

/** The last revision stays, however long it is. */
function shortened(
  log: string,
  from: Revision,
  last: Revision,
  limits: LogLimits,
): Pick<State, "oldest" | "log"> {
  let oldest = from;
  let start = 0;
  const over = () => last - oldest >= limits.revisions || log.length - start > limits.length;
  while (oldest < last && over()) {
    start = log.indexOf("\n", start) + 1;
    oldest = (oldest + 1) as Revision;
  }
  return { oldest, log: log.slice(start) };
}

const rowOfWrite = (write: Write): EventRow =>
  "put" in write ? [write.put, write.value] : [write.remove];

/**
 * The events of each revision from one that the log holds up to the last, of keys that begin with
 * `prefix`; undefined if the log is damaged.
 */
export function eventsFrom(
  state: State,
  from: Revision,
  prefix: string,
): readonly (readonly StoreEvent[])[] | undefined {
  const batches: (readonly StoreEvent[])[] = [];
  const lines = state.log.split("\n").slice(from - state.oldest, -1);
  if (lines.length !== state.revision - from + 1) return undefined;
  for (const [index, line] of lines.entries()) {
    const rows = parsedJson(line);
    if (!Array.isArray(rows) || !rows.every(isEventRow)) return undefined;
    const revision = (from + index) as Revision;
    const ours = rows.filter(([key]) => key.startsWith(prefix));
    batches.push(ours.map((row) => eventOf(row, revision)));
  }
  return batches;
}

const eventOf = ([key, value]: EventRow, revision: Revision): StoreEvent =>
  value === undefined
    ? { type: "remove", key, value: "", revision }
    : { type: "put", key, value, revision };

export function formatState(state: State): string {
  const { identity, revision, oldest, log } = state;
  const entries = state.entries.map(
    ({ key, value, createRevision, modRevision }): EntryRow => [
      key,
      value,
      createRevision,
      modRevision,
    ],
  );
  const head = JSON.stringify({ format, identity, revision, oldest, log: log.length, entries });
  return `${head}\n${log}`;
}

export type Parsed =
  | { readonly ok: true; readonly state: State }
  | { readonly ok: false; readonly reason: string };

const damaged = (reason: string): Parsed => ({ ok: false, reason });

/** Text as a state; what is wrong with it when it is none. */
export function parseState(text: string): Parsed {
  if (text === "") return damaged("it is empty");
  const end = text.indexOf("\n");
  if (end < 0) return damaged("its first line has no end");
  const head = parsedJson(text.slice(0, end));
  const log = text.slice(end + 1);
  if (!isObject(head)) return damaged("its first line is not a JSON object");
  if (head.format !== format) {
    return damaged(`its format is ${shown(head.format)}, and only ${format} is known here`);
  }
  const { identity, revision, oldest, entries } = head;
  if (typeof identity !== "string" || identity === "") return damaged("it has no identity");
  if (!isRevision(revision) || !isRevision(oldest)) return damaged("it has no revision");
  if (log.length !== head.log) {
    return damaged(`its log has ${log.length} characters, and should have ${shown(head.log)}`);
  }
  if (!Array.isArray(entries)) return damaged("it has no entries");
  const sound: Entry[] = [];
  for (const row of entries) {
    const entry = parseEntry(row, revision);
    if (entry === undefined || entry.key <= (sound.at(-1)?.key ?? "")) {
      return damaged(`entry ${sound.length + 1} of ${entries.length} is not valid`);
    }
    sound.push(entry);
  }
  return { ok: true, state: { identity, revision, oldest, entries: sound, log } };
}

function parseEntry(row: unknown, last: Revision): Entry | undefined {
  if (!Array.isArray(row) || row.length !== 4) return undefined;
  const [key, value, createRevision, modRevision]: readonly unknown[] = row;
  if (typeof key !== "string" || typeof value !== "string") return undefined;
  if (!isRevision(createRevision) || !isRevision(modRevision)) return undefined;
  if (createRevision > modRevision || modRevision > last) return undefined;
  return { key, value, createRevision, modRevision };
}

const isRevision = (value: unknown): value is Revision =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0;

const isEventRow = (row: unknown): row is EventRow =>
  Array.isArray(row) &&
  (row.length === 1 || row.length === 2) &&
  row.every((part) => typeof part === "string");

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
