/**
 * The file store's state, as text and as a value: pure.
 *
 * The first line is a JSON object with all entries; then comes one line for each of the last
 * revisions, oldest first, with its events. Only a watcher parses those.
 * Damage is found by shape: every line is there and ends, keys rise, no revision is past the last.
 */
import { isObject } from "../faults.ts";
import type { Commit, Compare, Entry, Revision, StoreEvent, Txn, Write } from "./store.ts";

export interface State {
  /** Random; made with the file. */
  readonly identity: string;
  readonly revision: Revision;
  /** In the order of their keys. */
  readonly entries: readonly Entry[];
  /** The first revision that `log` holds; it holds every one up to `revision`. */
  readonly oldest: Revision;
  /** One line of JSON for each revision. */
  readonly log: readonly string[];
}

export interface LogLimits {
  readonly revisions: number;
  /** UTF-16 units of all lines together. */
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
  log: ["[]"],
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
  const log = shortened([...state.log, JSON.stringify(writes.map(rowOfWrite))], limits);
  return {
    commit: { ok: true, revision },
    state: {
      identity: state.identity,
      revision,
      entries: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
      oldest: (revision - log.length + 1) as Revision,
      log,
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
function shortened(lines: readonly string[], limits: LogLimits): readonly string[] {
  let first = lines.length - 1;
  let length = lines[first]?.length ?? 0;
  while (first > 0 && lines.length - first < limits.revisions) {
    length += lines[first - 1]?.length ?? 0;
    if (length > limits.length) break;
    first -= 1;
  }
  return lines.slice(first);
}

const rowOfWrite = (write: Write): EventRow =>
  "put" in write ? [write.put, write.value] : [write.remove];

/**
 * The events of a revision that the log holds, of keys that begin with `prefix`; undefined if the
 * line is damaged.
 */
export function eventsOf(
  state: State,
  revision: Revision,
  prefix: string,
): readonly StoreEvent[] | undefined {
  const rows = parsedJson(state.log[revision - state.oldest] ?? "");
  if (!Array.isArray(rows) || !rows.every(isEventRow)) return undefined;
  return rows
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) =>
      value === undefined
        ? { type: "remove", key, value: "", revision }
        : { type: "put", key, value, revision },
    );
}

export function formatState(state: State): string {
  const { identity, revision, oldest } = state;
  const entries = state.entries.map(
    ({ key, value, createRevision, modRevision }): EntryRow => [
      key,
      value,
      createRevision,
      modRevision,
    ],
  );
  const head = JSON.stringify({ format, identity, revision, oldest, entries });
  return `${head}\n${state.log.map((line) => `${line}\n`).join("")}`;
}

export type Parsed =
  | { readonly ok: true; readonly state: State }
  | { readonly ok: false; readonly reason: string };

const damaged = (reason: string): Parsed => ({ ok: false, reason });

/** Text as a state; what is wrong with it when it is none. */
export function parseState(text: string): Parsed {
  if (text === "") return damaged("it is empty");
  if (!text.endsWith("\n")) return damaged("its end is missing");
  const [first = "", ...log] = text.slice(0, -1).split("\n");
  const head = parsedJson(first);
  if (!isObject(head)) return damaged("its first line is not a JSON object");
  if (head.format !== format) {
    return damaged(
      `its format is ${JSON.stringify(head.format)}, and only ${format} is known here`,
    );
  }
  const { identity, revision, oldest, entries } = head;
  if (typeof identity !== "string" || identity === "") return damaged("it has no identity");
  if (!isRevision(revision) || !isRevision(oldest)) return damaged("it has no revision");
  if (log.length !== revision - oldest + 1) {
    return damaged(`it has ${log.length} lines for the revisions ${oldest} to ${revision}`);
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
