#!/usr/bin/env node
/** `npm run bench [-- --rounds N]`: makes the machine ready and runs the benchmark (bench.ts). */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { environment, node, prepare, top } from "../prepare.mjs";

process.on("SIGINT", () => {});
await prepare();
const { status } = spawnSync(
  node,
  [
    "--disable-warning=ExperimentalWarning",
    join(top, "test/bench/bench.ts"),
    ...process.argv.slice(2),
  ],
  { cwd: top, env: environment, stdio: "inherit" },
);
process.exitCode = status ?? 1;
