/**
 * Standard output and error as a log file that does not grow without end: who writes it renames it
 * when it is full, and what the runtime itself says, when it crashes too, goes to the same file.
 *
 * Sources: dup(2), renameat2(2), logrotate(8) for the names.
 */
import { asFailure } from "../errors.ts";
import { bytesOfText } from "../text.ts";
import type { Ffi } from "./ffi.ts";
import { makeParents } from "./folder.ts";
import { cString, cwd, writeText } from "./io.ts";
import { openLog } from "./programs.ts";
import { statAt, statOf } from "./stat.ts";

export interface Limits {
  /** Of one file. */
  readonly bytes: number;
  /** The one that is written to among them: agent.log, agent.log.1, agent.log.2. */
  readonly files: number;
}

export const usualLimits: Limits = { bytes: 10 << 20, files: 3 };

/** Names of a log's files, the newest first. */
export const logNames = (path: string, { files } = usualLimits): readonly string[] =>
  Array.from({ length: files }, (_, number) => (number === 0 ? path : `${path}.${number}`));

/**
 * From now on the process's standard output and error go to the file. Gives what writes a text to
 * it. Throws SysError "io" if it can't be opened; later on, what can't be written is lost: a disk
 * that is full must not end who says so.
 */
export function logToFile(ffi: Ffi, path: string, limits = usualLimits): (text: string) => void {
  let file = open(ffi, path);
  const isTheirs = () => statAt(ffi, path)?.id !== file.id;
  return (text) => {
    const { length } = bytesOfText(text);
    try {
      // Somebody else has renamed or removed it: their right, too.
      if (isTheirs()) file = open(ffi, path);
      if (file.size > 0 && file.size + length > limits.bytes) {
        rotate(ffi, path, limits);
        file = open(ffi, path);
      }
      writeText(ffi, 2, text, `"${path}"`);
      file = { ...file, size: file.size + length };
    } catch (fault) {
      // Only a refusal by the kernel is expected here.
      if (asFailure(fault).kind === "internal") throw fault;
    }
  };
}

function open(ffi: Ffi, path: string): { readonly id: string; readonly size: number } {
  makeParents(ffi, path);
  const { fd, close } = openLog(ffi, path);
  try {
    for (const stream of [1, 2]) ffi.call("dup3", fd, stream, 0);
    return statOf(ffi, fd, path);
  } finally {
    close();
  }
}

/** The oldest goes. */
function rotate(ffi: Ffi, path: string, limits: Limits): void {
  const names = logNames(path, limits);
  for (let age = names.length - 1; age > 0; age -= 1) {
    const [from = path, to = path] = [names[age - 1], names[age]];
    ffi.call("renameat2", cwd, cString(from), cwd, cString(to), 0);
  }
}
