/** The runtimes that have a back end of the FFI, as commands that take a script and its arguments. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("../../..", import.meta.url));

export const runtimes: Readonly<Record<"bun" | "node", readonly string[]>> = {
  bun: [join(top, "node_modules/.bin/bun"), "run"],
  node: [join(top, "node_modules/.bin/node"), "--disable-warning=ExperimentalWarning"],
};

/** The path of a program beside the tests. */
export const programAt = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A clock and a deadline for tests: far beyond what anything here takes. */
export const clock = (): number => performance.now();
