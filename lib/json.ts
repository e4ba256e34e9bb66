/** JSON as it comes from outside: not known to be anything yet. */

export type Json = Readonly<Record<string, unknown>>;

/** What the text says; undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
