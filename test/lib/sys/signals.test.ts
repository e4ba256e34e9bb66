import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import type { Ffi } from "../../../lib/sys/ffi.ts";
import { sendSignal } from "../../../lib/sys/signals.ts";

const real = openFfi();
const ENOSYS = 38;
const old: Ffi = {
  ...real,
  call: (name, ...args) => (name === "pidfd_open" ? -ENOSYS : real.call(name, ...args)),
};
const nobody = 2 ** 22 + 1;

describe.each([
  ["by a descriptor", real],
  ["by the number, on an old kernel", old],
])("a signal %s", (_, ffi) => {
  test("goes to who is meant, and to nobody else", async () => {
    const child = spawn("sleep", ["60"]);
    const ended = new Promise((resolve) =>
      child.once("exit", (_status, signal) => resolve(signal)),
    );
    const pid = child.pid ?? 0;
    expect(sendSignal(ffi, pid, "SIGKILL", () => false)).toBe(false);
    expect(sendSignal(ffi, pid, "SIGUSR1", () => true)).toBe(true);
    expect(await ended).toBe("SIGUSR1");
    expect(sendSignal(ffi, nobody, "SIGKILL", () => true)).toBe(false);
  });
});
