/**
 * What install writes down of what it has written, so that uninstall takes back that and nothing
 * else: pure. See services.ts for the folder's note.
 */
import { Failure } from "../errors.ts";
import { isObject, parseJson } from "../json.ts";
import type { Found } from "../sys/tree.ts";

/** In this folder, beside what the embedded store keeps. */
export const recordFolder = "/var/lib/socketplane";
export const recordFile = "installed.json";

export interface InstalledFile {
  readonly path: string;
  /** What it may be, as markOf says: two while one is being put in the other's place. */
  readonly marks: readonly string[];
}

export interface Installed {
  readonly version: string;
  /** False while an install is under way, or was killed. */
  readonly isComplete: boolean;
  readonly files: readonly InstalledFile[];
  /** Folders that were made for them, outer ones first. */
  readonly folders: readonly string[];
}

/** What was found, as it is written down; undefined for what install never writes. */
export function markOf(found: Found | undefined): string | undefined {
  if (found?.kind === "file") return `sha256:${found.hash}`;
  return found?.kind === "link" ? `link:${found.target}` : undefined;
}

export const formatInstalled = (installed: Installed): string =>
  `${JSON.stringify(installed, undefined, 1)}\n`;

/** Throws Failure "decode" for what is no such record: nothing may be removed by it then. */
export function parseInstalled(text: string, path: string): Installed {
  const json = parseJson(text);
  const bad = () =>
    new Failure("decode", `Cannot read ${path}: it is no record of an install`, {
      details: "Without it nothing can be taken back. Install again, which writes a new one.",
    });
  if (!isObject(json)) throw bad();
  const { version, isComplete, files, folders } = json;
  if (typeof version !== "string" || typeof isComplete !== "boolean") throw bad();
  if (!isTexts(folders) || !Array.isArray(files) || !files.every(isFile)) throw bad();
  return { version, isComplete, files, folders };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

const isFile = (value: unknown): value is InstalledFile =>
  isObject(value) && typeof value.path === "string" && isTexts(value.marks);
