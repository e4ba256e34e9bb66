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
      const result = syscall(
        abi.numbers[name],
        wordOf(a),
        wordOf(b),
        wordOf(c),
        wordOf(d),
        wordOf(e),
        wordOf(f),
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

function wordOf(argument: Argument): number {
  if (typeof argument === "number") return argument;
  // ptr() refuses empty memory.
  return argument.length === 0 ? 0 : ptr(argument);
}
