/**
 * A machine's files for one lab: what is written to /etc, /opt, /usr/local and /var is the lab's own,
 * in a mount namespace, and is there again for its next command.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Lab } from "./lab.ts";
import type { Command } from "./run.ts";

export interface OwnFiles {
  /** Where a file of the machine is, seen from outside. */
  readonly at: (path: string) => string;
  /** The same command, with these files in the place of the machine's. */
  readonly command: (command: Command) => Command;
}

export interface OwnFilesOptions {
  /** A program in the place of systemctl, for a machine that seems to run systemd. */
  readonly systemctl?: string;
}

const changed = ["/opt", "/usr/local", "/var"];

export function openOwnFiles(lab: Lab, { systemctl }: OwnFilesOptions = {}): OwnFiles {
  // In memory: what is installed is large, and is on the disk before it has its name.
  const folder = mkdtempSync(join("/dev/shm", `${basename(lab.folder)}-`));
  lab.onClose(() => rmSync(folder, { recursive: true, force: true }));
  const at = (path: string) => join(folder, path);
  for (const path of [...changed, "/var/lib", "/var/log"]) mkdirSync(at(path), { recursive: true });
  if (!existsSync(at("/etc")))
    cpSync("/etc", at("/etc"), { recursive: true, verbatimSymlinks: true });
  const mounts = [
    ...[...changed, "/etc"].map((path) => `mount --bind ${at(path)} ${path}`),
    // What a machine without systemd has there, whichever this one is.
    "mount -t tmpfs none /run",
    ...(systemctl === undefined
      ? []
      : ["mkdir -p /run/systemd/system", `mount --bind ${systemctl} /usr/bin/systemctl`]),
  ];
  const setUp = `${mounts.join(" && ")} && exec "$@"`;
  return {
    at,
    command: ({ argv, ...rest }) => ({
      ...rest,
      argv: ["unshare", "--mount", "--propagation", "private", "sh", "-c", setUp, "sh", ...argv],
    }),
  };
}
