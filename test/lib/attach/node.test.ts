/** A run directory that outlives a reboot, though it should not. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { realWorld } from "../../../cmd/world.ts";
import { openNode } from "../../../lib/attach/node.ts";
import { markFresh } from "../../../lib/ipam/freshness.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";
import { openFfi } from "../../../lib/sys/ffi-node.ts";

test("what an earlier boot wrote is void: addresses, and that an agent keeps caches fresh", () => {
  const runDir = mkdtempSync(join(tmpdir(), "sp-reboot-"));
  onTestFinished(() => rmSync(runDir, { recursive: true }));
  const clock = () => performance.now();
  const world = realWorld(openFfi(), { env: {}, clock, writeStderr: () => {} });
  const open = () => openNode(world, parseNodeConfig(JSON.stringify({ runDir }), "node.json"));
  const before = open();
  markFresh(before.ipam);
  before.ipam.dirs.owners.create("web:c:eth0", "");
  before.close();
  open().close();
  expect(existsSync(join(runDir, "fresh"))).toBe(true);
  writeFileSync(join(runDir, "boot"), "another boot");
  open().close();
  expect(existsSync(join(runDir, "fresh"))).toBe(false);
  expect(readdirSync(join(runDir, "owners"))).toEqual([]);
});
