import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../lib/errors.ts";
import { errno, failed, refusedWith, SysError, succeed } from "../../../lib/sys/errno.ts";

const attempt = { action: "open", subject: '"/run/x"', call: "openat" } as const;

describe("numbers", () => {
  test.each(Object.entries(constants.errno))("%s is %d, where it has words", (name, number) => {
    const known = errnoOrUndefined(name);
    if (known !== undefined) expect(known).toBe(number);
  });

  test("and names that the kernel uses here are known", () => {
    for (const name of ["EEXIST", "ENODEV", "EADDRNOTAVAIL", "ENETUNREACH", "ENOBUFS"] as const)
      expect(new SysError(errno(name), attempt).errno).toBe(name);
  });
});

function errnoOrUndefined(name: string): number | undefined {
  try {
    return errno(name as Parameters<typeof errno>[0]);
  } catch {
    return undefined;
  }
}

describe("a refusal", () => {
  test("says what was tried, in words, and keeps its parts", () => {
    const error = new SysError(17, { ...attempt, action: "create", subject: 'link "eth0"' });
    expect(error).toBeInstanceOf(Failure);
    expect(error).toMatchObject({
      message: 'Cannot create link "eth0": it is already there (EEXIST)',
      kind: "kernel-refused",
      code: 106,
      errno: "EEXIST",
      number: 17,
      call: "openat",
      subject: 'link "eth0"',
    });
  });

  test("adds the kernel's own words", () => {
    const error = new SysError(22, { ...attempt, text: "Invalid MTU" });
    expect(error.message).toBe(
      'Cannot open "/run/x": it is not valid (EINVAL): the kernel says "Invalid MTU"',
    );
  });

  test("says what to do where something can be done", () => {
    expect(new SysError(28, { ...attempt, kind: "io" })).toMatchObject({
      code: 5,
      message: 'Cannot open "/run/x": no space left on device (ENOSPC)',
      details: expect.stringMatching(/Free some space/),
    });
    expect(new SysError(17, attempt).details).toBeUndefined();
  });

  test("without a name here keeps its number", () => {
    const error = new SysError(4095, attempt);
    expect(error.errno).toBe("errno 4095");
    expect(error.message).toBe('Cannot open "/run/x": it was refused (errno 4095)');
  });

  test("is told by its name", () => {
    const error = new SysError(17, attempt);
    expect(refusedWith(error, "ENODEV", "EEXIST")).toBe(true);
    expect(refusedWith(error, "ENODEV")).toBe(false);
    expect(refusedWith(new Error("EEXIST"), "EEXIST")).toBe(false);
  });
});

test("results: what failed, and what must not", () => {
  expect(failed(-2, "ENOENT")).toBe(true);
  expect(failed(-2, "EEXIST")).toBe(false);
  expect(failed(2, "ENOENT")).toBe(false);
  expect(succeed(7, attempt)).toBe(7);
  expect(() => succeed(-13, attempt)).toThrow("permission is denied (EACCES)");
});
