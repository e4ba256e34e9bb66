/** Some thousand broken inputs; `npm run fuzz` takes more. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCases } from "./many.ts";
import { runProcesses } from "./processes.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

test("parsers give a value or a reason, whatever comes", async () => {
  const { findings, tally } = await runCases({ seed: 1, count: 8000 });
  expect(findings).toEqual([]);
  // Both ways are walked: neither all broken nor all whole.
  const total = { taken: 0, refused: 0 };
  for (const [target, { taken, refused }] of Object.entries(tally)) {
    expect(taken + refused, target).toBeGreaterThan(300);
    total.taken += taken;
    total.refused += refused;
  }
  expect(total.taken).toBeGreaterThan(1000);
  expect(total.refused).toBeGreaterThan(1000);
});

test("whole processes answer, whatever comes, and GC takes away what they have left", async () => {
  const { findings, tally } = await runProcesses({ seed: 1, count: 60 });
  expect(findings).toEqual([]);
  expect(Object.keys(tally)).toHaveLength(3);
});

test("a fault is found, and told with the number of its case", async () => {
  const range = { seed: 1, count: 2000, targets: pathOf("faulty-targets.ts") };
  const { findings } = await runCases(range);
  const found = findings.map(({ target }) => target);
  expect(found.sort()).toEqual([
    "a fault of ours",
    "a message not as ours",
    "a prototype",
    "a stack trace",
    "another exception",
  ]);
  for (const { seed, target, fault } of findings) {
    const again = await runCases({ ...range, seed, count: 1 });
    expect(again.findings, target).toMatchObject([{ seed, target, input: "7" }]);
    expect(fault).not.toBe("");
  }
});

test("a case that never ends is found", async () => {
  const range = { seed: 5, count: 2, targets: pathOf("endless-target.ts"), patienceMs: 500 };
  const { findings } = await runCases(range);
  expect(findings).toEqual([{ seed: 5, target: "endless", input: "1", fault: "it does not end" }]);
});
