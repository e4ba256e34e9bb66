import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sweep } from "./cleanup.ts";
import { must, type Running, start } from "./run.ts";

const program = fileURLToPath(new URL("hold.ts", import.meta.url));

/** Starts a process with a lab; gives what it has that must go. */
async function held() {
  const running = start({ argv: [process.execPath, program] });
  const [, netns = "", config = ""] = await running.says(/^ready (\S+) (\S+)$/m);
  return { running, netns: `/run/netns/${netns}`, folder: dirname(dirname(config)) };
}

async function daemonsIn(folder: string): Promise<readonly string[]> {
  const processes = await must({ argv: ["ps", "-eo", "args", "ww"] });
  return processes.split("\n").filter((line) => line.includes(folder));
}

async function end(running: Running, signal: NodeJS.Signals) {
  running.kill(signal);
  expect(await running.outcome).toMatchObject({ signal });
  // The kernel ends the daemons with it, but not before.
  await sleep(200);
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("all is gone after %s", async (signal) => {
  const { running, netns, folder } = await held();
  expect(existsSync(netns)).toBe(true);
  expect(await daemonsIn(folder)).not.toEqual([]);
  await end(running, signal);
  expect({ netns: existsSync(netns), folder: existsSync(folder) }).toEqual({
    netns: false,
    folder: false,
  });
  expect(await daemonsIn(folder)).toEqual([]);
});

test("what a killed process leaves is swept, and what a living one has is not", async () => {
  const killed = await held();
  const living = await held();
  await end(killed.running, "SIGKILL");
  expect(await daemonsIn(killed.folder)).toEqual([]);
  sweep();
  expect([killed.netns, killed.folder].map(existsSync)).toEqual([false, false]);
  expect([living.netns, living.folder].map(existsSync)).toEqual([true, true]);
  await end(living.running, "SIGTERM");
});
