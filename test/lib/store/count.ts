/**
 * Counts in a file store as one process of many: node count.ts <folder> <times> <filler>, with so
 * many characters of something else in each commit.
 * Writes the count to standard output after each commit, as a killed process must not flush later.
 */
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { deadlineIn } from "../../../lib/deadline.ts";
import { compareAndSwap } from "../../../lib/store/cas.ts";
import { openAt } from "./lab.ts";

const [, , path = "", times = "", length = ""] = process.argv;
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
    const filler = { put: `filler/${process.pid}`, value: "x".repeat(Number(length)) };
    const writes = [{ put: "counter", value: String(value) }, filler];
    return { txn: { compares: [compare], writes }, value };
  });
  writeSync(1, `${value}\n`);
}
await store.close();
