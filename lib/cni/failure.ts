/** Errors as the protocol shows them. See run.ts for the folder's note. */
import { Failure, type FailureKind } from "../errors.ts";
import { collectFaults, type Faults } from "../faults.ts";
import type { Version } from "./versions.ts";

/** Characters; what is longer is of no use to a reader, and kubelet keeps it in every event. */
const longest = { msg: 4096, details: 65536 };

/** The error object (SPEC.md 1.1.0, section 5, "Error"); `details` is left out where there are none. */
export function formatFailure(failure: Failure, cniVersion: Version): string {
  return JSON.stringify({
    cniVersion,
    code: failure.code,
    msg: cut(failure.message, longest.msg),
    details: failure.details === undefined ? undefined : cut(failure.details, longest.details),
  });
}

export const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 3)}...` : text;

/** Faults of several kinds, all reported together. */
export interface FaultsByKind {
  /** The faults of one kind. The kind that was asked for first gives the code. */
  readonly of: (kind: FailureKind) => Faults;
  readonly any: () => boolean;
  /** One failure that names all faults. */
  readonly failure: (message: string) => Failure;
}

export function collectByKind(): FaultsByKind {
  const groups: { kind: FailureKind; faults: Faults }[] = [];
  const first = () => {
    for (const group of groups) if (group.faults.any()) return group;
    return undefined;
  };
  return {
    of: (kind) => {
      const faults = collectFaults();
      groups.push({ kind, faults });
      return faults;
    },
    any: () => first() !== undefined,
    failure: (message) => {
      const all = groups.flatMap(({ faults }) => faults.list());
      const details = all.length > 1 ? all.join("\n") : undefined;
      return new Failure(first()?.kind ?? "internal", `${message}: ${all.join("; ")}`, { details });
    },
  };
}
