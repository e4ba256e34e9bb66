import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFfi } from "#ffi";
import type { Host } from "../../../lib/attach/host.ts";
import { claimName } from "../../../lib/run/claim.ts";
import { type RunRecord, writeRun } from "../../../lib/run/record.ts";
import type { RunTools } from "../../../lib/run/world.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import { openKernel } from "../../../lib/sys/kernel-driver.ts";
import { openProcessTable } from "../../../lib/sys/process-table.ts";

const ffi = openFfi();
const processes = openProcessTable(ffi);
const tools = { processes } as RunTools;

let folder: string;
let host: Host;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-claim-"));
  const clock = () => performance.now();
  host = { run: makeDir(ffi, folder), clock, kernel: openKernel(ffi) } as Host;
});
afterEach(() => {
  host.run.close();
  rmSync(folder, { recursive: true });
});

const claim = (name?: string) => claimName(host, tools, name, "/bin/sleep");
const refused = (name: string) => `Cannot use name "${name}": it is taken`;

function record(name: string, more: Partial<RunRecord>): void {
  const boot = host.kernel.bootId();
  const plain = { name, argv: ["sleep"], interfaces: [], boot, netns: "", detached: true };
  writeRun(host, { ...plain, kept: true, began: 0, ...more });
}

test("a name is one's, as long as that one holds it", async () => {
  const first = await claim();
  const second = await claim();
  expect([first.name, second.name]).toEqual(["sleep-1", "sleep-2"]);
  await expect(claim("sleep-1")).rejects.toThrow(refused("sleep-1"));
  first.release();
  const again = await claim("sleep-1");
  second.release();
  expect((await claim()).name).toBe("sleep-2");
  again.release();
});

test("the name of a run that has ended, or runs with nobody watching, is taken", async () => {
  record("ended", { end: { status: 0, at: 0 } });
  record("runs", { process: processes.find(process.pid) ?? { pid: 0, began: 0 } });
  record("sleep-1", { end: { status: 0, at: 0 } });
  await expect(claim("ended")).rejects.toThrow(refused("ended"));
  await expect(claim("runs")).rejects.toThrow(refused("runs"));
  expect((await claim()).name).toBe("sleep-2");
});
