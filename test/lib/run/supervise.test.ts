import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFfi } from "#ffi";
import type { Host } from "../../../lib/attach/host.ts";
import { claimName } from "../../../lib/run/claim.ts";
import { supervise } from "../../../lib/run/supervise.ts";
import type { RunTools } from "../../../lib/run/world.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import { openKernel } from "../../../lib/sys/kernel-driver.ts";
import { openProcessTable } from "../../../lib/sys/process-table.ts";
import { openPrograms } from "../../../lib/sys/programs.ts";

const ffi = openFfi();
const tools = { processes: openProcessTable(ffi), programs: openPrograms(ffi) } as RunTools;

let folder: string;
let host: Host;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-supervise-"));
  const full = () => {
    throw new Error("no more namespaces");
  };
  const kernel = { ...openKernel(ffi), createNetns: full };
  const ipam = { dirs: { owners: makeDir(ffi, join(folder, "ipam")) } };
  const clock = () => performance.now();
  host = { run: makeDir(ffi, join(folder, "run")), clock, kernel, ipam } as unknown as Host;
});
afterEach(() => {
  host.run.close();
  rmSync(folder, { recursive: true });
});

test("where there is no namespace to be had, signals and the name are let go of", async () => {
  const wish = { name: "web", argv: ["true"], env: {}, networks: [], detached: false } as const;
  const takers = process.listenerCount("SIGTERM");
  const supervised = supervise(host, tools, { ...wish, stdin: "empty", kept: false }, () => {});
  await expect(supervised).rejects.toThrow("no more namespaces");
  expect(process.listenerCount("SIGTERM")).toBe(takers);
  expect((await claimName(host, tools, "web", "true")).name).toBe("web");
});
