import { beforeEach, expect, test } from "vitest";
import { awaitHealth, readHealth } from "../../../lib/cli/agent-health.ts";
import { defaultNodeConfig } from "../../../lib/node-config.ts";

const unread = '{"status":"not ok","store":"it was not read yet"}';

let now: number;
let asked: number;
beforeEach(() => {
  now = 0;
  asked = 0;
});
/** Where it says one after the other, and stays with the last. */
const world = (...said: readonly (string | undefined)[]) => ({
  clock: () => now,
  pause: async (ms: number) => {
    now += ms;
  },
  askAgent: async () => said[Math.min(asked++, said.length - 1)],
});
const config = defaultNodeConfig();
const isThere = async () => true;

test.each([
  [undefined, false, "it does not answer"],
  ["<html>", false, "it does not answer"],
  ['{"status":"ok"}', true, "ok"],
  ['{"status":"ok","certificate":"it ends soon"}', true, "certificate: it ends soon"],
  [unread, false, "store: it was not read yet"],
])("%s", (said, isWell, words) => {
  expect(readHealth(said)).toEqual({ isWell, words });
});

test("it is waited for until it is well", async () => {
  const health = await awaitHealth(world(undefined, unread, '{"status":"ok"}'), config, isThere);
  expect(health).toEqual({ isWell: true, words: "ok" });
  expect(asked).toBe(3);
});

test("what stays wrong is told after 10 seconds", async () => {
  const health = await awaitHealth(world(unread), config, isThere);
  expect(health).toEqual({ isWell: false, words: "store: it was not read yet" });
  expect(now).toBe(10_000);
});

test("of one that is gone nothing is waited for", async () => {
  const health = await awaitHealth(world(undefined), config, async () => false);
  expect(health.isWell).toBe(false);
  expect(now).toBe(0);
});
