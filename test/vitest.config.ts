import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** What takes a toolchain of its own, and is run where that is there. */
const asked = process.env.SOCKETPLANE_LIBCNI === undefined ? [] : ["test/**/*.asked.ts"];

/**
 * Two suites, each two files at a time: what needs no lab, and whole labs. Those wait more than they
 * compute, and live in namespaces of their own.
 */
export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    pool: "forks",
    maxWorkers: 2,
    // Open vSwitch and the executables run as children: a machine under load must not fail a test.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // node:ffi says at each start that it is new.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts", ...asked],
          exclude: ["test/e2e/**"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
