/** Makes the real drivers. */
import type { World } from "../lib/attach/node.ts";
import type { Io } from "../lib/cni/run.ts";
import { jsonLog } from "../lib/log.ts";
import { reachControl } from "../lib/ovs/control.ts";
import { openDatabase } from "../lib/ovs/database.ts";
import { openFlows } from "../lib/ovs/flows.ts";
import type { PluginWorld } from "../lib/plugin/add.ts";
import { startDeleting } from "../lib/sys/detached.ts";
import { makeDir, openDir } from "../lib/sys/dir.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { namesAt } from "../lib/sys/folder.ts";
import { readFile } from "../lib/sys/io.ts";
import { openKernel } from "../lib/sys/kernel-driver.ts";
import { hasFilterNetwork } from "../lib/sys/nft-has.ts";
import { connectUnix } from "../lib/sys/unix-stream.ts";

export function realWorld(ffi: Ffi, io: Pick<Io, "env" | "clock" | "writeStderr">): World {
  return {
    env: io.env,
    clock: io.clock,
    kernel: openKernel(ffi),
    isFiltered: (link) => hasFilterNetwork(ffi, link),
    openFilter: async () => (await import("../lib/sys/nft-driver.ts")).openFilter(ffi),
    openDatabase: (path, deadline) => openDatabase(connectUnix(ffi, path, deadline)),
    openFlows: (path, deadline) => openFlows(connectUnix(ffi, path, deadline)),
    openControl: (runDir, deadline) =>
      reachControl({
        list: () => namesAt(ffi, runDir),
        read: (name) => readFile(ffi, `${runDir}/${name}`),
        connect: (name) => connectUnix(ffi, `${runDir}/${name}`, deadline),
      }),
    startDeleting: (name) => startDeleting(ffi, name),
    readFile: (path) => readFile(ffi, path),
    makeDir: (path) => makeDir(ffi, path),
    openDir: (path) => openDir(ffi, path),
    openStore: async (config, log) => {
      // A fresh cache of networks never needs it.
      if (config.type === "file") {
        const { openFileStore } = await import("../lib/store/file.ts");
        return openFileStore({ dir: makeDir(ffi, config.path), log, newIdentity: newToken });
      }
      const { openEtcdStore } = await import("../lib/store/etcd.ts");
      return openEtcdStore(config, {
        readFile: (path) => readFile(ffi, path),
        clock: io.clock,
        random: Math.random,
        newToken,
        log,
      });
    },
    random: Math.random,
    log: (least) => jsonLog(io.writeStderr, Date.now, least),
  };
}

const newToken = () => crypto.randomUUID();

export const pluginWorld = (ffi: Ffi, io: Io): PluginWorld => ({
  ...realWorld(ffi, io),
  writeStderr: io.writeStderr,
  exec: {
    // A foreign IPAM plugin is the exception: what runs it is loaded when there is one.
    isFile: async (path) => (await loadExec()).isFile(path),
    run: async (program, deadline) => (await loadExec()).run(program, deadline),
    pause: async (ms) => (await loadExec()).pause(ms),
  },
});

async function loadExec() {
  const { processExec } = await import("../lib/sys/exec.ts");
  return processExec();
}
