/** Reading JSON as Go does, which most runtimes and plugins are. See run.ts for the folder's note. */

import type { Reader } from "../faults.ts";
import { isObject } from "../json.ts";

/**
 * An object with its `keys` in their own case, whatever case they came in: Go's decoder doesn't
 * mind, so libcni writes "CNIVersion" into a prevResult (version.ParsePrevResult) and containerd
 * "HostPort" into a port mapping. A key in its own case goes before one in another. Other keys are
 * left out; what is no object is given back.
 */
export function inAnyCase(json: unknown, keys: readonly string[]): unknown {
  if (!isObject(json)) return json;
  const found: Record<string, unknown> = {};
  for (const key of keys) {
    if (Object.hasOwn(json, key)) found[key] = json[key];
  }
  for (const key of Object.keys(json)) {
    const lower = key.toLowerCase();
    const meant = keys.find((one) => one.toLowerCase() === lower);
    if (meant !== undefined && !Object.hasOwn(found, meant)) found[meant] = json[key];
  }
  return found;
}

/** A text; undefined for "", which Go takes for absent. */
export const text = (at: Reader, key: string): string | undefined => at.text(key) || undefined;

/** A list of texts; any other entry is a fault. */
export function texts(at: Reader, key: string): readonly string[] {
  return (at.list(key) ?? []).filter((entry, index): entry is string => {
    if (typeof entry === "string") return true;
    at.fault(`${key}[${index}]`, "must be a text");
    return false;
  });
}
