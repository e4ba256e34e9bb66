#!/usr/bin/env node
/**
 * `npm run bench [-- --rounds N]`: makes the machine ready and runs the benchmark of the plugins
 * (bench.ts), or with --cluster that of a cluster (cluster.ts).
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { environment, node, prepare, top } from "../prepare.mjs";

const args = process.argv.slice(2);
const benchmark = args.includes("--cluster") ? "cluster.ts" : "bench.ts";
process.on("SIGINT", () => {});
await prepare();
const { status } = spawnSync(
  node,
  ["--disable-warning=ExperimentalWarning", join(top, "test/bench", benchmark), ...args],
  { cwd: top, env: environment, stdio: "inherit" },
);
process.exitCode = status ?? 1;
