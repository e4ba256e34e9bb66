/**
 * `npm run fuzz`: broken input by the thousand. Each case has a number, and a faulty one is told
 * with the command that repeats it.
 */
import { parseArgs } from "node:util";
import type { Finding } from "./case.ts";
import { runCases } from "./many.ts";
import { runProcesses } from "./processes.ts";
import { record } from "./record.ts";

/** One in so many is a whole process. */
const processShare = 50;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: `${Date.now() % 1_000_000_000}` },
    count: { type: "string", default: "100000" },
    processes: { type: "string" },
    record: { type: "boolean", default: false },
  },
});

if (values.record) {
  await record();
} else {
  const seed = Number(values.seed);
  const all = Number(values.count);
  const processes = Number(values.processes ?? Math.floor(all / processShare));
  const count = all - processes;
  console.log(`seed ${seed}: ${count} inputs for parsers, ${processes} for whole processes`);
  const inside = await runCases({ seed, count });
  tell(inside.findings, "--processes=0");
  const outside = await runProcesses({ seed, count: processes });
  tell(outside.findings, "--processes=1");
  console.table({ ...inside.tally, ...outside.tally });
  const found = inside.findings.length + outside.findings.length;
  console.log(`${found === 0 ? "no" : found} findings`);
  process.exitCode = found === 0 ? 0 : 1;
}

function tell(findings: readonly Finding[], which: string): void {
  for (const { target, seed, input, fault } of findings) {
    console.log(`\n${target}: npm run fuzz -- --seed=${seed} --count=1 ${which}`);
    console.log(`input: ${input}\n${fault}`);
  }
}
