/**
 * How VERSION is asked and answered under Bun, without FFI: *measured*, loading bun:ffi and what we
 * need around it costs 1.0 ms, a quarter of what starting nothing does; Bun's own stdin 0.5.
 */

const { reallyExit } = process as unknown as { reallyExit: (status: number) => never };

declare const Bun: {
  readonly stdin: { readonly text: () => Promise<string> };
  readonly sleep: (ms: number) => Promise<void>;
};

/** All of stdin; undefined when it has no end in time, milliseconds, or can't be read. */
export async function probeStdin(ms: number): Promise<string | undefined> {
  try {
    return (await Promise.race([Bun.stdin.text(), Bun.sleep(ms)])) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Prints one line and leaves: what still waits for stdin is left behind. */
export function printAndLeave(line: string): never {
  // process.stdout.write costs 7 ms at its first call.
  console.log(line);
  // process.exit, 0.4 ms more.
  return reallyExit(0);
}
