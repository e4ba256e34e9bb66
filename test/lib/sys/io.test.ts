import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { refusedWith } from "../../../lib/sys/errno.ts";
import { closing, cString, readFile, readText, writeText } from "../../../lib/sys/io.ts";
import { start } from "../../lab/run.ts";
import { programAt, runtimes } from "./runtimes.ts";

const ffi = openFfi();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-io-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (fault) {
    return fault;
  }
  throw new Error("nothing was thrown");
}

test("files are read whole, through symlinks; none is none", () => {
  const text = "text ü\n".repeat(5000);
  writeFileSync(join(folder, "file"), text);
  symlinkSync("file", join(folder, "link"));
  expect(readFile(ffi, join(folder, "link"))).toBe(text);
  expect(readFile(ffi, join(folder, "none"))).toBeUndefined();
});

test("what can't be read is told, and what never ends is given up", () => {
  expect(String(thrownBy(() => readFile(ffi, folder)))).toContain(
    `Cannot read "${folder}": it is a folder (EISDIR)`,
  );
  expect(thrownBy(() => readFile(ffi, "/dev/zero"))).toMatchObject({
    kind: "io",
    message: 'Cannot read "/dev/zero": it is longer than 16777216 bytes',
  });
  const loop = join(folder, "loop");
  symlinkSync(loop, loop);
  expect(
    refusedWith(
      thrownBy(() => readFile(ffi, loop)),
      "ELOOP",
    ),
  ).toBe(true);
  expect(
    refusedWith(
      thrownBy(() => readText(ffi, 4711, "stdin")),
      "EBADF",
    ),
  ).toBe(true);
});

test("a text is written from where the file is", () => {
  const fd = openSync(join(folder, "file"), "w");
  writeText(ffi, fd, "one ü ", "it");
  writeText(ffi, fd, "", "it");
  writeText(ffi, fd, "two", "it");
  closeSync(fd);
  expect(readFileSync(join(folder, "file"), "utf8")).toBe("one ü two");
});

test("a descriptor is closed once, so that it can't be another's", () => {
  const close = closing(ffi, openSync(join(folder, "one"), "w"));
  close();
  const other = openSync(join(folder, "two"), "w");
  close();
  writeText(ffi, other, "still open", "it");
  closeSync(other);
});

test("a NUL in a path is a fault of ours", () => {
  expect(() => cString("a\0b")).toThrow("NUL");
  expect([...cString("ü")]).toEqual([0xc3, 0xbc, 0]);
});

test.each(["bun", "node"] as const)(
  "%s passes streams on whole, through pipes that no one waits for",
  async (runtime) => {
    // O_NONBLOCK on both: a reader must wait for the next piece, a writer for room.
    const stdin = "0123456789abcdef".repeat(1 << 16);
    const argv = [...runtimes[runtime], programAt("pass-on.ts")];
    const { status, stdout, stderr } = await start({ argv, stdin }).outcome;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout === stdin).toBe(true);
  },
);

test.each(["bun", "node"] as const)(
  "%s is told, and not killed, when its reader has gone",
  async (runtime) => {
    const program = [...runtimes[runtime], programAt("pass-on.ts")].join(" ");
    const script = `(head -c 300000 /dev/zero | ${program}; echo "status $?" >&2) | true`;
    const { stderr } = await start({ argv: ["/bin/sh", "-c", script] }).outcome;
    expect(stderr).toContain("Cannot write stdout: the reader has gone (EPIPE)");
    expect(stderr).toContain("status 3");
  },
);
