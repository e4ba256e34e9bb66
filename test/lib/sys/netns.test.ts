import { spawnSync } from "node:child_process";
import { mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { Failure } from "../../../lib/errors.ts";
import { inside, isOwnNetns, openNetns, ownNetns } from "../../../lib/sys/netns.ts";
import { start } from "../../lab/run.ts";
import { type Namespace, type Namespaces, openNamespaces } from "./namespaces.ts";
import { programAt, runtimes } from "./runtimes.ts";
import { useWatchdog } from "./watchdog.ts";

useWatchdog();
const ffi = openFfi();
const current = () => readlinkSync("/proc/thread-self/ns/net");

let folder: string;
let namespaces: Namespaces;
let box: Namespace;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-netns-"));
  namespaces = openNamespaces();
  box = namespaces.make("box");
});
afterEach(async () => {
  await namespaces.cleanup.run();
  rmSync(folder, { recursive: true, force: true });
});

function opened(path: string) {
  const netns = openNetns(ffi, path);
  if (netns === undefined) throw new Error(`${path} should have been there`);
  return netns;
}

describe("opening", () => {
  test("gives two handles of one namespace one identity, and others another", () => {
    symlinkSync(box.path, join(folder, "link"));
    const handles = [opened(box.path), opened(join(folder, "link")), ownNetns(ffi)];
    expect(handles[0]?.id).toBe(handles[1]?.id);
    expect(handles[0]?.id).not.toBe(handles[2]?.id);
    for (const { fd } of handles) ffi.call("close", fd);
  });

  test.each(["/run/netns/there-is-none", "/proc/999999999/ns/net", "/none/at/all"])(
    "%s finds nothing",
    (path) => {
      expect(openNetns(ffi, path)).toBeUndefined();
      expect(isOwnNetns(ffi, path)).toBe(false);
    },
  );

  test("something else is refused, and does not hold us up", () => {
    writeFileSync(join(folder, "file"), "");
    spawnSync("mkfifo", [join(folder, "pipe")]);
    for (const path of [join(folder, "file"), join(folder, "pipe"), folder, "/proc/self/ns/mnt"]) {
      expect(() => openNetns(ffi, path)).toThrow(
        new Failure(
          "invalid-netns",
          `Cannot open network namespace ${path}: it is no network namespace`,
        ),
      );
      expect(isOwnNetns(ffi, path)).toBe(false);
    }
    const under = join(folder, "file/deeper");
    expect(() => openNetns(ffi, under)).toThrow(expect.objectContaining({ kind: "invalid-netns" }));
    expect(isOwnNetns(ffi, under)).toBe(false);
  });

  test("tells our own from another's", () => {
    expect(isOwnNetns(ffi, "/proc/self/ns/net")).toBe(true);
    expect(isOwnNetns(ffi, box.path)).toBe(false);
  });
});

describe("acting inside", () => {
  test("is inside, and comes back, also from a fault", () => {
    const netns = opened(box.path);
    const before = current();
    const there = inside(ffi, netns, current);
    expect(there).not.toBe(before);
    expect(there).toContain(netns.id.split(":").at(-1));
    expect(current()).toBe(before);
    const fault = () =>
      inside(ffi, netns, () => {
        throw new Error("in there");
      });
    expect(fault).toThrow("in there");
    expect(current()).toBe(before);
    ffi.call("close", netns.fd);
  });

  test("is refused where the namespace is not open", () => {
    expect(() => inside(ffi, { path: "/gone", fd: 4711, id: "" }, current)).toThrow(
      "Cannot enter network namespace /gone: the file descriptor is not open (EBADF)",
    );
  });

  test.each(["bun", "node"] as const)(
    "ends the process (%s) where there is no way back",
    async (runtime) => {
      const argv = [...runtimes[runtime], programAt("no-way-back.ts"), box.path];
      const { status, stdout, stderr } = await start({ argv }).outcome;
      expect({ status, stdout, stderr }).toEqual({
        status: 1,
        stdout: "inside\n",
        stderr: `Cannot come back from network namespace ${box.path}\n`,
      });
    },
  );
});
