/** A node whose Open vSwitch is away. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { realWorld } from "../../../cmd/world.ts";
import { readNode } from "../../../lib/doctor/read-node.ts";
import type { DoctorWorld } from "../../../lib/doctor/world.ts";
import { Failure } from "../../../lib/errors.ts";
import { parseNodeConfig } from "../../../lib/node-config.ts";
import { openFfi } from "../../../lib/sys/ffi-node.ts";
import { healthy, unknown } from "./healthy.ts";

test("its database is waited for once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sp-away-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const json = {
    runDir: join(folder, "run"),
    store: { type: "file", path: join(folder, "store") },
    vtep: { interface: "lo" },
  };
  const clock = () => performance.now();
  const asked: string[] = [];
  const away = (path: string): never => {
    asked.push(path);
    throw new Failure("try-again", "Cannot ask: no answer");
  };
  const real = realWorld(openFfi(), { env: {}, clock, writeStderr: () => {} });
  const world: DoctorWorld = {
    ...real,
    openDatabase: away,
    openFlows: away,
    chosen: undefined,
    bin: folder,
    conf: folder,
    version: "0.1.0",
    places: { program: () => "absent", names: () => undefined } as unknown as DoctorWorld["places"],
    processes: { list: () => [], netnsOf: () => undefined },
    agentStatus: async () => healthy.node.agent,
    askAgent: async () => undefined,
    openReach: () => Promise.reject(new Error("nobody is asked")),
    wallClock: () => 0,
    pause: async () => {},
  };
  const config = parseNodeConfig(JSON.stringify(json), "node.json");
  const { survey, underlayFault } = await readNode(world, config, unknown("not asked"));
  expect(survey.switch.known).toBe(false);
  expect(underlayFault).toEqual(survey.switch);
  expect(asked.filter((path) => path.endsWith("/db.sock"))).toHaveLength(1);
});
