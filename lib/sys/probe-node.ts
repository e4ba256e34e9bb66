/** How VERSION is asked and answered under Node. See probe-bun.ts. */

/** All of stdin; undefined when it has no end in time, milliseconds, or can't be read. */
export async function probeStdin(ms: number): Promise<string | undefined> {
  const read = async () => {
    let text = "";
    process.stdin.setEncoding("utf8");
    for await (const piece of process.stdin) text += piece;
    return text;
  };
  const late = new Promise<undefined>((done) => setTimeout(() => done(undefined), ms));
  try {
    return await Promise.race([read(), late]);
  } catch {
    return undefined;
  }
}

/** Prints one line and leaves: what still waits for stdin is left behind. */
export function printAndLeave(line: string): never {
  console.log(line);
  return process.exit(0);
}
