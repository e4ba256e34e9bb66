/** The back end for Node 26. See ffi.ts. */
import { dlopen, getInt32, getRawPointer } from "node:ffi";
import type { Argument, Ffi } from "./ffi.ts";
import { abiOf } from "./syscalls.ts";

export function openFfi(): Ffi {
  const abi = abiOf(process.arch);
  // The library is the process itself: libc is in it under whatever name.
  const { lib, functions } = dlopen(null, {
    syscall: { arguments: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], return: "i64" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  const { syscall, __errno_location } = functions;
  // errno's address is the same as long as the thread lives, and an Ffi cannot leave its thread.
  const errno = __errno_location();
  return {
    abi,
    call: (name, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) => {
      const result = syscall(
        BigInt(abi.numbers[name]),
        wordOf(a),
        wordOf(b),
        wordOf(c),
        wordOf(d),
        wordOf(e),
        wordOf(f),
      );
      return result === -1n ? -getInt32(errno) : Number(result);
    },
    address: (bytes) => Number(getRawPointer(bytes)),
    libc: (name) => {
      const found = lib.getFunction(name, {
        arguments: ["i64", "i64", "i64", "i64", "i64", "i64"],
        return: "i32",
      });
      return (a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) =>
        found(wordOf(a), wordOf(b), wordOf(c), wordOf(d), wordOf(e), wordOf(f));
    },
  };
}

function wordOf(argument: Argument): bigint {
  return typeof argument === "number" ? BigInt(argument) : getRawPointer(argument);
}
