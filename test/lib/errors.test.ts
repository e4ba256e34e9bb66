import { expect, test } from "vitest";
import { asFailure, Failure, failures, reasonOf } from "../../lib/errors.ts";

test("each kind has a code of its own, in the range that is its own", () => {
  const codes = Object.values(failures).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  // SPEC.md 1.1.0, section 5, and what libcni adds (8, 999); 100 and up are a plugin's own.
  const protocol = [1, 2, 3, 4, 5, 6, 7, 8, 11, 50, 51, 999];
  expect(
    codes.filter((code) => code < 100 || code > 998).every((code) => protocol.includes(code)),
  ).toBe(true);
});

test("a failure carries its kind's code, details and cause", () => {
  const cause = new Error("ENOSPC");
  const failure = new Failure("io", "Cannot write a file: the disk is full", {
    details: "Make room.",
    cause,
  });
  expect(failure.code).toBe(5);
  expect(failure.details).toBe("Make room.");
  expect(failure.cause).toBe(cause);
  expect(String(failure)).toBe("Failure: Cannot write a file: the disk is full");
});

test("several faults make one failure: the first in its message, all in its details", () => {
  const two = Failure.join("try-again", "Cannot detach", [new Error("no link"), "no port"]);
  expect(two.message).toBe("Cannot detach: no link");
  expect(two.details).toBe("no link\nno port");
  const one = Failure.join("try-again", "Cannot detach", [new Error("no link")]);
  expect(one.message).toBe("Cannot detach: no link");
  expect(one.details).toBeUndefined();
  expect(Failure.join("try-again", "Cannot detach", []).message).toBe(
    "Cannot detach: no reason was given",
  );
});

test("what is thrown becomes a failure: itself, or a fault of ours with its stack", () => {
  const failure = new Failure("usage", "Cannot do that: say what");
  expect(asFailure(failure)).toBe(failure);
  const bug = new TypeError("x is undefined");
  expect(asFailure(bug)).toMatchObject({
    kind: "internal",
    code: 999,
    message: "Cannot go on: x is undefined",
    details: bug.stack,
    cause: bug,
  });
  expect(asFailure("text").message).toBe("Cannot go on: text");
  expect([new Error("said"), "said", 7, undefined].map(reasonOf)).toEqual([
    "said",
    "said",
    "7",
    "undefined",
  ]);
});
