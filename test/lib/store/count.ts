/**
 * Counts in a file store as one process of many: node count.ts <folder> <times>.
 * Writes the count to standard output after each commit, as a killed process must not flush later.
 */
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { deadlineIn } from "../../../lib/deadline.ts";
import { compareAndSwap } from "../../../lib/store/cas.ts";
import { openAt } from "./lab.ts";

const [, , path = "", times = ""] = process.argv;
const store = openAt(path);
const deadline = deadlineIn(() => performance.now(), 60_000);
const deps = { store, sleep: (ms: number) => pause(ms), random: Math.random };

for (let count = 0; count < Number(times); count += 1) {
  const { value } = await compareAndSwap(deps, "count", deadline, async () => {
    const entry = await store.get("counter", deadline);
    const value = Number(entry?.value ?? 0) + 1;
    const compare =
      entry === undefined
        ? { absent: "counter" }
        : { key: "counter", modRevision: entry.modRevision };
    // Of a size that takes the kernel several writes, so that a kill finds it half written.
    const filler = { put: `filler/${process.pid}`, value: "x".repeat(100_000) };
    const writes = [{ put: "counter", value: String(value) }, filler];
    return { txn: { compares: [compare], writes }, value };
  });
  writeSync(1, `${value}\n`);
}
await store.close();
