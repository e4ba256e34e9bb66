/**
 * Keeps a log that other programs add to from growing without end: what they have open is the file,
 * so it is not renamed but its last part copied, and it is emptied. What they write in between is lost.
 *
 * Sources: open(2) "O_APPEND", logrotate(8) "copytruncate".
 */
import { closeSync, openSync, readSync, statSync, truncateSync, writeFileSync } from "node:fs";
import type { LogLimit } from "./processes.ts";

const newline = 0x0a;

/** Milliseconds between two looks while it grows fast. */
const soonMs = 2;

/** The part of its limit that it must have grown by since the last look, for that. */
const fast = 0.01;

/** Looks at it again and again, until what it gives is called. */
export function limitLog(path: string, older: string, limit: LogLimit): () => void {
  let before = 0;
  const look = () => {
    const { size, left } = shorten(path, older, limit.bytes);
    const isFast = size - before > fast * limit.bytes;
    before = left;
    timer = setTimeout(look, isFast ? Math.min(soonMs, limit.everyMs) : limit.everyMs);
  };
  let timer = setTimeout(look, limit.everyMs);
  return () => clearTimeout(timer);
}

/** Gives its size, before and after. */
function shorten(path: string, older: string, most: number) {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= most) return { size, left: size };
  try {
    copyLast(path, size - most, older, most);
  } catch {
    // There is no room for a copy: the more must it be emptied.
  }
  truncateSync(path);
  return { size, left: 0 };
}

/** What a fast writer had added by the time of the look may be far more than is kept. */
function copyLast(path: string, from: number, older: string, length: number): void {
  const bytes = new Uint8Array(length);
  const fd = openSync(path, "r");
  try {
    const read = readSync(fd, bytes, 0, length, from);
    const firstLine = bytes.indexOf(newline) + 1;
    writeFileSync(older, bytes.subarray(firstLine, read), { mode: 0o600 });
  } finally {
    closeSync(fd);
  }
}
