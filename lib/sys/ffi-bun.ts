/**
 * The back end for Bun. See ffi.ts.
 *
 * By what `bun:ffi` is made of, without that module: *measured*, it costs a command 0.5 ms, for
 * conversions of arguments that are numbers already.
 */
import type { Argument, Ffi } from "./ffi.ts";
import { abiOf } from "./syscalls.ts";

interface Signature {
  readonly args: readonly "i64_fast"[];
  readonly returns: "i64_fast" | "i32" | "ptr";
}

/** As much of it as is used here. */
export interface BunFfi {
  /** Gives, and does not throw, an error. */
  readonly dlopen: <T extends Readonly<Record<string, Signature>>>(
    library: string,
    signatures: T,
  ) => Error | { readonly symbols: { readonly [K in keyof T]: Native } };
  /** Throws for empty memory. */
  readonly ptr: (bytes: Uint8Array) => number;
  readonly read: { readonly i32: (address: number, offset: number) => number };
}

/** Bun's own types would replace Node's globals. */
declare const Bun: { readonly FFI: BunFfi };

/** Numbers, as long as they have no more than 53 bits. */
type Native = (...args: readonly number[]) => number;

const { dlopen, ptr, read } = Bun.FFI;

// Takes and gives numbers wherever 53 bits hold them; an address does.
const word = "i64_fast";

export function openFfi(): Ffi {
  const abi = abiOf(process.arch);
  const { syscall, __errno_location } = fromLibc({
    syscall: { args: [word, word, word, word, word, word, word], returns: word },
    __errno_location: { args: [], returns: "ptr" },
  });
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
      const { [name]: found } = fromLibc({
        [name]: { args: [word, word, word, word, word, word], returns: "i32" },
      });
      if (found === undefined) throw new Error(`libc has no function "${name}"`);
      return (a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) =>
        found(wordOf(a), wordOf(b), wordOf(c), wordOf(d), wordOf(e), wordOf(f));
    },
  };
}

function fromLibc<T extends Readonly<Record<string, Signature>>>(signatures: T) {
  const opened = dlopen("libc.so.6", signatures);
  if (opened instanceof Error) throw opened;
  return opened.symbols;
}

const wordOf = (argument: Argument): number =>
  typeof argument === "number" ? argument : addressOf(argument);

/** ptr() refuses empty memory. */
const addressOf = (bytes: Uint8Array): number => (bytes.length === 0 ? 0 : ptr(bytes));
