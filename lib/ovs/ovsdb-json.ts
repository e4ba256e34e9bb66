/**
 * OVSDB's notation, RFC 7047 sections 4 and 5, kept in one place.
 */

/** A column's value on the wire: an atom, ["set", [...]], ["map", [[k, v], ...]], ["uuid", "..."]. */
export type Value = string | number | boolean | readonly [string, unknown];

export type Row = Readonly<Record<string, Value>>;

export type Condition = readonly [
  column: string,
  function_: "==" | "!=" | "includes" | "excludes" | "<" | "<=" | ">" | ">=",
  value: Value,
];

export type Mutation = readonly [
  column: string,
  mutator: "insert" | "delete" | "+=" | "-=",
  value: Value,
];

export type Operation =
  | {
      readonly op: "insert";
      readonly table: string;
      readonly row: Row;
      readonly "uuid-name"?: string;
    }
  | {
      readonly op: "select";
      readonly table: string;
      readonly where: readonly Condition[];
      readonly columns?: readonly string[];
    }
  | {
      readonly op: "update";
      readonly table: string;
      readonly where: readonly Condition[];
      readonly row: Row;
    }
  | {
      readonly op: "mutate";
      readonly table: string;
      readonly where: readonly Condition[];
      readonly mutations: readonly Mutation[];
    }
  | { readonly op: "delete"; readonly table: string; readonly where: readonly Condition[] }
  | {
      readonly op: "wait";
      readonly table: string;
      readonly where: readonly Condition[];
      readonly columns: readonly string[];
      readonly until: "==" | "!=";
      readonly rows: readonly Row[];
      /** Milliseconds; 0 means "fail at once". */
      readonly timeout: number;
    }
  | { readonly op: "comment"; readonly comment: string };

/** The result of one operation: `rows` of a select, `uuid` of an insert, `count` of the others. */
export interface OperationResult {
  readonly rows?: readonly Row[];
  readonly uuid?: Value;
  readonly count?: number;
}

export const map = (entries: Readonly<Record<string, string>>): Value => [
  "map",
  Object.entries(entries),
];

export const set = (values: readonly Value[]): Value => ["set", values];

export const uuid = (id: string): Value => ["uuid", id];

/** Refers to the row inserted under this "uuid-name" in the same transaction. */
export const named = (name: string): Value => ["named-uuid", name];

/** A map column of texts as a record; what is no text is left out, and all of anything else. */
export function recordOf(value: Value | undefined): Readonly<Record<string, string>> {
  if (!Array.isArray(value) || value[0] !== "map" || !Array.isArray(value[1])) return {};
  return Object.fromEntries(
    value[1].filter(
      (pair): pair is [string, string] =>
        typeof pair[0] === "string" && typeof pair[1] === "string",
    ),
  );
}

/** A map column of numbers as a record; what is no number is left out, and all of anything else. */
export function numbersOf(value: Value | undefined): Readonly<Record<string, number>> {
  if (!Array.isArray(value) || value[0] !== "map" || !Array.isArray(value[1])) return {};
  return Object.fromEntries(
    value[1].filter(
      (pair): pair is [string, number] =>
        typeof pair[0] === "string" && typeof pair[1] === "number",
    ),
  );
}

/** A set column as a list; an atom is a set of one. */
export function listOf(value: Value | undefined): readonly Value[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value[0] === "set") return value[1] as readonly Value[];
  return [value];
}
