/** Programs in the background, as the rest of the code sees them: which they are, and what they log. */
import type { ProcessId } from "./processes.ts";

/** A process, told from every other one that this machine ever had. */
export interface ProvenProcess extends ProcessId {
  /** Of the boot it began in. */
  readonly boot: string;
  /** Of its executable, device and inode; undefined: whichever it has become. */
  readonly program: string | undefined;
}

/** Whether what is found is the one that is wanted. */
export const isSameProcess = (wanted: ProvenProcess, found: ProvenProcess | undefined): boolean =>
  wanted.pid === found?.pid &&
  wanted.began === found.began &&
  wanted.boot === found.boot &&
  (wanted.program === undefined || wanted.program === found.program);

/** How a process ended: one of the two. */
export interface End {
  readonly status: number | undefined;
  readonly signal: string | undefined;
}

/** "exit status 1", "SIGKILL" */
export const howEnded = ({ status, signal }: End): string => signal ?? `exit status ${status}`;

export interface Background {
  readonly pid: number;
  readonly ended: Promise<End>;
  /** It is no longer ours to wait for. */
  readonly letGo: () => void;
}

export interface BackgroundProcesses {
  /** Who goes by a number now; undefined if nobody does, or has ended. */
  readonly find: (pid: number) => ProvenProcess | undefined;
  /** Sends a signal to this very process; false if it is gone. */
  readonly send: (process: ProvenProcess, signal: "SIGTERM" | "SIGKILL") => boolean;
  /** When it was started, milliseconds since the epoch. */
  readonly since: (process: ProvenProcess) => number;
  /**
   * Starts this executable with these arguments, in a session of its own, with nothing of ours open.
   * What it writes is added to a file, made with its folders if absent.
   */
  readonly startAgain: (
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    logFile: string,
  ) => Background;
}

export interface LogRequest {
  /** How many of the last lines. */
  readonly lines: number;
  /** Goes on with what is added, until the signal aborts. */
  readonly follow: boolean;
}

/** A log file, with those that it was renamed to when it was full. */
export interface LogFiles {
  /** Bytes in the file that is written to; 0 if there is none. */
  readonly size: (path: string) => number;
  /** The lines that came after its first `size` bytes. */
  readonly after: (path: string, size: number) => readonly string[];
  /** Gives lines without their ends, oldest first. Throws Failure "io" where there is no log. */
  readonly read: (
    path: string,
    request: LogRequest & { readonly wanted: (line: string) => boolean },
    onLine: (line: string) => void,
    signal: AbortSignal,
  ) => Promise<void>;
}

/**
 * Runs a program with no environment but a PATH, and gives the lines of its standard output and
 * error as they come. It is ended when the signal aborts.
 */
export type RunLines = (
  path: string,
  args: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
) => Promise<End>;

export interface Child {
  /** Undefined for one that could not be started. */
  readonly pid: number | undefined;
  /** Rejects where it could not be started. */
  readonly ended: Promise<End>;
  readonly send: (signal: "SIGTERM" | "SIGKILL") => void;
}

/** Starts a program that is not to outlive this one; gives the lines that it writes. */
export type StartChild = (
  program: {
    readonly path: string;
    readonly args: readonly string[];
    /** The whole environment. */
    readonly env: Readonly<Record<string, string>>;
  },
  onLine: (line: string) => void,
) => Child;
