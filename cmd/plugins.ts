/**
 * What the executable is as a plugin. All verbs are loaded together: *measured*, ADD's share alone,
 * in the dozen chunks that it has in common with the others, took an ADD 0.4 ms longer to load.
 */
import type { Commands, Io } from "../lib/cni/run.ts";
import { add } from "../lib/plugin/add.ts";
import { check } from "../lib/plugin/check.ts";
import { honoured } from "../lib/plugin/config.ts";
import { del } from "../lib/plugin/del.ts";
import { gc, ipamGc } from "../lib/plugin/gc.ts";
import { ipamAdd, ipamCheck, ipamDel } from "../lib/plugin/ipam.ts";
import { ipamStatus, status } from "../lib/plugin/status.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { pluginWorld } from "./world.ts";

/** The plugin that goes by the name the executable was called by. */
export const pluginNamed = (called: string, ffi: Ffi, io: Io, version: string): Commands =>
  called === "socketplane-ipam" ? addresses(ffi, io, version) : interfaces(ffi, io, version);

function interfaces(ffi: Ffi, io: Io, version: string): Commands {
  const world = () => pluginWorld(ffi, io);
  return {
    about: `SocketPlane ${version}: one flat network for containers on many machines`,
    honours: () => honoured,
    add: (request) => add(world(), request),
    check: (request) => check(world(), request),
    del: (request) => del(world(), request),
    gc: (request) => gc(world(), request),
    status: (request) => status(world(), request),
  };
}

function addresses(ffi: Ffi, io: Io, version: string): Commands {
  const world = () => pluginWorld(ffi, io);
  return {
    about: `SocketPlane ${version}: cluster-wide addresses, under any interface plugin`,
    honours: () => "any",
    add: (request) => ipamAdd(world(), request),
    check: (request) => ipamCheck(world(), request),
    del: (request) => ipamDel(world(), request),
    gc: (request) => ipamGc(world(), request),
    status: (request) => ipamStatus(world(), request),
  };
}
