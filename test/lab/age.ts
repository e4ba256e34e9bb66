/** Time that passes for a node's commands, without waiting for it. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabNode } from "./node.ts";

/**
 * As long after: what was read of the store is no longer used unasked, and that it did not answer
 * is forgotten.
 */
export function age({ runDir }: LabNode): void {
  const networks = join(runDir, "networks");
  for (const name of readdirSync(networks)) {
    const file = join(networks, name, "cache.json");
    // A network that was never read.
    if (!existsSync(file)) continue;
    const json = JSON.parse(readFileSync(file, "utf8"));
    // Milliseconds since boot.
    const held = { ...json.held, readAt: json.held.readAt - 60_000 };
    writeFileSync(file, JSON.stringify({ ...json, held }));
  }
  rmSync(join(runDir, "store-away"), { force: true });
}

/** As if the agent had just said that all that was read still holds: for half a minute it does. */
export function freshen({ runDir }: LabNode): void {
  const [seconds] = readFileSync("/proc/uptime", "utf8").split(" ");
  writeFileSync(join(runDir, "fresh"), `${Number(seconds) * 1000}`);
}
