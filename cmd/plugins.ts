/** What the executable is as a plugin. Each verb is loaded when it is called. */
import type { Commands, Io } from "../lib/cni/run.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { pluginWorld } from "./world.ts";

/** The capabilities that the interface plugin, or its delegate, does something about. */
const honoured = ["ips", "mac", "dns", "aliases", "ipRanges"];

/** The plugin that goes by the name the executable was called by. */
export const pluginNamed = (called: string, ffi: Ffi, io: Io, version: string): Commands =>
  called === "socketplane-ipam" ? addresses(ffi, io, version) : interfaces(ffi, io, version);

function interfaces(ffi: Ffi, io: Io, version: string): Commands {
  const world = () => pluginWorld(ffi, io);
  return {
    about: `SocketPlane ${version}: one flat network for containers on many machines`,
    honours: () => honoured,
    add: async (request) => (await import("../lib/plugin/add.ts")).add(world(), request),
    check: async (request) => (await import("../lib/plugin/check.ts")).check(world(), request),
    del: async (request) => (await import("../lib/plugin/del.ts")).del(world(), request),
    gc: async (request) => (await import("../lib/plugin/gc.ts")).gc(world(), request),
    status: async (request) => (await import("../lib/plugin/status.ts")).status(world(), request),
  };
}

function addresses(ffi: Ffi, io: Io, version: string): Commands {
  const world = () => pluginWorld(ffi, io);
  const ipam = () => import("../lib/plugin/ipam.ts");
  return {
    about: `SocketPlane ${version}: cluster-wide addresses, under any interface plugin`,
    honours: () => "any",
    add: async (request) => (await ipam()).ipamAdd(world(), request),
    check: async (request) => (await ipam()).ipamCheck(world(), request),
    del: async (request) => (await ipam()).ipamDel(world(), request),
    gc: async (request) => (await import("../lib/plugin/gc.ts")).ipamGc(world(), request),
    status: async (request) =>
      (await import("../lib/plugin/status.ts")).ipamStatus(world(), request),
  };
}
