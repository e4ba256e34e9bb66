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
  const ffi: Ffi = {
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
  unblockSigusr1(ffi);
  return ffi;
}

const SIGUSR1 = 10;
const SIG_UNBLOCK = 1;

/** Node that is told to open no debugger for it leaves it blocked: it is to end us, as anywhere. */
function unblockSigusr1(ffi: Ffi): void {
  const mask = new Uint8Array(8);
  new DataView(mask.buffer).setBigUint64(0, 1n << BigInt(SIGUSR1 - 1), true);
  ffi.call("rt_sigprocmask", SIG_UNBLOCK, mask, 0, mask.length);
}

function wordOf(argument: Argument): bigint {
  return typeof argument === "number" ? BigInt(argument) : getRawPointer(argument);
}
