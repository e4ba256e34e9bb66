import { expect, test } from "vitest";
import { deadlineIn, within } from "../../lib/deadline.ts";

test("what is left goes down with the clock, to nothing and no further", () => {
  let now = 1_000;
  const deadline = deadlineIn(() => now, 50);
  expect(deadline.left()).toBe(50);
  now += 30;
  expect(deadline.left()).toBe(20);
  now += 30;
  expect(deadline.left()).toBe(0);
});

test("a deadline within another ends with the nearer of the two", () => {
  let now = 0;
  const clock = () => now;
  const outer = deadlineIn(clock, 50);
  expect(within(outer, clock, 20).left()).toBe(20);
  expect(within(outer, clock, 80).left()).toBe(50);
  const inner = within(outer, clock, 80);
  now = 60;
  expect(inner.left()).toBe(0);
});
