/** Who is not listened to, for how long, and how much is remembered of it. */
import { expect, test } from "vitest";
import { openAttempts } from "../../../lib/cluster/attempts.ts";

test("after five wrong ones an address waits a minute, and no other does", () => {
  let now = 0;
  const attempts = openAttempts(() => now);
  const outcomes = Array.from({ length: 5 }, () => attempts.failed("a"));
  expect(outcomes).toEqual(["more", "more", "more", "more", "last"]);
  expect(attempts.mayTry("a")).toBe(false);
  expect(attempts.mayTry("b")).toBe(true);
  now = 59_999;
  expect(attempts.mayTry("a")).toBe(false);
  now = 60_000;
  expect(attempts.mayTry("a")).toBe(true);
  expect(attempts.failed("a")).toBe("more");
});

test("of IPv6 all addresses of a /64 are one", () => {
  const attempts = openAttempts(() => 0);
  for (let last = 1; last <= 5; last += 1) attempts.failed(`2001:db8::${last}`);
  expect(attempts.mayTry("2001:db8::ffff")).toBe(false);
  expect(attempts.mayTry("2001:db8:0:1::1")).toBe(true);
});

test("on our own link each address is one", () => {
  const attempts = openAttempts(() => 0, "2001:db8::ff");
  for (const one of ["2001:db8::1", "fe80::1%eth0"]) {
    for (let round = 0; round < 5; round += 1) attempts.failed(one);
    expect(attempts.mayTry(one)).toBe(false);
  }
  expect(attempts.mayTry("2001:db8::2")).toBe(true);
  expect(attempts.mayTry("fe80::2%eth0")).toBe(true);
  for (let last = 1; last <= 5; last += 1) attempts.failed(`2001:db8:0:1::${last}`);
  expect(attempts.mayTry("2001:db8:0:1::ffff")).toBe(false);
});

test("of very many addresses the oldest is forgotten", () => {
  const attempts = openAttempts(() => 0);
  for (let round = 0; round < 5; round += 1) attempts.failed("first");
  expect(attempts.mayTry("first")).toBe(false);
  for (let count = 0; count < 1_000; count += 1) attempts.failed(`other-${count}`);
  expect(attempts.mayTry("first")).toBe(true);
});
