/** The operator's command, in this process. */
import { runCli } from "../lib/cli/main.ts";
import type { Terminal } from "../lib/cli/output.ts";
import { withProgress } from "../lib/cli/progress.ts";
import type { Io } from "../lib/cni/run.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { writeText } from "../lib/sys/io.ts";
import { openProcessTable } from "../lib/sys/process-table.ts";
import { openPrograms } from "../lib/sys/programs.ts";
import { terminalWidth } from "../lib/sys/terminal.ts";
import { processIo } from "./io.ts";
import { pluginNamed } from "./plugins.ts";
import { realWorld } from "./world.ts";

/** Runs `args` and gives back the exit status. */
export function runCommand(ffi: Ffi, args: readonly string[], version: string): Promise<number> {
  const { env } = process;
  const stderr = (text: string) => writeText(ffi, 2, text, "stderr");
  const io = { env, clock: () => performance.now(), writeStderr: stderr };
  const world = realWorld(ffi, io);
  return runCli(
    {
      ...world,
      version,
      isRoot: process.geteuid?.() === 0,
      runtime: runtimeName(),
      platform: `${process.platform} ${process.arch}`,
      processes: openProcessTable(ffi),
      programs: openPrograms(ffi),
      // As --config names it, before all others.
      plugin: (nodeConfig) => {
        const its = nodeConfig === undefined ? env : { ...env, SOCKETPLANE_CONFIG: nodeConfig };
        return pluginNamed("socketplane", ffi, processIo(ffi, its), version);
      },
      runAgent: async (config, logFile) => {
        const { runAgentHere } = await import("./agent.ts");
        await runAgentHere(ffi, world, { config, version, logFile });
      },
      askAgent: async (config, path) => (await import("./services.ts")).askAgent(config, path),
      interrupted,
      wallClock: Date.now,
      pause: (ms) => new Promise((done) => setTimeout(done, ms)),
      openTail: async (path) => (await import("../lib/sys/tail.ts")).openTail(path),
      installer: async () => (await import("./services.ts")).installerHere(ffi, world),
      places: async () => (await import("../lib/sys/places-files.ts")).openPlaces(),
      traceDrivers: async () => (await import("./trace.ts")).traceDrivers(ffi),
      openReach: async () => (await import("../lib/sys/reach-driver.ts")).openReach(ffi),
      clusterDrivers: async () => (await import("./cluster.ts")).clusterDrivers,
      openServices: async (config, chosen) => {
        const { openServicesHere } = await import("./services.ts");
        return openServicesHere(ffi, world, config, chosen);
      },
      terminal: terminalOf(ffi, io),
    },
    args,
  );
}

function interrupted(): AbortSignal {
  const told = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => told.abort());
  return told.signal;
}

function runtimeName(): string {
  const { bun, node } = process.versions;
  return bun === undefined ? `Node ${node}` : `Bun ${bun}`;
}

/** Columns: more are hard to read. */
const widest = 100;

function terminalOf(ffi: Ffi, { clock, writeStderr }: Pick<Io, "clock" | "writeStderr">): Terminal {
  const width = terminalWidth(ffi, 1);
  return withProgress({
    stdout: (text) => writeText(ffi, 1, text, "stdout"),
    stderr: writeStderr,
    interactive: width !== undefined,
    erasable: terminalWidth(ffi, 2) !== undefined,
    width: Math.min(width || widest, widest),
    clock,
    every: (ms, call) => {
      const timer = setInterval(call, ms);
      return () => clearInterval(timer);
    },
  });
}
