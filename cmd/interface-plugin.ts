/** The verbs of `socketplane`, with the world in their hands. */
import type { Commands } from "../lib/cni/run.ts";
import { add, type PluginWorld } from "../lib/plugin/add.ts";
import { check } from "../lib/plugin/check.ts";
import { del } from "../lib/plugin/del.ts";
import { gc } from "../lib/plugin/gc.ts";
import { status } from "../lib/plugin/status.ts";

export type Verbs = Omit<Commands, "about" | "honours">;

export const interfacePlugin = (world: PluginWorld): Verbs => ({
  add: (request) => add(world, request),
  check: (request) => check(world, request),
  del: (request) => del(world, request),
  gc: (request) => gc(world, request),
  status: (request) => status(world, request),
});
