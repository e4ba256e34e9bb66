/** What services are handed. See services.ts for the folder's note. */
import type { Clock } from "../deadline.ts";
import type { Dir } from "../dir.ts";
import type { NodeConfig } from "../node-config.ts";
import type { BackgroundProcesses, LogFiles, RunLines } from "../sys/background.ts";

/** node.json, and the absolute path it was read from; undefined: the default, or none. */
export interface Configured {
  readonly config: NodeConfig;
  readonly path: string | undefined;
}

/** Where systemd is, if it is. */
export interface SystemdPlaces {
  /** A folder that is there when systemd runs (sd_booted(3)). */
  readonly running: string;
  /** Where distributions have them; the first that is there counts. */
  readonly systemctl: readonly string[];
  readonly journalctl: readonly string[];
}

export const usualSystemd: SystemdPlaces = {
  running: "/run/systemd/system",
  systemctl: ["/usr/bin/systemctl", "/bin/systemctl"],
  journalctl: ["/usr/bin/journalctl", "/bin/journalctl"],
};

export interface ServiceWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file, symlinks followed; undefined if there is none. */
  readonly readFile: (path: string) => string | undefined;
  /** Opens a folder of ours, made if absent. */
  readonly makeDir: (path: string) => Dir;
  /** Whether there is a file, or a folder. */
  readonly isThere: (path: string) => boolean;
  readonly runLines: RunLines;
  readonly processes: BackgroundProcesses;
  readonly logFiles: LogFiles;
  readonly systemd: SystemdPlaces;
  readonly clock: Clock;
  /** Waits, milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}
