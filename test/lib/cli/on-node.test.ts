/** A node that is looked at again and again. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { realWorld } from "../../../cmd/world.ts";
import { closeNode, loadNodeConfig, openNode } from "../../../lib/attach/node.ts";
import { lookAtNode } from "../../../lib/cli/on-node.ts";
import { readHere } from "../../../lib/survey/here.ts";
import { openFfi } from "../../../lib/sys/ffi-node.ts";

/** Files of a folder that this process has open. */
const openIn = (folder: string): readonly string[] =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      return [];
    }
  });

test("leaves no folder open behind it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sp-look-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = join(folder, "node.json");
  writeFileSync(config, JSON.stringify({ runDir: join(folder, "run") }));
  const clock = () => performance.now();
  const world = realWorld(openFfi(), { env: {}, clock, writeStderr: () => {} });
  closeNode(openNode(world, loadNodeConfig(world, config, undefined)));
  const seen = await lookAtNode(world, { config }, async (host) => {
    expect(openIn(folder).length).toBeGreaterThan(0);
    return readHere(host).runDir;
  });
  expect(seen).toBe("there");
  expect(openIn(folder)).toEqual([]);
});
