/**
 * Services: what runs for longer than a command, and how it is started and ended.
 *
 * Two forms behind one interface. Where systemd runs, its units; elsewhere processes of our own, each
 * with a file that tells which process it is, and a log file that its writer rotates. etcd is then a
 * child of the agent, which starts it anew when it ends, and takes it along at its own end.
 * Invariants: no process is sent a signal that is not proven to be ours (its pid, start time and
 * boot), and what is proven stays so until the signal is sent; what is said to be started answers;
 * what was so already is no error.
 * Why two: machines without systemd, and test machines, are managed by the same words.
 */
import type { LogRequest } from "../sys/background.ts";

/** "etcd" only where this machine runs one for the cluster. */
export type ServiceName = "agent" | "etcd";

export const unitOf = (name: ServiceName): string => `socketplane-${name}.service`;

/** Where etcd's settings are that the unit, or the agent, starts it by. */
export const etcdConfigPath = "/etc/socketplane/etcd.yaml";

/** Where etcd's program is, as distributions have it or people put it. */
export const etcdPrograms = ["/usr/bin/etcd", "/usr/local/bin/etcd"] as const;

export interface ServiceStatus {
  readonly service: ServiceName;
  /** "failed": it ended, and was not told to. "absent": there is no unit for it. */
  readonly state: "running" | "starting" | "stopped" | "failed" | "absent";
  readonly pid: number | undefined;
  /** When it was started, milliseconds since the epoch. */
  readonly since: number | undefined;
  /** Why it does not run, where that is known. */
  readonly reason: string | undefined;
  /** Whether it is started when the machine is; undefined where nobody does that. */
  readonly enabled: boolean | undefined;
}

/** What was done; false: it was so already. */
export type Changed = boolean;

export interface Services {
  readonly kind: "systemd" | "processes";
  /**
   * Starts it and waits until it is ready. In the form "processes", etcd is started with the agent:
   * starting "etcd" is starting the agent, and again where it runs without one.
   * Throws Failure "io" with its last words where it ends at once.
   */
  readonly start: (name: ServiceName) => Promise<Changed>;
  /** Ends it and waits for its end. In the form "processes", etcd ends with the agent. */
  readonly stop: (name: ServiceName) => Promise<Changed>;
  readonly restart: (name: ServiceName) => Promise<void>;
  /** Has it started whenever the machine is, or no longer; nothing in the form "processes". */
  readonly enable: (name: ServiceName) => Promise<void>;
  readonly disable: (name: ServiceName) => Promise<void>;
  readonly status: (name: ServiceName) => Promise<ServiceStatus>;
  /** Gives the lines of its log, oldest first, without their ends. */
  readonly logs: (
    name: ServiceName,
    request: LogRequest,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ) => Promise<void>;
}
