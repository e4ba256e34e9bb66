/** The back end for Bun. See ffi.ts. */
import { dlopen, ptr, read } from "bun:ffi";
import type { Argument, Ffi } from "./ffi.ts";
import { abiOf } from "./syscalls.ts";

const library = "libc.so.6";

// Takes and gives numbers wherever 53 bits hold them; an address does.
const word = "i64_fast";

export function openFfi(): Ffi {
  const abi = abiOf(process.arch);
  const { syscall, __errno_location } = dlopen(library, {
    syscall: { args: [word, word, word, word, word, word, word], returns: word },
    __errno_location: { args: [], returns: "ptr" },
  }).symbols;
  // errno's address is the same as long as the thread lives, and an Ffi cannot leave its thread.
  const errno = __errno_location();
  return {
    abi,
    call: (name, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) => {
      // In line: a function for it would be called a thousand times in an ADD.
      const result = syscall(
        abi.numbers[name],
        typeof a === "number" ? a : addressOf(a),
        typeof b === "number" ? b : addressOf(b),
        typeof c === "number" ? c : addressOf(c),
        typeof d === "number" ? d : addressOf(d),
        typeof e === "number" ? e : addressOf(e),
        typeof f === "number" ? f : addressOf(f),
      );
      return result === -1 ? -read.i32(errno, 0) : result;
    },
    address: (bytes) => ptr(bytes),
    libc: (name) => {
      const { [name]: found } = dlopen(library, {
        [name]: { args: [word, word, word, word, word, word], returns: "i32" },
      }).symbols;
      if (found === undefined) throw new Error(`libc has no function "${name}"`);
      return (a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) =>
        found(wordOf(a), wordOf(b), wordOf(c), wordOf(d), wordOf(e), wordOf(f));
    },
  };
}

const wordOf = (argument: Argument): number =>
  typeof argument === "number" ? argument : addressOf(argument);

/** ptr() refuses empty memory. */
const addressOf = (bytes: Uint8Array): number => (bytes.length === 0 ? 0 : ptr(bytes));
