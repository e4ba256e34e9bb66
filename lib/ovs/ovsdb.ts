/**
 * OVSDB's messages, built and read: pure, shared by blocking and evented clients.
 * Source: RFC 7047, section 4.1 (methods) and 5.2 (operations and their results).
 */

import { Failure } from "../errors.ts";
import { isObject } from "../json.ts";
import type { JsonObject } from "./json-stream.ts";
import type { Operation, OperationResult, Row, Value } from "./ovsdb-json.ts";

/** What the server sent. */
export type Incoming =
  /** `error` is null for a success. */
  | {
      readonly type: "reply";
      readonly id: unknown;
      readonly result: unknown;
      readonly error: unknown;
    }
  /** The server wants it answered by `echoReply`, or it hangs up. */
  | { readonly type: "echo"; readonly id: unknown; readonly params: unknown }
  | { readonly type: "update"; readonly monitor: unknown; readonly updates: TableUpdates }
  /** A request or notification that this side did not ask for. */
  | { readonly type: "other"; readonly method: string };

/** One row's change; a new row has no `old`, a deleted one no `new`, `old` has only what changed. */
export interface RowUpdate {
  readonly old?: Row;
  readonly new?: Row;
}

/** By table, then by the row's uuid. */
export type TableUpdates = Readonly<Record<string, Readonly<Record<string, RowUpdate>>>>;

/** Which columns of a table to watch; all of them without `columns` (RFC 7047, 4.1.5). */
export interface MonitorRequest {
  readonly columns?: readonly string[];
  readonly select?: {
    readonly initial?: boolean;
    readonly insert?: boolean;
    readonly delete?: boolean;
    readonly modify?: boolean;
  };
}

export type MonitorRequests = Readonly<Record<string, MonitorRequest>>;

export const transactMessage = (id: number, database: string, operations: readonly Operation[]) =>
  JSON.stringify({ id, method: "transact", params: [database, ...operations] });

/** The reply to it has the initial rows; updates then come under the name `monitor`. */
export const monitorMessage = (
  id: number,
  database: string,
  monitor: string,
  requests: MonitorRequests,
) => JSON.stringify({ id, method: "monitor", params: [database, monitor, requests] });

export const echoReply = (id: unknown, params: unknown) =>
  JSON.stringify({ id, result: params, error: null });

/** Tells what a message is. Throws Failure "decode". */
export function readMessage(message: JsonObject): Incoming {
  const { id, method, params } = message;
  if (method === undefined) {
    if (!("result" in message || "error" in message)) throw undecodable("it is of no known kind");
    return { type: "reply", id, result: message.result, error: message.error ?? null };
  }
  if (typeof method !== "string") throw undecodable("its method is not a text");
  if (method === "echo") return { type: "echo", id, params };
  if (method !== "update") return { type: "other", method };
  if (!Array.isArray(params) || params.length !== 2)
    throw undecodable("an update has two parameters");
  return { type: "update", monitor: params[0], updates: readUpdates(params[1]) };
}

/** The rows of a `monitor` reply or an `update`. Throws Failure "decode". */
export function readUpdates(value: unknown): TableUpdates {
  const tables = objectOr(value, "table updates");
  for (const rows of Object.values(tables)) {
    for (const row of Object.values(objectOr(rows, "a table update"))) {
      const change = objectOr(row, "a row update");
      if (change.old !== undefined) checkRow(change.old);
      if (change.new !== undefined) checkRow(change.new);
    }
  }
  return tables as TableUpdates;
}

/**
 * The results of a transaction, one for each operation. Throws Failure "switch-refused", of which
 * `refusalOf` tells more, if the database refused it, and "decode" if it said something else.
 */
export function readResults(
  operations: readonly Operation[],
  reply: { readonly result: unknown; readonly error: unknown },
): readonly OperationResult[] {
  if (reply.error !== null) throw requestRefused(reply.error);
  const { result } = reply;
  if (!Array.isArray(result)) throw undecodable("a transaction's result is not a list");
  for (let index = 0; index < result.length; index += 1) {
    const one: unknown = result[index];
    if (!isObject(one) || !("error" in one)) continue;
    const operation = operations[index];
    // One result more than there are operations: the commit itself failed (RFC 7047, 4.1.3).
    throw operation === undefined
      ? refused("commit to", { ...readError(one), index: undefined, operation })
      : refused(`${deedOf(operation)} of`, { ...readError(one), index, operation });
  }
  if (result.length !== operations.length)
    throw undecodable(`it has ${result.length} results for ${operations.length} operations`);
  for (const one of result) checkResult(one);
  return result;
}

function checkResult(value: unknown): void {
  const { rows, uuid, count } = objectOr(value, "an operation's result");
  if (rows !== undefined && !Array.isArray(rows)) throw undecodable("its rows are not a list");
  for (const row of rows ?? []) checkRow(row);
  if (uuid !== undefined && !isValue(uuid)) throw undecodable("its uuid is not a value");
  if (count !== undefined && typeof count !== "number")
    throw undecodable("its count is not a number");
}

function checkRow(value: unknown): void {
  const row = objectOr(value, "a row");
  for (const column of Object.keys(row)) {
    if (!isValue(row[column])) throw undecodable(`column "${column}" has no value of RFC 7047`);
  }
}

/** RFC 7047, section 5.1: an atom, a set of atoms, or a map from atoms to atoms. */
function isValue(value: unknown): value is Value {
  if (!Array.isArray(value) || value.length !== 2) return isAtom(value);
  const [kind, content] = value as readonly unknown[];
  if (kind !== "set" && kind !== "map") return isAtom(value);
  if (!Array.isArray(content)) return false;
  for (const one of content) {
    if (kind === "set" ? !isAtom(one) : !isPair(one)) return false;
  }
  return true;
}

const isPair = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isAtom(value[0]) && isAtom(value[1]);

function isAtom(value: unknown): boolean {
  if (!Array.isArray(value)) {
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  }
  const [kind, id] = value as readonly unknown[];
  return value.length === 2 && (kind === "uuid" || kind === "named-uuid") && typeof id === "string";
}

/** What the database refused, and why: the cause of the Failure. */
export interface Refusal {
  readonly refusedBy: "ovsdb";
  /** Index of the operation; undefined: the commit, or the request as a whole. */
  readonly index: number | undefined;
  readonly operation: Operation | undefined;
  /** RFC 7047's name for it: "timed out", "constraint violation", "referential integrity violation". */
  readonly error: string;
  /** The server's explanation; may be empty. */
  readonly details: string;
}

/** The refusal behind a failure; undefined if it was anything else. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  const cause = thrown instanceof Failure ? thrown.cause : undefined;
  return isObject(cause) && cause.refusedBy === "ovsdb" ? (cause as unknown as Refusal) : undefined;
}

/** True if a `wait` operation was not fulfilled in its time. `refusalOf` says which. */
export const isTimedOut = (thrown: unknown): boolean => refusalOf(thrown)?.error === "timed out";

function readError(value: unknown): { readonly error: string; readonly details: string } {
  if (!isObject(value)) return { error: JSON.stringify(value) ?? "no reason", details: "" };
  const { error, details } = value;
  return {
    error: typeof error === "string" ? error : JSON.stringify(value),
    details: typeof details === "string" ? details : "",
  };
}

/** The failure for a reply whose `error` is not null: the request itself was not understood. */
export const requestRefused = (error: unknown): Failure =>
  refused("ask", { ...readError(error), index: undefined, operation: undefined });

function refused(what: string, refusal: Omit<Refusal, "refusedBy">): Failure {
  const { error, details } = refusal;
  const state = details === "" ? error : `${error}: ${details}`;
  return new Failure("switch-refused", `Cannot ${what} the switch's database: ${state}`, {
    cause: { refusedBy: "ovsdb", ...refusal } satisfies Refusal,
  });
}

const deeds = {
  insert: "insert into",
  select: "select from",
  update: "update rows in",
  mutate: "change rows in",
  delete: "delete from",
  wait: "see the awaited rows in",
} as const;

const deedOf = (operation: Operation) =>
  operation.op === "comment"
    ? "comment on a transaction"
    : `${deeds[operation.op]} table "${operation.table}"`;

function objectOr(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw undecodable(`${what} is not an object`);
  return value;
}

const undecodable = (state: string) =>
  new Failure("decode", `Cannot decode a message of the switch's database: ${state}`);
