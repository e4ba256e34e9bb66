/** What a descriptor or a path stands for. Source: statx(2), linux/stat.h. */
import { succeed } from "./errno.ts";
import type { Ffi } from "./ffi.ts";
import { cString, cwd } from "./io.ts";

const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
/** struct statx. */
const statxLength = 256;

export interface Stat {
  /** User id. */
  readonly owner: number;
  /** The permission bits, with set-user-id, set-group-id and sticky. */
  readonly mode: number;
  /** Device and inode: equal for two names of one thing. */
  readonly id: string;
  /** How many names it has: none once it was removed. */
  readonly links: number;
  /** Bytes, of a file. */
  readonly size: number;
}

/** Of an open descriptor. Throws SysError "io". */
export function statOf(ffi: Ffi, fd: number, path: string): Stat {
  const found = new Uint8Array(statxLength);
  const result = ffi.call("statx", fd, cString(""), AT_EMPTY_PATH, STATX_BASIC_STATS, found);
  succeed(result, { action: "look at", subject: `"${path}"`, call: "statx", kind: "io" });
  return decodeStatx(found);
}

/** Of what a path leads to; undefined if that can't be found out. */
export function statAt(ffi: Ffi, path: string): Stat | undefined {
  const found = new Uint8Array(statxLength);
  const result = ffi.call("statx", cwd, cString(path), 0, STATX_BASIC_STATS, found);
  return result < 0 ? undefined : decodeStatx(found);
}

function decodeStatx(statx: Uint8Array): Stat {
  const view = new DataView(statx.buffer, statx.byteOffset);
  const word = (at: number) => view.getUint32(at, true);
  return {
    links: word(16),
    owner: word(20),
    mode: view.getUint16(28, true) & 0o7777,
    // The device's two numbers, and the inode's halves: a bigint's first use has its price.
    get id() {
      return `${word(136)}:${word(140)}:${word(36)}:${word(32)}`;
    },
    size: word(44) * 2 ** 32 + word(40),
  };
}
