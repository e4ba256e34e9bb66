/** The thread of many.ts: runs its cases one after the other and tells what came of them. */
import { parentPort, workerData } from "node:worker_threads";
import { type Finding, type Target, targetOf, tryCase } from "./case.ts";
import type { Range, Report } from "./many.ts";

/** How many different findings are told. */
const enough = 10;

const {
  seed,
  count,
  targets: path,
  current,
} = workerData as Required<Range> & {
  readonly current: SharedArrayBuffer;
};
const { targets }: { readonly targets: readonly Target[] } = await import(path);
const now = new Uint32Array(current);
const tally: Record<string, { taken: number; refused: number }> = {};
const findings: Finding[] = [];
const told = new Set<string>();
/** The first lines of a stack: a fault is told once, by the first case that has it. */
const placeOf = ({ target, fault }: Finding) =>
  `${target} ${fault.split("\n").slice(1, 3).join(" ") || fault}`;

for (let at = seed; at < seed + count && findings.length < enough; at += 1) {
  now[0] = at;
  const target = targetOf(targets, at);
  const { outcome, finding } = await tryCase(target, at);
  const counted = tally[target.name] ?? { taken: 0, refused: 0 };
  counted[outcome] += 1;
  tally[target.name] = counted;
  if (finding === undefined || told.has(placeOf(finding))) continue;
  told.add(placeOf(finding));
  findings.push(finding);
}
parentPort?.postMessage({ findings, tally } satisfies Report);
