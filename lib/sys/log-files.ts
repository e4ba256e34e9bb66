/**
 * The driver of LogFiles (background.ts): reads what rotating-log.ts writes.
 *
 * What is followed is the file, not its name: when it was renamed it is read to its end, and then
 * the one that came after it. It is looked at now and then: inotify(7) would have to watch for
 * writes, renames and a folder that is not there yet, to be a fifth of a second sooner.
 */
import { readFileSync, statSync } from "node:fs";
import { setTimeout as pauseFor } from "node:timers/promises";
import { Failure } from "../errors.ts";
import type { LogFiles } from "./background.ts";
import { type LineSplitter, splitLines } from "./lines.ts";
import { logNames } from "./rotating-log.ts";
import { openTail, type Tail } from "./tail.ts";

const lookMs = 200;

export const logFiles: LogFiles = {
  size: (path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0,
  after: (path, size) => {
    try {
      return linesOf(readFileSync(path).subarray(size).toString("utf8"));
    } catch {
      // There is none, and so nothing was said.
      return [];
    }
  },
  read: async (path, { lines, follow, wanted }, onLine, signal) => {
    const first = await openTail(path);
    if (first === undefined && !follow) throw missing(path);
    const splitter = splitLines((line) => {
      if (wanted(line)) onLine(line);
    });
    const text = (await first?.readOn()) ?? "";
    // The last line may go on where this ends.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    const newest = linesOf(whole).filter(wanted);
    for (const line of await lastLines(path, first, newest, lines, wanted)) onLine(line);
    splitter.add(text.slice(whole.length));
    if (follow) await followOn(path, first, splitter, signal);
    else await first?.close();
    splitter.end();
  },
};

const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");

const missing = (path: string): Failure =>
  new Failure("io", `Cannot read the log ${path}: there is none`, {
    details: "An agent that is started in the background writes it: socketplane agent start",
  });

/** Those of the newest file, and of the older ones where there are not enough. */
async function lastLines(
  path: string,
  file: Tail | undefined,
  newest: readonly string[],
  count: number,
  wanted: (line: string) => boolean,
): Promise<readonly string[]> {
  const names = logNames(path);
  const at = await file?.placeIn(names);
  let lines = newest;
  for (const name of at === undefined ? [] : names.slice(at + 1)) {
    if (lines.length >= count) break;
    const older = await openTail(name);
    lines = [...linesOf((await older?.readOn()) ?? "").filter(wanted), ...lines];
    await older?.close();
  }
  return count === 0 ? [] : lines.slice(-count);
}

async function followOn(
  path: string,
  first: Tail | undefined,
  splitter: LineSplitter,
  signal: AbortSignal,
): Promise<void> {
  let file = first;
  while (!signal.aborted) {
    splitter.add((await file?.readOn()) ?? "");
    const next = await openNext(path, file);
    if (next === undefined) {
      await pauseFor(lookMs, undefined, { signal }).catch(() => {});
      continue;
    }
    // Nobody writes to the one before any more.
    splitter.add((await file?.readOn()) ?? "");
    splitter.end();
    await file?.close();
    file = next;
  }
  await file?.close();
}

/** The file that was begun when this one was full; undefined as long as this one is written to. */
async function openNext(path: string, file: Tail | undefined): Promise<Tail | undefined> {
  const names = logNames(path);
  const at = file === undefined ? 1 : await file.placeIn(names);
  // One that is no longer there was followed by the oldest that is.
  for (const name of names.slice(0, at).reverse()) {
    const next = await openTail(name);
    if (next !== undefined) return next;
  }
  return undefined;
}
