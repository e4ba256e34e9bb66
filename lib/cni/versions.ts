/** The versions of the protocol that we speak. See run.ts for the folder's note. */
import { isObject } from "../json.ts";

/** Oldest first. All seven, so that old and new runtimes find one (they take the highest common). */
export const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export type Version = (typeof versions)[number];

export const newest: Version = "1.1.0";

/** What a configuration or a result is that states no version (libcni, create.DecodeVersion). */
export const unstated: Version = "0.1.0";

/** Exactly one of ours: "1.0" and "v1.0.0" are not (libcni, version.Reconciler). */
export const asVersion = (value: unknown): Version | undefined =>
  versions.includes(value as Version) ? (value as Version) : undefined;

export const isAtLeast = (version: Version, least: Version): boolean =>
  versions.indexOf(version) >= versions.indexOf(least);

/** True where JSON states no version at all: libcni takes "" and null for absent. */
export const isUnstated = (value: unknown): boolean =>
  value === undefined || value === null || value === "";

/**
 * The version to answer in. VERSION echoes the one that it is asked in (SPEC.md 1.1.0, section 5),
 * errors are told in that of the configuration; where it is none that we speak, in our newest.
 */
export function answerVersion(command: string, json: unknown): Version {
  if (!isObject(json)) return newest;
  const stated = json.cniVersion;
  if (isUnstated(stated)) return command === "VERSION" ? newest : unstated;
  return asVersion(stated) ?? newest;
}

/** What VERSION prints. */
export const formatVersions = (cniVersion: Version): string =>
  JSON.stringify({ cniVersion, supportedVersions: versions });

/** VERSION's answer to what stdin said, if it said anything. It never fails. */
export function versionAnswer(stdin: string | undefined): string {
  let json: unknown;
  try {
    json = JSON.parse(stdin ?? "");
  } catch {
    // Whatever it is, it states no version.
  }
  return formatVersions(answerVersion("VERSION", json));
}
