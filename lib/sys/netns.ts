/**
 * Network namespaces by path, and acting inside one for a moment.
 *
 * Invariant: the thread is never left in another namespace than its own.
 * Sources: setns(2), unshare(2), ioctl_ns(2), statx(2).
 */
import { Failure } from "../errors.ts";
import { failed, succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { cString, cwd, O, writeText } from "./io.ts";
import type { Netns } from "./kernel.ts";
import { statAt, statOf } from "./stat.ts";

const CLONE_NEWNET = 0x40000000;
const NS_GET_NSTYPE = 0xb703;

/** The namespace of the calling thread; /proc/self is that of the first thread. */
const ownPath = "/proc/thread-self/ns/net";

/** Opens a namespace; undefined if the path does not exist. */
export function openNetns(ffi: Ffi, path: string): Netns | undefined {
  // A pipe in its place must not hold us up: O_NONBLOCK.
  const fd = ffi.call("openat", cwd, cString(path), O.rdonly | O.cloexec | O.nonblock);
  // ESRCH: the process of /proc/<pid>/ns/net is ending.
  if (failed(fd, "ENOENT", "ESRCH")) return undefined;
  const attempt = { action: "open network namespace", subject: path, call: "openat" };
  succeed(fd, { ...attempt, kind: "invalid-netns" });
  const type = ffi.call("ioctl", fd, NS_GET_NSTYPE);
  if (type !== CLONE_NEWNET) {
    ffi.call("close", fd);
    throw new Failure(
      "invalid-netns",
      `Cannot open network namespace ${path}: it is no network namespace`,
    );
  }
  return { path, fd, id: statOf(ffi, fd, path).id };
}

/** The namespace of the calling thread. */
export function ownNetns(ffi: Ffi): Netns {
  const own = openNetns(ffi, ownPath);
  if (own !== undefined) return own;
  throw new Failure("kernel-refused", `Cannot open ${ownPath}: /proc is not mounted`);
}

/** Whether a path leads to the namespace of the calling thread; false if it leads nowhere. */
export function isOwnNetns(ffi: Ffi, path: string): boolean {
  const found = statAt(ffi, path);
  return found !== undefined && found.id === statAt(ffi, ownPath)?.id;
}

/**
 * A new namespace, that lasts as long as the descriptor, or a process in it. Its loopback is down.
 * Throws SysError if the kernel makes none.
 */
export function createNetns(ffi: Ffi): Netns {
  const attempt = { action: "create", subject: "a network namespace", call: "unshare" };
  const leave = () => succeed(ffi.call("unshare", CLONE_NEWNET), attempt);
  const made = elsewhere(ffi, "a new network namespace", leave, () => ownNetns(ffi));
  // For other processes and threads: by ownPath they would find their own.
  return { ...made, path: `/proc/${process.pid}/fd/${made.fd}` };
}

/** Acts inside a namespace, and comes back. Throws SysError if it can't be entered. */
export function inside<T>(ffi: Ffi, netns: Netns, act: () => T): T {
  const attempt = { action: "enter network namespace", subject: netns.path, call: "setns" };
  const leave = () => succeed(ffi.call("setns", netns.fd, CLONE_NEWNET), attempt);
  return elsewhere(ffi, `network namespace ${netns.path}`, leave, act);
}

function elsewhere<T>(ffi: Ffi, place: string, leave: () => void, act: () => T): T {
  const own = openOwn(ffi);
  try {
    leave();
    try {
      return act();
    } finally {
      if (ffi.call("setns", own, CLONE_NEWNET) !== 0) abandon(ffi, place);
    }
  } finally {
    ffi.call("close", own);
  }
}

/** To come back by: nothing is to be known of it. */
function openOwn(ffi: Ffi): number {
  const fd = ffi.call("openat", cwd, cString(ownPath), O.rdonly | O.cloexec);
  const subject = `network namespace ${ownPath}`;
  return succeed(fd, { action: "open", subject, call: "openat" });
}

/** Whatever we did next would be done to the container: nothing is next. */
function abandon(ffi: Ffi, place: string): never {
  writeText(ffi, 2, `Cannot come back from ${place}\n`, "stderr");
  ffi.call("exit_group", 1);
  throw new Error("the process outlived its end");
}
