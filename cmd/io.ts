/** stdin, stdout and stderr of this process, without the runtime's own streams (they cost 7 ms). */
import type { Io } from "../lib/cni/run.ts";
import type { Ffi } from "../lib/sys/ffi.ts";
import { writeText } from "../lib/sys/io.ts";
import { isOwnNetns } from "../lib/sys/netns.ts";
import { readSome } from "../lib/sys/stdin.ts";

/** The name that the executable was called by. */
export const calledAs = (): string => process.argv0.slice(process.argv0.lastIndexOf("/") + 1);

export const processIo = (ffi: Ffi, env: Io["env"]): Io => ({
  env,
  clock: () => performance.now(),
  readStdin: (deadline) => readSome(ffi, 0, "stdin", deadline),
  writeStdout: (text) => writeText(ffi, 1, text, "stdout"),
  writeStderr: (text) => writeText(ffi, 2, text, "stderr"),
  isOwnNetns: (path) => isOwnNetns(ffi, path),
});
