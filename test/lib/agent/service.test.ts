import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../lab/run.ts";

const unit = readFileSync(
  new URL("../../../conf/socketplane-agent.service", import.meta.url),
  "utf8",
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-unit-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What systemd has to say against a unit; empty if nothing. */
async function faultsOf(text: string): Promise<string> {
  const path = join(folder, "socketplane-agent.service");
  // Where it is installed, the executable is not here.
  writeFileSync(path, text.replace("/usr/local/bin/socketplane ", "/bin/sh "));
  const { status, stderr } = await run({ argv: ["systemd-analyze", "verify", "--man=no", path] });
  return status === 0 ? stderr : `${status}: ${stderr}`;
}

test("systemd takes the agent's unit as it is", async () => {
  expect(await faultsOf(unit)).toBe("");
  expect(await faultsOf(unit.replace("Restart=always", "Restart=sometimes"))).toContain(
    "sometimes",
  );
});

test("the run directory outlasts the agent, which comes after Open vSwitch", () => {
  expect(unit).toMatch(/^RuntimeDirectoryPreserve=yes$/m);
  expect(unit).toMatch(/^RuntimeDirectory=socketplane$/m);
  expect(unit).toMatch(/^After=.*\bopenvswitch-switch\.service\b/m);
});
