#!/usr/bin/env node
/**
 * `npm test [-- what]`: makes the machine ready, runs Vitest under the project's own Node and
 * ends with one line, "N passed, N failed". With CI=true a skipped test counts as failed: on a
 * machine that is meant to run them all, a test that does not run shows nothing.
 *
 * The executables that have Node in them go through a part of it; with `--runtime node` they alone
 * are tested, by all that runs executables. What tests our code itself runs under Node anyway.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, node, prepare, top } from "./prepare.mjs";

const strict = process.env.CI === "true";

// Ctrl-C goes to the children too: they clean up and end, and we after them.
process.on("SIGINT", () => {});
const { runtime, args } = optionsOf(process.argv.slice(2));
await prepare(["bun", "node"]);
const folder = mkdtempSync(join(tmpdir(), "sp-report-"));
try {
  process.exitCode = runVitest(join(folder, "report.json"), args);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Takes --runtime out of the arguments; all others are Vitest's. */
function optionsOf(args) {
  const at = args.indexOf("--runtime");
  if (at === -1) return { runtime: "bun", args };
  const [, runtime] = args.splice(at, 2);
  if (runtime === "bun" || runtime === "node") return { runtime, args };
  process.stderr.write(`Cannot test runtime "${runtime ?? ""}": give "bun" or "node"\n`);
  process.exit(2);
}

/** Gives the exit status. */
function runVitest(report, args) {
  const own = ["run", "--config", "test/vitest.config.ts", "--reporter=default"];
  const json = ["--reporter=json", `--outputFile.json=${report}`];
  const vitest = join(top, "node_modules/vitest/vitest.mjs");
  const project = runtime === "node" ? ["--project=node"] : [];
  const { status } = spawnSync(node, [vitest, ...own, ...json, ...project, ...args], {
    cwd: top,
    env: { ...environment, SOCKETPLANE_RUNTIME: runtime },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const { passed, failed, skipped } = countsOf(report);
  for (const name of skipped) console.log(`skipped: ${name}`);
  const counted = failed + (strict ? skipped.length : 0);
  // What is nobody's test, an unhandled rejection say, is a failure all the same.
  const allFailed = counted === 0 && (status !== 0 || passed === 0) ? 1 : counted;
  console.log(`${passed} passed, ${allFailed} failed`);
  return allFailed === 0 ? 0 : 1;
}

/** A file that could not even be loaded has no tests to count: it is one failure itself. */
function countsOf(path) {
  const report = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { testResults: [] };
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  const withStatus = (...states) => tests.filter((test) => states.includes(test.status));
  return {
    passed: withStatus("passed").length,
    failed: withStatus("failed").length + broken.length,
    skipped: withStatus("pending", "skipped", "todo", "disabled").map((test) => test.fullName),
  };
}
