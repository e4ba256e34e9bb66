#!/usr/bin/env node
/**
 * `npm run bench [-- --rounds N]`: makes the machine ready and runs the benchmark of the plugins
 * (bench.ts), with --cluster that of a cluster (cluster.ts), with --runtimes that of the executables
 * with Bun in them beside those with Node (runtimes.ts).
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { environment, node, prepare, top } from "../prepare.mjs";

const args = process.argv.slice(2);
const runtimes = args.includes("--runtimes");
const benchmark = args.includes("--cluster") ? "cluster.ts" : runtimes ? "runtimes.ts" : "bench.ts";
process.on("SIGINT", () => {});
await prepare(runtimes ? ["bun", "node"] : ["bun"]);
const { status } = spawnSync(
  node,
  ["--disable-warning=ExperimentalWarning", join(top, "test/bench", benchmark), ...args],
  { cwd: top, env: environment, stdio: "inherit" },
);
process.exitCode = status ?? 1;
