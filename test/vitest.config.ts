import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** What takes a toolchain of its own, and is run where that is there. */
const asked = process.env.SOCKETPLANE_LIBCNI === undefined ? [] : ["test/**/*.asked.ts"];

/** What is about the executables that have Bun in them alone. */
const ofBun = ["test/e2e/loaded.test.ts", "test/e2e/executables.test.ts"];

/** What those with Node in them go through: all of it when they are asked for, else this. */
const ofNode =
  process.env.SOCKETPLANE_RUNTIME === "node"
    ? ["test/e2e/**/*.test.ts"]
    : ["runtimes*", "by-hand", "client-libcni", "cluster-traffic", "client-podman"].map(
        (name) => `test/e2e/${name}.test.ts`,
      );

/**
 * Three suites, each three files at a time: what needs no lab, whole labs, and whole labs with the
 * other runtime. Labs wait more than they compute, and live in namespaces of their own.
 */
export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    pool: "forks",
    maxWorkers: 3,
    // Open vSwitch and the executables run as children: a machine under load must not fail a test.
    testTimeout: 180_000,
    hookTimeout: 180_000,
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
          exclude: ["test/e2e/runtimes*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "node",
          env: { SOCKETPLANE_RUNTIME: "node" },
          include: ofNode,
          exclude: ofBun,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
