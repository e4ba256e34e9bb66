/** Numbers that look random and are the same in every run (mulberry32). */
export interface Random {
  /** A whole number from 0 to `below` - 1; `below` is at most 2^32. */
  readonly below: (below: number) => number;
  readonly one: <T>(of: readonly T[]) => T;
}

export function seeded(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return {
    below,
    one: (of) => {
      const found = of[below(of.length)];
      if (found === undefined) throw new Error("Cannot choose one of none");
      return found;
    },
  };
}
