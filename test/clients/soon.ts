/** Waiting for what others do in their own time. */
import { setTimeout as sleep } from "node:timers/promises";

const patienceMs = 20_000;

/** Returns when the condition holds; throws an Error that names it if it does not come to hold. */
export async function soon(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const until = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`It has not come to be: ${what}`);
    await sleep(20);
  }
}
