/**
 * What a lab made is taken away again, newest first: at its end, when its process ends, and on
 * SIGINT, SIGTERM and SIGHUP. What a killed process left is found by its name and swept by the
 * next lab.
 */
import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ip } from "./run.ts";

/** Names of namespaces and folders begin with this and the pid of the process that owns them. */
const mark = "spt";

export const ownName = (serial: number, label: string): string =>
  `${mark}-${process.pid}-${serial}-${label}`;

export const ownFolderPrefix = (): string => join(tmpdir(), `${mark}-${process.pid}-`);

/** Of files that ip(8) lays over those of /etc in a namespace. */
export const netnsFiles = "/etc/netns";

export interface Cleanup {
  /** Registers what takes a deed back; what it does before its first await happens in any case. */
  readonly add: (takeBack: () => void | Promise<void>) => void;
  /** Takes all back; throws the faults together, at the end. */
  readonly run: () => Promise<void>;
}

const deadly = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** `signals` says who sees to signals: the caller may have better to do than to end at once. */
export function openCleanup(signals: "lab" | "caller" = "lab"): Cleanup {
  const steps: (() => void | Promise<void>)[] = [];
  const atOnce = () => {
    for (const takeBack of steps.splice(0).reverse()) {
      try {
        Promise.resolve(takeBack()).catch(() => {});
      } catch {
        // The process is ending: the next step matters more than this fault.
      }
    }
  };
  const onSignal = (signal: NodeJS.Signals) => {
    atOnce();
    process.off(signal, onSignal);
    process.kill(process.pid, signal);
  };
  process.on("exit", atOnce);
  if (signals === "lab") for (const signal of deadly) process.on(signal, onSignal);
  return {
    add: (takeBack) => void steps.push(takeBack),
    run: async () => {
      const faults: unknown[] = [];
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          await step();
        } catch (fault) {
          faults.push(fault);
        }
      }
      process.off("exit", atOnce);
      for (const signal of deadly) process.off(signal, onSignal);
      if (faults.length > 0) throw new AggregateError(faults, "Cannot clean the lab up");
    },
  };
}

/** Removes what processes that are gone have left. Their daemons died with them. */
export function sweep(): void {
  for (const name of namesIn("/run/netns").filter(isLeftOver)) {
    unlessGone(() => ip("netns", "delete", name));
  }
  for (const folder of [tmpdir(), netnsFiles]) {
    for (const name of namesIn(folder).filter(isLeftOver)) {
      unlessGone(() => rmSync(join(folder, name), { recursive: true, force: true }));
    }
  }
}

/** Another run may be sweeping too: whoever comes second finds nothing. */
function unlessGone(remove: () => void): void {
  try {
    remove();
  } catch {
    // What is there after all will be swept the next time.
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** True for a name of a process that is gone. */
export function isLeftOver(name: string): boolean {
  const owner = new RegExp(`^${mark}-(\\d+)-`).exec(name)?.[1];
  if (owner === undefined) return false;
  try {
    process.kill(Number(owner), 0);
    return false;
  } catch {
    return true;
  }
}
