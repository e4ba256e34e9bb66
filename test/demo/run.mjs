#!/usr/bin/env node
/** `npm run demo`: makes the machine ready and shows the whole thing (demo.ts). */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { environment, node, prepare, top } from "../prepare.mjs";

if (process.getuid() !== 0) {
  process.stderr.write("Cannot run the demo: it makes network namespaces, which takes root\n");
  process.exit(1);
}
await prepare();
const options = ["--disable-warning=ExperimentalWarning", join(top, "test/demo/demo.ts")];
const child = spawn(node, options, { cwd: top, env: environment, stdio: "inherit" });
// A terminal's Ctrl-C reaches the demo itself; a signal sent to us alone is handed on.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (status, signal) => {
  if (signal !== null)
    process.stdout.write("\nInterrupted: all that was made for it is gone again.\n");
  process.exitCode = status ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 1);
});
