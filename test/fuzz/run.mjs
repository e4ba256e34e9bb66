#!/usr/bin/env node
/** `npm run fuzz [-- --seed N --count N]`: makes the machine ready and runs fuzz.ts. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { environment, node, prepare, top } from "../prepare.mjs";

process.on("SIGINT", () => {});
await prepare();
const { status } = spawnSync(
  node,
  [
    "--disable-warning=ExperimentalWarning",
    join(top, "test/fuzz/fuzz.ts"),
    ...process.argv.slice(2),
  ],
  { cwd: top, env: environment, stdio: "inherit" },
);
process.exitCode = status ?? 1;
