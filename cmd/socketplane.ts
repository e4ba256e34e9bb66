/**
 * The entry of both executables: socketplane and socketplane-ipam are one file under two names.
 *
 * With CNI_COMMAND in the environment it is a CNI plugin; without, `socketplane` is the operator's
 * command, and `socketplane-ipam` says what it is. What is not needed is not loaded: VERSION and
 * STATUS are asked every few seconds, on every node.
 */
import { openFfi } from "#ffi";
import { runPlugin } from "../lib/cni/run.ts";
import { deleteLinkAndExit, deleteLinkVerb } from "../lib/sys/detached.ts";
import { version } from "../package.json" with { type: "json" };
import { processIo } from "./io.ts";
import { pluginNamed } from "./plugins.ts";

const ffi = openFfi();
const [, , first, second] = process.argv;

// By the system call: the runtime's own way out costs 0.4 ms.
if (first === deleteLinkVerb) deleteLinkAndExit(ffi, second ?? "");
else ffi.call("exit_group", await main());

async function main(): Promise<number> {
  const { env, argv0, argv } = process;
  const called = argv0.slice(argv0.lastIndexOf("/") + 1);
  if (env.CNI_COMMAND || called === "socketplane-ipam") {
    const io = processIo(ffi, env);
    return runPlugin(io, pluginNamed(called, ffi, io, version));
  }
  const { runCommand } = await import("./command.ts");
  return runCommand(ffi, argv.slice(2), version);
}
