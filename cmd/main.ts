/**
 * With CNI_COMMAND in the environment it is a CNI plugin; without, `socketplane` is the operator's
 * command, and `socketplane-ipam` says what it is.
 */
import { openFfi } from "#ffi";
import { runPlugin } from "../lib/cni/run.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { version } from "../package.json" with { type: "json" };
import { processIo } from "./io.ts";
import { pluginNamed } from "./plugins.ts";

/** Runs what was asked for, and ends the process with its exit status. */
export async function main(): Promise<void> {
  const ffi = openFfi();
  // By the system call: the runtime's own way out costs 0.4 ms.
  ffi.call("exit_group", await run(ffi));
}

async function run(ffi: Ffi): Promise<number> {
  const { env, argv0, argv } = process;
  const called = argv0.slice(argv0.lastIndexOf("/") + 1);
  if (env.CNI_COMMAND || called === "socketplane-ipam") {
    const io = processIo(ffi, env);
    return runPlugin(io, pluginNamed(called, ffi, io, version));
  }
  const { runCommand } = await import("./command.ts");
  // Handed over, not loaded from there: what two load is a chunk of its own, and costs an ADD.
  const plugin = (its: typeof env) => pluginNamed("socketplane", ffi, processIo(ffi, its), version);
  return runCommand(ffi, argv.slice(2), version, plugin);
}
