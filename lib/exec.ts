/**
 * Running another program to its end, as delegation to a foreign IPAM plugin needs it.
 *
 * Only the interface: the driver is in lib/sys, the user is in lib/cni. Nothing else is exec'd on
 * the path of a CNI command, so this one may be slow to load, and only when it is asked.
 */
import type { Deadline } from "./deadline.ts";

export interface Program {
  /** With a slash in it: nothing is searched in PATH. */
  readonly path: string;
  /** The whole environment; undefined values are left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Uint8Array;
}

export type Ended = (
  | { readonly how: "exited"; readonly status: number }
  /** By a signal that was not ours: "SIGSEGV". */
  | { readonly how: "killed"; readonly signal: string }
  /** At the deadline, by us. */
  | { readonly how: "late" }
  /** It wrote more than the driver takes, and was ended. */
  | { readonly how: "overflowed" }
  /** execve(2) refused it: "EACCES", "ENOEXEC", "ETXTBSY". */
  | { readonly how: "refused"; readonly errno: string }
) & { readonly stdout: string; readonly stderr: string };

export interface Exec {
  /** True for a regular file, after following links; false for anything else and for nothing. */
  readonly isFile: (path: string) => Promise<boolean>;
  /** Runs it without arguments and waits for its end. */
  readonly run: (program: Program, deadline: Deadline) => Promise<Ended>;
  /** Waits, milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}
