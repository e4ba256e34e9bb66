/** Control groups that runtimes make and, when they are killed, leave. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isLeftOver } from "../lab/cleanup.ts";

const patienceMs = 5_000;

/** Where they are mounted: one place, or one for each controller. */
const hierarchies = (): readonly string[] =>
  readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .filter((line) => / cgroup2? /.test(line))
    .map((line) => line.split(" ")[1] ?? "");

/** Removes all of that name, with what is below them; waits for what is ending in them. */
export async function removeCgroups(name: string): Promise<void> {
  const until = performance.now() + patienceMs;
  for (const top of hierarchies()) {
    for (;;) {
      try {
        removeTree(join(top, name));
        break;
      } catch (fault) {
        // What has just ended may still be leaving.
        if (performance.now() > until) throw fault;
        await sleep(20);
      }
    }
  }
}

/** Removes those of test processes that are gone. */
export function sweepCgroups(): void {
  for (const top of hierarchies()) {
    for (const name of readdirSync(top).filter(isLeftOver)) {
      try {
        removeTree(join(top, name));
      } catch {
        // What is there after all will be swept the next time.
      }
    }
  }
}

/** A control group goes by rmdir(2), its files with it, and its children before it. */
function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  rmdirSync(folder);
}
