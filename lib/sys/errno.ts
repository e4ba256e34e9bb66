/**
 * errnos: their numbers, names and words, and the error that carries one.
 *
 * Sources: asm-generic/errno-base.h, asm-generic/errno.h (x64 and arm64 use both as they are).
 */
import { Failure, type FailureKind } from "../errors.ts";

const table = {
  EPERM: [1, "that is not permitted"],
  ENOENT: [2, "there is no such thing"],
  ESRCH: [3, "there is no such process or entry"],
  EINTR: [4, "it was interrupted by a signal"],
  EIO: [5, "the device failed to read or write"],
  ENXIO: [6, "there is no such device or address"],
  E2BIG: [7, "the list of arguments is too long"],
  EBADF: [9, "the file descriptor is not open"],
  ECHILD: [10, "there is no such child process"],
  EAGAIN: [11, "it would have to wait"],
  ENOMEM: [12, "no memory is left"],
  EACCES: [13, "permission is denied"],
  EFAULT: [14, "the address is not valid"],
  EBUSY: [16, "it is in use"],
  EEXIST: [17, "it is already there"],
  EXDEV: [18, "it is on another file system"],
  ENODEV: [19, "there is no such device"],
  ENOTDIR: [20, "part of the path is not a folder"],
  EISDIR: [21, "it is a folder"],
  EINVAL: [22, "it is not valid"],
  ENFILE: [23, "the machine has too many files open"],
  EMFILE: [24, "this process has too many files open"],
  ENOTTY: [25, "it does not take that request"],
  EFBIG: [27, "the file would be too large"],
  ENOSPC: [28, "no space left on device"],
  EROFS: [30, "the file system is read-only"],
  EMLINK: [31, "it has too many links"],
  EPIPE: [32, "the reader has gone"],
  ERANGE: [34, "it is out of range"],
  EDEADLK: [35, "it would wait for itself"],
  ENAMETOOLONG: [36, "the name is too long"],
  ENOSYS: [38, "this kernel does not have that call"],
  ENOTEMPTY: [39, "the folder is not empty"],
  ELOOP: [40, "it is a symlink, or leads through too many"],
  EOVERFLOW: [75, "the value is too large"],
  ENOTSOCK: [88, "it is not a socket"],
  EMSGSIZE: [90, "the message is too long"],
  EPROTOTYPE: [91, "it is a socket of another type"],
  EOPNOTSUPP: [95, "this kernel does not support that"],
  EAFNOSUPPORT: [97, "this kernel does not have that address family"],
  EADDRINUSE: [98, "the address is in use"],
  EADDRNOTAVAIL: [99, "the address is not available"],
  ENETDOWN: [100, "the network is down"],
  ENETUNREACH: [101, "the network cannot be reached"],
  ECONNRESET: [104, "the peer has closed the connection"],
  ENOBUFS: [105, "no buffer space is left"],
  ENOTCONN: [107, "it is not connected"],
  ETIMEDOUT: [110, "the time is up"],
  ECONNREFUSED: [111, "nobody listens there"],
  EHOSTUNREACH: [113, "the host cannot be reached"],
  EDQUOT: [122, "the disk quota is used up"],
} as const;

export type ErrnoName = keyof typeof table;

/** Looked up when there is an error, which is not at every start. */
function byNumber(wanted: number): readonly [name: ErrnoName, words: string] | undefined {
  for (const [name, [number, words]] of Object.entries(table)) {
    if (number === wanted) return [name as ErrnoName, words];
  }
  return undefined;
}

/** The positive number of an errno. */
export const errno = (name: ErrnoName): number => table[name][0];

/** What to do about those that people can do something about. */
const advice: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space, or inodes, on the file system it is on (see df and df -i).",
  EDQUOT: "Raise the quota, or free some space on the file system it is on.",
  EROFS: "Mount the file system it is on writable, or choose another folder.",
  EACCES: "SocketPlane must run as root, and no LSM may forbid it this.",
  EPERM: "SocketPlane must run as root, with CAP_NET_ADMIN and CAP_SYS_ADMIN.",
};

/** What was tried, for the message "Cannot <action> <subject>: <state>". */
export interface Attempt {
  /** "create", "open", ... */
  readonly action: string;
  /** With its quotes: `link "eth0"`. */
  readonly subject: string;
  /** The system call or message that was refused: "openat", "RTM_NEWLINK". */
  readonly call: string;
  /** "kernel-refused" unless it says otherwise. */
  readonly kind?: FailureKind;
  /** What the kernel said in its own words (netlink's extended acknowledgement). */
  readonly text?: string | undefined;
}

/** A refusal by the kernel, in words. */
export class SysError extends Failure {
  /** "EEXIST"; "errno 200" for one without a name here. */
  readonly errno: ErrnoName | `errno ${number}`;
  /** The positive errno. */
  readonly number: number;
  readonly call: string;
  readonly subject: string;

  constructor(number: number, attempt: Attempt) {
    const [name, words] = byNumber(number) ?? [`errno ${number}` as const, "it was refused"];
    const text = attempt.text === undefined ? "" : `: the kernel says "${attempt.text}"`;
    super(
      attempt.kind ?? "kernel-refused",
      `Cannot ${attempt.action} ${attempt.subject}: ${words} (${name})${text}`,
      { details: advice[name] },
    );
    this.errno = name;
    this.number = number;
    this.call = attempt.call;
    this.subject = attempt.subject;
  }
}

/** The result of a call that must succeed; throws SysError for a negative errno. */
export function succeed(result: number, attempt: Attempt): number {
  if (result < 0) throw new SysError(-result, attempt);
  return result;
}

/** True if the call's result is one of these errnos. */
export function failed(result: number, ...names: readonly ErrnoName[]): boolean {
  if (result >= 0) return false;
  for (const name of names) if (result === -errno(name)) return true;
  return false;
}

/** True for the error of a refusal with one of these errnos. */
export const refusedWith = (thrown: unknown, ...names: readonly ErrnoName[]): thrown is SysError =>
  thrown instanceof SysError && names.some((name) => name === thrown.errno);
