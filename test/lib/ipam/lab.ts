/** A run directory and a file store of its own for each test, on the real kernel. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openFfi } from "#ffi";
import { type Deadline, deadlineIn } from "../../../lib/deadline.ts";
import type { NodeIpam } from "../../../lib/ipam/held.ts";
import type { Registry } from "../../../lib/ipam/networks.ts";
import type { PoolDirs } from "../../../lib/ipam/pool.ts";
import type { Log } from "../../../lib/log.ts";
import { openFileStore } from "../../../lib/store/file.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import { sleep } from "../../../lib/sys/time.ts";

export const ffi = openFfi();

export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export const soon = (): Deadline => deadlineIn(() => performance.now(), 20_000);

export interface IpamLab {
  readonly ipam: NodeIpam;
  readonly dirs: PoolDirs;
  readonly registry: Registry;
  readonly path: string;
  /** How often the store was asked for. */
  readonly asked: () => number;
  /** Lets time pass, milliseconds. */
  readonly pass: (ms: number) => void;
}

/** One node's addresses; with `path`, in a folder that another one has too. */
export function ipamLab(options: { path?: string; store?: string; node?: string } = {}): IpamLab {
  const path = options.path ?? mkdtempSync(join(tmpdir(), "sp-ipam-"));
  if (options.path === undefined) onTestFinished(() => rmSync(path, { recursive: true }));
  const run = makeDir(ffi, join(path, "run"));
  const dirs = {
    networks: run.make("networks"),
    owners: run.make("owners"),
    ports: run.make("ports"),
  };
  const store = openFileStore({
    dir: makeDir(ffi, options.store ?? join(path, "store")),
    log: silent,
    newIdentity: () => crypto.randomUUID(),
  });
  const registry: Registry = {
    store,
    keys: keysUnder(""),
    sleep: (ms) => sleep(ffi, ms),
    random: Math.random,
  };
  let asked = 0;
  let now = 1_000;
  const name = options.node ?? "a";
  return {
    path,
    dirs,
    registry,
    asked: () => asked,
    pass: (ms) => {
      now += ms;
    },
    ipam: {
      dirs,
      registry: async () => {
        asked += 1;
        return registry;
      },
      run,
      node: () => ({ name, machineId: `machine of ${name}`, vtep: undefined, boot: "boot" }),
      sinceBoot: () => now,
      log: silent,
    },
  };
}
