/** The verbs of `socketplane-ipam`, with the world in their hands. */
import type { PluginWorld } from "../lib/plugin/add.ts";
import { ipamGc } from "../lib/plugin/gc.ts";
import { ipamAdd, ipamCheck, ipamDel } from "../lib/plugin/ipam.ts";
import { ipamStatus } from "../lib/plugin/status.ts";
import type { Verbs } from "./interface-plugin.ts";

export const ipamPlugin = (world: PluginWorld): Verbs => ({
  add: (request) => ipamAdd(world, request),
  check: (request) => ipamCheck(world, request),
  del: (request) => ipamDel(world, request),
  gc: (request) => ipamGc(world, request),
  status: (request) => ipamStatus(world, request),
});
