/** The operator's command, in this process. */
import { runCli } from "../lib/cli/main.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { writeText } from "../lib/sys/io.ts";
import { realWorld } from "./world.ts";

/** Runs `args` and gives back the exit status. */
export function runCommand(ffi: Ffi, args: readonly string[], version: string): Promise<number> {
  const { env, stdout } = process;
  const stderr = (text: string) => writeText(ffi, 2, text, "stderr");
  const io = { env, clock: () => performance.now(), writeStderr: stderr };
  const world = realWorld(ffi, io);
  return runCli(
    {
      ...world,
      version,
      runAgent: async (config) => (await import("./agent.ts")).runAgentHere(world, config, version),
      terminal: {
        stdout: (text) => writeText(ffi, 1, text, "stdout"),
        stderr,
        interactive: stdout.isTTY === true,
        width: Math.min(stdout.columns ?? 100, 100),
      },
    },
    args,
  );
}
