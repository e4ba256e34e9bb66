/**
 * Keeps a log that other programs add to from growing without end: what they have open is the file,
 * so it is not renamed but copied and emptied. What they write in between is lost.
 *
 * Sources: open(2) "O_APPEND", logrotate(8) "copytruncate".
 */
import { copyFileSync, statSync, truncateSync } from "node:fs";
import type { LogLimit } from "./processes.ts";

/** Looks at it again and again, until what it gives is called. */
export function limitLog(path: string, older: string, limit: LogLimit): () => void {
  const timer = setInterval(() => shorten(path, older, limit.bytes), limit.everyMs);
  return () => clearInterval(timer);
}

function shorten(path: string, older: string, most: number): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= most) return;
  try {
    copyFileSync(path, older);
  } catch {
    // There is no room for a copy: the more must it be emptied.
  }
  truncateSync(path);
}
