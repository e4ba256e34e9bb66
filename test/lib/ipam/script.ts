/** Runs a script of this folder as a process of its own, which ends with the test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** Gives what it writes to its standard output; throws with its errors if it fails. */
export function runScript(name: string, plan: unknown): Promise<string> {
  return startScript(name, plan).ended;
}

export interface Running {
  readonly ended: Promise<string>;
  /** Ends it as a crash would. */
  readonly kill: () => void;
}

export function startScript(name: string, plan: unknown): Running {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const args = ["--disable-warning=ExperimentalWarning", script, JSON.stringify(plan)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let errors = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const ended = once(child, "close").then(([status]) => {
    if (status !== 0 && !child.killed) throw new Error(`${name} failed: ${errors}\n${out}`);
    return out;
  });
  const kill = () => void child.kill("SIGKILL");
  onTestFinished(async () => {
    kill();
    await ended.catch(() => undefined);
  });
  return { ended, kill };
}
