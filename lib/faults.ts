/**
 * Parses at the door: `unknown` becomes a typed value once, and every fault is reported together.
 */
import { Failure, type FailureKind } from "./errors.ts";
import { isObject, type Json } from "./json.ts";

export interface Faults {
  /** Remembers one fault. */
  readonly add: (fault: string) => void;
  readonly any: () => boolean;
  readonly list: () => readonly string[];
  /** Throws one failure that names all faults; returns if there is none. */
  readonly settle: (kind: FailureKind, message: string) => void;
  /** Reads an object; with `keys`, any other key is a fault that names the nearest valid one. */
  readonly object: (value: unknown, where: string, keys?: readonly string[]) => Reader;
}

export interface Reader {
  /** True unless the value was no object at all; then every read gives its default or undefined. */
  readonly ok: boolean;
  readonly has: (key: string) => boolean;
  readonly raw: (key: string) => unknown;
  readonly text: (key: string) => string | undefined;
  readonly flag: (key: string) => boolean | undefined;
  readonly integer: (key: string, min: number, max: number) => number | undefined;
  readonly oneOf: <T extends string>(key: string, values: readonly T[]) => T | undefined;
  readonly list: (key: string) => readonly unknown[] | undefined;
  /** A text that `parse` understands; `kind` says what it should have been. */
  readonly parsed: <T>(
    key: string,
    kind: string,
    parse: (text: string) => T | undefined,
  ) => T | undefined;
  /** An object inside it; undefined if the key is absent. */
  readonly inner: (key: string, keys?: readonly string[]) => Reader | undefined;
  /** Remembers a fault of this key. */
  readonly fault: (key: string, state: string) => void;
}

export function collectFaults(): Faults {
  const found: string[] = [];
  const faults: Faults = {
    add: (fault) => void found.push(fault),
    any: () => found.length > 0,
    list: () => found,
    settle: (kind, message) => {
      if (found.length === 0) return;
      throw new Failure(kind, `${message}: ${found.join("; ")}`, {
        details: found.length > 1 ? found.join("\n") : undefined,
      });
    },
    object: (value, where, keys) => reader(faults, value, where, keys),
  };
  return faults;
}

function reader(
  faults: Faults,
  value: unknown,
  where: string,
  keys: readonly string[] | undefined,
): Reader {
  const ok = isObject(value);
  const object: Json = ok ? value : {};
  const path = (key: string) => (where === "" ? key : `${where}.${key}`);
  const fault = (key: string, state: string) => faults.add(`"${path(key)}" ${state}`);
  if (!ok) faults.add(`${where === "" ? "it" : `"${where}"`} is not an object`);
  for (const key of keys === undefined ? [] : Object.keys(object)) {
    if (keys?.includes(key)) continue;
    const near = nearest(key, keys ?? []);
    const known = () => `known are ${keys?.map((one) => `"${one}"`).join(", ")}`;
    fault(key, `is not a known key: ${near === undefined ? known() : `did you mean "${near}"?`}`);
  }

  const read = <T>(
    key: string,
    kind: string | (() => string),
    is: (value: unknown) => value is T,
  ) => {
    const found = object[key];
    if (found === undefined || found === null) return undefined;
    if (is(found)) return found;
    fault(key, `must be ${typeof kind === "string" ? kind : kind()}, not ${shown(found)}`);
    return undefined;
  };
  const text = (key: string) => read(key, "a text", (found) => typeof found === "string");
  return {
    ok,
    has: (key) => object[key] !== undefined && object[key] !== null,
    raw: (key) => object[key],
    text,
    flag: (key) => read(key, "true or false", (found) => typeof found === "boolean"),
    integer: (key, min, max) =>
      read(
        key,
        `a whole number from ${min} to ${max}`,
        (found): found is number =>
          typeof found === "number" && Number.isInteger(found) && found >= min && found <= max,
      ),
    oneOf: <T extends string>(key: string, values: readonly T[]) =>
      read(
        key,
        () => `one of ${values.map((one) => `"${one}"`).join(", ")}`,
        (found): found is T => values.includes(found as T),
      ),
    list: (key) => read(key, "a list", (found) => Array.isArray(found)),
    parsed: (key, kind, parse) => {
      const found = text(key);
      if (found === undefined) return undefined;
      const value = parse(found);
      if (value === undefined) fault(key, `must be ${kind}, not ${shown(found)}`);
      return value;
    },
    inner: (key, inside) => {
      const found = object[key];
      return found === undefined || found === null
        ? undefined
        : reader(faults, found, path(key), inside);
    },
    fault,
  };
}

/** A value as JSON, for messages, in at most `limit` characters. */
export function shown(value: unknown, limit = 60): string {
  const text = jsonOf(value, 4);
  return text.length > limit ? `${text.slice(0, limit - 3)}...` : text;
}

/**
 * What JSON.parse reads can be nested so deeply that JSON.stringify overflows the stack, after
 * seconds under Bun: so no more than some levels are shown.
 */
function jsonOf(value: unknown, levels: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? String(value);
  const isList = Array.isArray(value);
  if (levels === 0) return isList ? "[...]" : "{...}";
  const parts = Object.entries(value).map(([key, inner]) => {
    const shownInner = jsonOf(inner, levels - 1);
    return isList ? shownInner : `${JSON.stringify(key)}:${shownInner}`;
  });
  return isList ? `[${parts}]` : `{${parts}}`;
}

/** The candidate that is nearest by edit distance, if it is near enough to be meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Letters changed, missing, too many, or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  const left = a.toLowerCase();
  const right = b.toLowerCase();
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      const swapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[right.length] ?? 0;
}
