/**
 * main.ts as Node's executable has it: a script of its own beside the entry, read when it is needed,
 * with what V8 has made of it already. *Measured*: with all in one, VERSION took 1.2 times an empty
 * executable and a DEL 1.45; now 1.06 and 1.23. A cache that doesn't fit is told.
 */
import { writeFileSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { getAsset, getAssetKeys, getRawAsset } from "node:sea";
import { Script } from "node:vm";

interface Main {
  readonly main: () => Promise<void>;
}

export async function main(): Promise<void> {
  nameThread();
  const code = getAsset("main.cjs", "utf8");
  // What was built on a machine of another kind has none.
  const cachedData = getAssetKeys().includes("main.cache")
    ? new Uint8Array(getRawAsset("main.cache"))
    : undefined;
  const script = new Script(code, { filename: "socketplane", ...(cachedData && { cachedData }) });
  if (script.cachedDataRejected)
    tell("what V8 had made of this program at its build is not of use");
  const module: { exports: Partial<Main> } = { exports: {} };
  script.runInThisContext()(module, module.exports, require);
  await module.exports.main?.();
}

/** Node calls it node-MainThread; ps, pgrep and the kernel's log are to know it by its own name. */
function nameThread(): void {
  try {
    writeFileSync("/proc/self/comm", basename(process.argv0));
  } catch {
    // Without /proc there is nobody to read it, either.
  }
}

/** As lib/log.ts does, of which nothing is loaded yet. */
function tell(message: string): void {
  writeSync(2, `${JSON.stringify({ time: new Date(), level: "warn", message })}\n`);
}
