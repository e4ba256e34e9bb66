import { expect, test } from "vitest";
import { formatLimits, limitsOf, parseLimit, parseLimits } from "../../lib/limits.ts";

const send = { rate: 8000, burst: 800 };
const receive = { rate: 4294967295, burst: 1 };

test("limits are read as they were written", () => {
  for (const limits of [{ send }, { receive }, { send, receive }]) {
    expect(parseLimits(formatLimits(limits))).toEqual(limits);
  }
  expect(formatLimits({ send })).toEqual({ send: "8000/800" });
});

test("what is no limit is none", () => {
  for (const text of ["", "/", "1", "1/", "1/2/3", "-1/2", "1.5/2", "x/1", "0/1", "1/4294967296"]) {
    expect(parseLimit(text), text).toBeUndefined();
  }
  for (const json of [undefined, null, 7, "1/2", [], {}, { send: 7 }, { send: { rate: 1 } }]) {
    expect(parseLimits(json)).toBeUndefined();
  }
  expect(limitsOf(undefined, undefined)).toBeUndefined();
});
