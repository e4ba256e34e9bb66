/** How long a packet through the tunnel may be. See doctor.ts for the folder's note. */
import { type Found, nameOf, type ProbeWorld, type Question, settle, small } from "./probe-ask.ts";

/** How many lengths are tried at once: one that is lost takes its time to be known so. */
const lengthsAtOnce = 16;

const patience = { asks: [0, 120], ms: 350 } as const;

/** Bytes that pass, and that do not. */
interface Bounds {
  readonly passes: number;
  readonly fails: number;
}

/**
 * The longest echo that comes back from each, bytes. They answer one of few bytes, and none as long
 * as the network's MTU.
 */
export async function searchLargest(
  world: ProbeWorld,
  look: () => void,
  cut: readonly Found[],
): Promise<readonly number[]> {
  let bounds = cut.map(({ way }): Bounds => ({ passes: small, fails: way.link.mtu }));
  for (;;) {
    const questions = cut.flatMap((found, at) =>
      lengthsBetween(bounds[at]).map((size) => askLength(found, size)),
    );
    if (questions.length === 0) return bounds.map(({ passes }) => passes);
    await settle(world, look, questions, patience);
    bounds = bounds.map((one, at) => narrowed(one, (size) => isAnswered(cut[at], size)));
  }
}

/** Pure: some lengths that are not decided yet, evenly apart. */
export function lengthsBetween(bounds: Bounds | undefined): readonly number[] {
  const { passes, fails } = bounds ?? { passes: 0, fails: 0 };
  const between = Math.max(0, fails - passes - 1);
  const count = Math.min(between, lengthsAtOnce);
  const step = (between + 1) / (count + 1);
  return Array.from({ length: count }, (_, at) => passes + Math.floor((at + 1) * step));
}

/** Pure: what is known when those lengths were tried. */
export function narrowed(bounds: Bounds, hasPassed: (size: number) => boolean): Bounds {
  const lengths = lengthsBetween(bounds);
  const passes = Math.max(bounds.passes, ...lengths.filter(hasPassed));
  return { passes, fails: Math.min(bounds.fails, ...lengths.filter((size) => size > passes)) };
}

const askLength = (found: Found, size: number): Question => ({
  ask: () => {
    const { echoes, target } = found;
    echoes.ask(nameOf(target, size), { family: 4, address: target }, size);
  },
  isSettled: () => isAnswered(found, size),
});

const isAnswered = (found: Found | undefined, size: number): boolean =>
  found?.echoes.answer(nameOf(found.target, size)) === "answered";
