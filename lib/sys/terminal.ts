/**
 * Whether a descriptor is a terminal's, and how wide that is. The runtime's own streams tell it
 * too, but *measured*, making one takes as long as all the rest of a short command.
 *
 * Source: tty_ioctl(4).
 */
import type { Ffi } from "./ffi.ts";

const TIOCGWINSZ = 0x5413;

/** Columns, 0 where the terminal doesn't say; undefined for what is no terminal. */
export function terminalWidth(ffi: Ffi, fd: number): number | undefined {
  // struct winsize: rows, columns, and both in pixels.
  const size = new Uint16Array(4);
  const answer = ffi.call("ioctl", fd, TIOCGWINSZ, new Uint8Array(size.buffer));
  return answer < 0 ? undefined : size[1];
}
