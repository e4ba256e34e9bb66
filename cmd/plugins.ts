/** What the executable is as a plugin; what the verbs do is loaded when one is called. */
import type { Commands, Io } from "../lib/cni/run.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import type { Verbs } from "./interface-plugin.ts";

/** The capabilities that the plugins do something about. */
const honoured = ["ips", "mac", "dns", "aliases"];

/** The plugin that goes by the name the executable was called by. */
export function pluginNamed(called: string, ffi: Ffi, io: Io, version: string): Commands {
  const ipam = called === "socketplane-ipam";
  const load = async (): Promise<Verbs> => {
    const [{ pluginWorld }, verbs] = await Promise.all([
      import("./world.ts"),
      ipam
        ? import("./ipam-plugin.ts").then((loaded) => loaded.ipamPlugin)
        : import("./interface-plugin.ts").then((loaded) => loaded.interfacePlugin),
    ]);
    return verbs(pluginWorld(ffi, io));
  };
  return {
    about: ipam
      ? `SocketPlane ${version}: cluster-wide addresses, under any interface plugin`
      : `SocketPlane ${version}: one flat network for containers on many machines`,
    honours: () => honoured,
    add: async (request) => (await load()).add(request),
    check: async (request) => (await load()).check(request),
    del: async (request) => (await load()).del(request),
    gc: async (request) => (await load()).gc(request),
    status: async (request) => (await load()).status(request),
  };
}
