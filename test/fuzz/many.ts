/** Cases by the thousand, in a thread of their own: one that never ends is noticed from outside. */
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { seeded } from "../lib/random.ts";
import { type Finding, shownInput, type Target, targetOf } from "./case.ts";

/** Which cases; `targets` is the path of a module that exports them. */
export interface Range {
  readonly seed: number;
  readonly count: number;
  readonly targets?: string;
  /** Milliseconds that one case may take. */
  readonly patienceMs?: number;
}

export interface Report {
  readonly findings: readonly Finding[];
  /** By target. */
  readonly tally: Readonly<Record<string, { readonly taken: number; readonly refused: number }>>;
}

/** On whatever machine: some thousand times what a case does take. */
const usualPatienceMs = 30_000;

const ourTargets = fileURLToPath(new URL("targets.ts", import.meta.url));

/** Runs them; a case that does not end is a finding, and the last. */
export async function runCases(range: Range): Promise<Report> {
  const path = range.targets ?? ourTargets;
  const { targets }: { readonly targets: readonly Target[] } = await import(path);
  const current = new SharedArrayBuffer(4);
  const seed = new Uint32Array(current);
  const worker = new Worker(new URL("worker.ts", import.meta.url), {
    workerData: { ...range, targets: path, current },
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  let seen: number | undefined;
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Report>((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
      watch = setInterval(() => {
        const now = seed[0] ?? 0;
        if (now === seen) resolve({ findings: [hung(targets, now)], tally: {} });
        seen = now;
      }, range.patienceMs ?? usualPatienceMs);
    });
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

function hung(targets: readonly Target[], seed: number): Finding {
  const { name, make } = targetOf(targets, seed);
  const input = shownInput(make(seeded(seed)).input);
  return { target: name, seed, input, fault: "it does not end" };
}
