/** What runs in the background of this machine: real processes, real logs, and systemd where it is. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { World } from "../lib/attach/node.ts";
import type { Installer } from "../lib/cli/world.ts";
import type { NodeConfig } from "../lib/node-config.ts";
import { openServices } from "../lib/service/open.ts";
import type { Services } from "../lib/service/services.ts";
import { reloadUnits } from "../lib/service/systemd.ts";
import { type ServiceWorld, usualSystemd } from "../lib/service/world.ts";
import { openBackgroundProcesses, runLines } from "../lib/sys/background-processes.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { askHttp } from "../lib/sys/http-client.ts";
import { logFiles } from "../lib/sys/log-files.ts";
import { ourScript } from "../lib/sys/programs.ts";
import { openTree } from "../lib/sys/tree-files.ts";

type Real = Pick<World, "env" | "readFile" | "makeDir" | "clock">;

export const serviceWorld = (ffi: Ffi, { env, readFile, makeDir, clock }: Real): ServiceWorld => ({
  env,
  readFile,
  makeDir,
  clock,
  isThere: existsSync,
  runLines,
  processes: openBackgroundProcesses(ffi),
  logFiles,
  systemd: usualSystemd,
  pause: (ms) => pause(ms),
});

/** `chosen` is --config, which counts before SOCKETPLANE_CONFIG. */
export function openServicesHere(
  ffi: Ffi,
  world: Real,
  config: NodeConfig,
  chosen: string | undefined,
): Services {
  const named = chosen ?? (world.env.SOCKETPLANE_CONFIG || undefined);
  const path = named === undefined ? undefined : resolve(named);
  return openServices(serviceWorld(ffi, world), { config, path });
}

/** Milliseconds: it is on this machine. */
const answerMs = 2_000;

export async function askAgent(config: NodeConfig, path: string): Promise<string | undefined> {
  const { host, port } = config.agent.listen;
  const limits = { longest: 1 << 20, patienceMs: answerMs };
  try {
    return (await askHttp({ host, port, path, trust: "plain", ...limits })).body;
  } catch {
    // Whoever can't be reached says nothing.
    return undefined;
  }
}

/** Where an image has systemd that does not run here. */
const systemdPrograms = ["usr/lib/systemd/systemd", "lib/systemd/systemd"];

export const installerHere = (ffi: Ffi, world: Real): Installer => ({
  tree: openTree(),
  isOurProgram: ourScript().length === 0,
  hasSystemd: (root) =>
    root === ""
      ? existsSync(usualSystemd.running)
      : systemdPrograms.some((path) => existsSync(`${root}/${path}`)),
  reloadUnits: () => reloadUnits(serviceWorld(ffi, world)),
});
