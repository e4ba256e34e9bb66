/** What a node has in its background: by the files that its services write. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabNode } from "./node.ts";

/** The process that a service has written down, whether it lives or not. */
export function recordedPid(node: LabNode, service: "agent" | "etcd"): number | undefined {
  try {
    return JSON.parse(readFileSync(join(node.runDir, `${service}.pid`), "utf8")).pid;
  } catch {
    // Nothing was started, or it has ended.
    return undefined;
  }
}

/** Ends the agent that a node's command has started: at once, for the test process may be ending. */
export function endBackground(node: LabNode): void {
  for (const service of ["agent", "etcd"] as const) {
    const pid = recordedPid(node, service);
    try {
      // A lab's own run directory: nobody has written there but its agents.
      if (pid !== undefined && isOf(pid, service)) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
}

const isOf = (pid: number, service: "agent" | "etcd"): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(service);
