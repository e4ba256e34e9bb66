/**
 * Runs another program to its end (lib/exec.ts).
 *
 * node:child_process and node:fs are loaded when they are first needed: *measured*, importing
 * node:fs alone costs a command that delegates nothing 1.3 ms.
 */
import type { Deadline } from "../deadline.ts";
import type { Ended, Exec, Program } from "../exec.ts";

/** Bytes of stdout or stderr: what a plugin may say, with room. */
const most = 16 * 1024 * 1024;

export function processExec(): Exec {
  return { isFile, run, pause: (ms) => new Promise((done) => setTimeout(done, ms)) };
}

async function isFile(path: string): Promise<boolean> {
  const { statSync } = await import("node:fs");
  try {
    return statSync(path).isFile();
  } catch {
    // Not there, in a folder that is none, behind a loop of links: it can't be run either way.
    return false;
  }
}

async function run({ path, env, stdin }: Program, deadline: Deadline): Promise<Ended> {
  // For spawnSync, 0 is no limit at all.
  const timeout = Math.ceil(deadline.left());
  if (timeout === 0) return { how: "late", stdout: "", stderr: "" };
  const { spawnSync } = await import("node:child_process");
  const ended = spawnSync(path, [], {
    env,
    input: stdin,
    timeout,
    killSignal: "SIGKILL",
    maxBuffer: most,
  });
  const said = { stdout: textOf(ended.stdout), stderr: textOf(ended.stderr) };
  const errno = errnoOf(ended.error);
  if (errno === "ETIMEDOUT") return { how: "late", ...said };
  if (errno === "ENOBUFS") return { how: "overflowed", ...said };
  if (ended.status !== null) return { how: "exited", status: ended.status, ...said };
  if (ended.signal !== null) return { how: "killed", signal: ended.signal, ...said };
  return { how: "refused", errno: errno ?? "no reason was given", ...said };
}

/** Absent where the program was not started. */
const textOf = (bytes: Uint8Array | null | undefined): string =>
  new TextDecoder().decode(bytes ?? undefined);

const errnoOf = (error: Error | undefined): string | undefined =>
  error !== undefined && "code" in error ? String(error.code) : error?.message;
