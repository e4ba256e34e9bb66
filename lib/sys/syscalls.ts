/**
 * Numbers of the system calls in use, for x64 and arm64. Where an architecture has an older and a
 * newer call for one thing, the one that both have is used (openat, not open; statx, whose
 * structure is the same on both).
 *
 * Sources: arch/x86/entry/syscalls/syscall_64.tbl; include/uapi/asm-generic/unistd.h (arm64);
 * asm-generic/fcntl.h; arch/arm64/include/uapi/asm/fcntl.h.
 */

const x64 = {
  bind: 49,
  clock_gettime: 228,
  close: 3,
  close_range: 436,
  connect: 42,
  dup3: 292,
  exit_group: 231,
  fchmod: 91,
  fcntl: 72,
  flock: 73,
  fstatfs: 138,
  fsync: 74,
  getdents64: 217,
  geteuid: 107,
  getpgid: 121,
  getpid: 39,
  getsockopt: 55,
  ioctl: 16,
  linkat: 265,
  lseek: 8,
  mkdirat: 258,
  nanosleep: 35,
  openat: 257,
  pidfd_open: 434,
  pidfd_send_signal: 424,
  ppoll: 271,
  read: 0,
  recvfrom: 45,
  renameat2: 316,
  rt_sigprocmask: 14,
  sendto: 44,
  setns: 308,
  setsockopt: 54,
  socket: 41,
  statx: 332,
  unlinkat: 263,
  unshare: 272,
  wait4: 61,
  write: 1,
} as const;

export type SyscallName = keyof typeof x64;
export type Syscalls = Readonly<Record<SyscallName, number>>;

const arm64: Syscalls = {
  bind: 200,
  clock_gettime: 113,
  close: 57,
  close_range: 436,
  connect: 203,
  dup3: 24,
  exit_group: 94,
  fchmod: 52,
  fcntl: 25,
  flock: 32,
  fstatfs: 44,
  fsync: 82,
  getdents64: 61,
  geteuid: 175,
  getpgid: 155,
  getpid: 172,
  getsockopt: 209,
  ioctl: 29,
  linkat: 37,
  lseek: 62,
  mkdirat: 34,
  nanosleep: 101,
  openat: 56,
  pidfd_open: 434,
  pidfd_send_signal: 424,
  ppoll: 73,
  read: 63,
  recvfrom: 207,
  renameat2: 276,
  rt_sigprocmask: 135,
  sendto: 206,
  setns: 268,
  setsockopt: 208,
  socket: 198,
  statx: 291,
  unlinkat: 35,
  unshare: 97,
  wait4: 260,
  write: 64,
};

/** What differs between architectures. */
export interface Abi {
  readonly numbers: Syscalls;
  /** O_DIRECTORY and O_NOFOLLOW; the other flags in use are the same (lib/sys/io.ts). */
  readonly directory: number;
  readonly noFollow: number;
}

const abis: Readonly<Record<string, Abi>> = {
  x64: { numbers: x64, directory: 0o200000, noFollow: 0o400000 },
  arm64: { numbers: arm64, directory: 0o40000, noFollow: 0o100000 },
};

/** The ABI of `process.arch`. */
export function abiOf(architecture: string): Abi {
  const abi = abis[architecture];
  if (abi === undefined)
    throw new Error(`Cannot run on ${architecture}: its system calls are not known`);
  return abi;
}
