/** Waiting for what comes by itself, with an end: for what has no event to wait for. */

/** Far beyond what anything should take, milliseconds. */
const patienceMs = 120_000;

/** Looks again and again until `look` gives something that is neither undefined nor false. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`Cannot see ${what}: it does not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
