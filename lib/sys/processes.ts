/** Processes, as the rest of the code sees them: those that there are, and programs to start. */
import type { Netns } from "./kernel.ts";
import type { SentSignal } from "./signals.ts";

/** One process, told from a later one with its number by when it began. */
export interface ProcessId {
  readonly pid: number;
  /** Ticks since boot. */
  readonly began: number;
}

/** Those of this machine, by /proc. */
export interface ProcessTable {
  /** Undefined where there is none of that number, or none that still runs. */
  readonly find: (pid: number) => ProcessId | undefined;
  readonly lives: (process: ProcessId) => boolean;
  /** Their numbers, ascending. One that begins meanwhile may be missing. */
  readonly list: () => readonly number[];
  /** The number that was given last: the same as before where none has begun since. */
  readonly lastGiven: () => number;
  /** Its arguments; none for one that is gone, or of the kernel's. */
  readonly commandLine: (pid: number) => readonly string[];
  /** The identity of its network namespace (Netns.id); undefined where it is gone. */
  readonly netnsOf: (pid: number) => string | undefined;
  /**
   * Whether a thread of it is in our own network namespace, as of who looks into another for an
   * instant: that is done by one thread, and both runtimes have more.
   */
  readonly isFromHere: (pid: number) => boolean;
  /** False where it is gone already. */
  readonly send: (process: ProcessId, signal: SentSignal) => boolean;
}

export interface Program {
  /** The program, looked up in PATH, and its arguments. */
  readonly argv: readonly string[];
  /** The whole environment; undefined values are left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly netns: Netns;
  /** Our own streams, or none of them: what it writes is added to a file (0600, made if absent). */
  readonly streams: "ours" | { readonly log: string; readonly stdin: "empty" | "kept open" };
}

/** How it ended, as a shell says it: 128 and the signal's number where one ended it. */
export type ExitStatus = number;

export type Started =
  | { readonly how: "started"; readonly process: ProcessId; readonly ended: Promise<ExitStatus> }
  /** execve(2) refused it: "ENOENT", "EACCES". */
  | { readonly how: "refused"; readonly errno: string };

/** Signals that would end us, taken for a program's. */
export interface Relay {
  /** The status to end with for the first that has come; undefined if none has. */
  readonly caught: () => ExitStatus | undefined;
  /** Hands on what came before, and what comes from now on, unless the terminal has done so. */
  readonly to: (process: ProcessId) => void;
  /** They end us again. */
  readonly release: () => void;
}

export interface LogLimit {
  readonly bytes: number;
  /** How often it is looked at; more often while it grows fast. */
  readonly everyMs: number;
}

export interface Programs {
  readonly start: (program: Program) => Promise<Started>;
  readonly relay: () => Relay;
  /**
   * Starts this executable again with the same arguments and these additions to its environment, in
   * a session of its own; gives what it says on stdout until it lets go of that, or ends: then its
   * status too.
   */
  readonly startAgain: (
    env: Readonly<Record<string, string>>,
  ) => Promise<{ readonly said: string; readonly status: ExitStatus | undefined }>;
  /** Keeps a log from growing without end, until what it gives is called; `older` has what was before. */
  readonly limitLog: (path: string, older: string, limit: LogLimit) => Promise<() => void>;
  /** Lets go of the caller's streams and working directory: from now on nobody reads us. */
  readonly letGo: () => void;
}
