/**
 * Ends this process when a test hangs: our calls block the thread, and Vitest, which lives on it,
 * can't end what blocks it.
 */
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll } from "vitest";

/** Milliseconds for a whole file: far beyond what any takes. */
const limit = 180_000;

export function useWatchdog(): void {
  let dog: Worker | undefined;
  beforeAll(() => {
    const code = `setTimeout(() => {
      require("node:fs").writeSync(2, "a blocking call hangs\\n");
      process.kill(process.pid, "SIGKILL");
    }, ${limit});`;
    dog = new Worker(code, { eval: true });
    dog.unref();
  });
  afterAll(async () => {
    await dog?.terminate();
  });
}
