/**
 * With CNI_COMMAND in the environment it is a CNI plugin; without, `socketplane` is the operator's
 * command, and `socketplane-ipam` says what it is.
 */
import { openFfi } from "#ffi";
import { runPlugin } from "../lib/cni/run.ts";
import type { Input } from "../lib/cni/stdin.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { version } from "../package.json" with { type: "json" };
import { calledAs, processIo } from "./io.ts";
import { pluginNamed } from "./plugins.ts";

/**
 * Runs what was asked for, and ends the process with its exit status. `input` is what a plugin's
 * standard input said, where it was read already.
 */
export async function main(input?: Input): Promise<void> {
  const ffi = openFfi();
  // By the system call: the runtime's own way out costs 0.4 ms.
  ffi.call("exit_group", await run(ffi, input));
}

async function run(ffi: Ffi, input: Input | undefined): Promise<number> {
  const { env, argv } = process;
  const called = calledAs();
  if (env.CNI_COMMAND || called === "socketplane-ipam") {
    const io = processIo(ffi, env);
    return runPlugin(io, pluginNamed(called, ffi, io, version), input);
  }
  const { runCommand } = await import("#command");
  return runCommand(ffi, argv.slice(2), version);
}
