/**
 * The foreign function interface: how everything here reaches the kernel.
 *
 * One libc symbol, syscall(2), does nearly all of it, so that a runtime has little to bind at start
 * and both back ends (ffi-bun.ts and ffi-node.ts, chosen by the import `#ffi`) stay a page long.
 * Both export `openFfi: () => Ffi` and pass the same contract tests.
 */
import type { Abi, SyscallName } from "./syscalls.ts";

/**
 * A number must be whole and fit 64 bits as the kernel reads it (-100 for AT_FDCWD). Bytes are
 * passed by their address, which lives as long as the call; no bytes at all are passed as NULL.
 */
export type Argument = number | Uint8Array;

export interface Ffi {
  readonly abi: Abi;
  /**
   * syscall(2), with at most six arguments. Gives the result, or the negative errno: nothing is
   * thrown for it, lib/sys/errno.ts makes an error of it.
   */
  readonly call: (name: SyscallName, ...args: readonly Argument[]) => number;
  /**
   * The address of bytes, to be put inside another structure. The bytes do not move, but the caller
   * keeps them referenced until the kernel is done with the address.
   */
  readonly address: (bytes: Uint8Array) => number;
  /** A function of libc that takes at most six words and gives an int, for what is no system call. */
  readonly libc: (name: string) => (...args: readonly Argument[]) => number;
}
