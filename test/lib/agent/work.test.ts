import { afterEach, beforeEach, expect, test } from "vitest";
import { backOff, pause } from "../../../lib/agent/pause.ts";
import { openWork } from "../../../lib/agent/work.ts";
import { until } from "../../lab/until.ts";

let end: AbortController;
beforeEach(() => {
  end = new AbortController();
});
afterEach(() => end.abort());

test("one thing is done at a time, in its order, and once though it is asked for twice", async () => {
  const done: string[] = [];
  let busy = 0;
  const work = openWork({
    order: ["first", "second"] as const,
    random: () => 0,
    failed: () => {},
    perform: async (task, why) => {
      busy += 1;
      expect(busy).toBe(1);
      await pause(5, end.signal);
      busy -= 1;
      done.push(`${task} ${why}`);
    },
  });
  work.ask("second", "a");
  work.ask("first", "b");
  work.ask("second", "c");
  const running = work.run(end.signal);
  await until("both", () => done.length === 2);
  // Asked for while it is done, it is done again.
  work.ask("first", "d");
  await until("the third", () => done.length === 3);
  expect(done).toEqual(["first b", "second a", "first d"]);
  end.abort();
  await running;
});

test("what fails is told, and done again after a while; others are done meanwhile", async () => {
  const told: string[] = [];
  const done: string[] = [];
  const work = openWork({
    order: ["fragile", "sound"] as const,
    random: () => 0,
    failed: (task, { message }) => told.push(`${task}: ${message}`),
    perform: async (task) => {
      if (task === "fragile" && told.length < 2) throw new Error("broken");
      done.push(task);
    },
  });
  const running = work.run(end.signal);
  work.ask("fragile", "");
  work.ask("sound", "");
  await until("both", () => done.length === 2);
  expect(done).toEqual(["sound", "fragile"]);
  expect(told).toEqual(["fragile: Cannot go on: broken", "fragile: Cannot go on: broken"]);
  end.abort();
  await running;
});

test("back-off doubles up to its limit, half of it by chance, and begins anew", () => {
  let chance = 1;
  const wait = backOff({ first: 10, last: 35 }, () => chance);
  expect([wait.next(), wait.next(), wait.next(), wait.next()]).toEqual([10, 20, 35, 35]);
  wait.reset();
  chance = 0;
  expect(wait.next()).toBe(5);
});

test("a pause ends with its signal", async () => {
  const began = pause(1_000_000, end.signal);
  end.abort();
  await began;
  await pause(1_000_000, end.signal);
});
