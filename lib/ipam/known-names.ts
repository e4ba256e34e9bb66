/**
 * The names of networks and nodes as they were seen last, for who completes one with Tab and does
 * not wait for the store. Nothing else goes by them. See network.ts for the folder's note.
 */
import type { Dir } from "../dir.ts";
import { isObject, parseJson } from "../json.ts";

export interface KnownNames {
  readonly networks: readonly string[];
  readonly nodes: readonly string[];
}

const fileName = "names.json";

/** Of what is left out, those before stay. */
export function rememberNames(run: Dir, seen: Partial<KnownNames>): void {
  const before = run.read(fileName);
  const now = JSON.stringify({ ...knownNames(run), ...seen });
  if (now === before) return;
  try {
    run.replace(fileName, now);
  } catch {
    // Where nothing can be written there is more to complain of than this.
  }
}

export function knownNames(run: Dir): KnownNames {
  const json = parseJson(run.read(fileName) ?? "");
  const named = (value: unknown): readonly string[] =>
    Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
  return isObject(json)
    ? { networks: named(json.networks), nodes: named(json.nodes) }
    : { networks: [], nodes: [] };
}
