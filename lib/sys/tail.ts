/** One file that grows, read on from where it was read to last. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { Failure } from "../errors.ts";

export interface Tail {
  /** All that has come since. */
  readonly readOn: () => Promise<string>;
  /** Which of these names it has now; undefined if none. */
  readonly placeIn: (names: readonly string[]) => Promise<number | undefined>;
  readonly close: () => Promise<void>;
}

/** Undefined if there is none. Throws Failure "io" if it can't be opened. */
export async function openTail(path: string): Promise<Tail | undefined> {
  const file = await openIfThere(path);
  if (file === undefined) return undefined;
  // A character may be written in two pieces.
  const decoder = new TextDecoder();
  let at = 0;
  return {
    readOn: async () => {
      // Somebody has emptied it.
      if ((await file.stat()).size < at) at = 0;
      let text = "";
      for (;;) {
        const buffer = Buffer.alloc(1 << 16);
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) return text;
        at += bytesRead;
        text += decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
      }
    },
    placeIn: async (names) => {
      const { ino, dev } = await file.stat();
      for (const [index, name] of names.entries()) {
        const found = await stat(name).catch(() => undefined);
        if (found?.ino === ino && found.dev === dev) return index;
      }
      return undefined;
    },
    close: () => file.close(),
  };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (fault) {
    if (fault instanceof Error && "code" in fault && fault.code === "ENOENT") return undefined;
    throw new Failure("io", `Cannot read the log ${path}: it can't be opened`, { cause: fault });
  }
}
