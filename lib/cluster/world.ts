/** What the making, joining and leaving of a cluster is handed; made in cmd/. */
import type { World } from "../attach/node.ts";
import { Failure } from "../errors.ts";
import type { NodeConfig } from "../node-config.ts";
import type { Services } from "../service/services.ts";
import type { JoinDrivers } from "./drivers.ts";

export interface ClusterWorld extends World, ClusterDrivers {
  /** What runs in the background; `chosen` is --config. */
  readonly openServices: (config: NodeConfig, chosen: string | undefined) => Promise<Services>;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  /** Aborts when somebody ends this command (SIGINT, SIGTERM), which then has to end by itself. */
  readonly interrupted: () => AbortSignal;
}

/** What no other command needs. */
export interface ClusterDrivers {
  readonly joining: JoinDrivers;
  readonly machine: Machine;
}

/** What is asked of this machine, and changed on it, beside what attaching needs. */
export interface Machine {
  /** Whether a TCP port of an own address can be listened on. */
  readonly isPortFree: (host: string, port: number) => Promise<boolean>;
  /** Whether there is a file or folder by that path. */
  readonly exists: (path: string) => boolean;
  /** Removes a folder with all that is in it, or a file; nothing if there is none. */
  readonly removeTree: (path: string) => Promise<void>;
  /** Waits, milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}

/** Told as it is done, a line each, to people who wait. */
export type Say = (line: string) => void;

export interface Patient {
  /** Throws where somebody has pressed Ctrl-C. */
  readonly goOn: () => void;
  /** Gives what the deed gives, or throws as soon as somebody presses Ctrl-C. */
  readonly unlessInterrupted: <T>(deed: Promise<T>) => Promise<T>;
}

/** For what may be given up at any moment. */
export function openPatience(action: string, signal: AbortSignal): Patient {
  const given = () => new Failure("try-again", `Cannot ${action}: it was interrupted`);
  return {
    goOn: () => {
      if (signal.aborted) throw given();
    },
    unlessInterrupted: async (deed) => {
      const { promise, reject } = Promise.withResolvers<never>();
      const end = () => reject(given());
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true });
      try {
        return await Promise.race([deed, promise]);
      } finally {
        signal.removeEventListener("abort", end);
        promise.catch(() => {});
      }
    },
  };
}
