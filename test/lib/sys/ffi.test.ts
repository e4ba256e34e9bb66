/** One program under both back ends: they must do, and say, the same. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { abiOf } from "../../../lib/sys/syscalls.ts";
import { run } from "../../lab/run.ts";
import { type Namespaces, openNamespaces } from "./namespaces.ts";
import { programAt, runtimes } from "./runtimes.ts";

let folder: string;
let namespaces: Namespaces;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-ffi-"));
  namespaces = openNamespaces();
});
afterEach(async () => {
  await namespaces.cleanup.run();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(["bun", "node"] as const)("under %s", (runtime) => {
  test("system calls, folders, locks and links do what they say", async () => {
    const box = namespaces.make("box");
    const argv = [...runtimes[runtime], programAt("contract.ts"), folder, box.path];
    const { status, stdout, stderr } = await run({ argv });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const path = join(folder, "run");
    expect(JSON.parse(stdout)).toEqual({
      basics: {
        bytes: [1, 8, 64, 65, 4096, 1 << 20],
        addressesHold: true,
        errnos: [-9, -2],
        pid: true,
        sixArguments: -9,
        emptyBytes: 0,
        libc: [7, 4, 0x41],
        negativeInt: -5,
        noSuchSymbol: "string",
      },
      folders: {
        outcomes: [
          "created",
          "exists",
          "text ü",
          null,
          "linked",
          "exists",
          "text ü",
          "not-empty",
          true,
          false,
          "removed",
          "absent",
          "gone",
          ["a"],
        ],
        length: 100_000,
        locked: `try-again: Cannot lock "${path}/lock": another process holds it`,
        numberLocked: `try-again: Cannot lock "${path}/numbers": another process holds it`,
        numberFree: "function",
        released: "function",
        name: 'Error: "../x" is not the name of one file',
      },
      network: {
        names: [
          ["lo", false, 65536],
          ["in", true, 1450],
          ["out", true, 1450],
        ],
        addresses: [
          [4, `${0x0a020041}`, 16],
          [6, `${0xfd00_0000_0000_0000_0000_0000_0a02_0041n}`, 64],
        ],
        routes: [
          [4, `${0x0a020001}`],
          [4, "undefined"],
          [6, "undefined"],
        ],
        checksumOffload: [true, false],
        refusals: [
          expect.stringMatching(
            /^kernel-refused: Cannot add address 10\.2\.0\.65\/16 of link \d+: it is already there \(EEXIST\)/,
          ),
          'kernel-refused: Cannot delete link "none": there is no such device (ENODEV)',
        ],
        families: [true, false],
        boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
        wrong: "invalid-netns: Cannot open network namespace /dev/null: it is no network namespace",
      },
    });
  });
});

test("an architecture that is not known is refused in words", () => {
  expect(() => abiOf("s390x")).toThrow("Cannot run on s390x: its system calls are not known");
  expect(openFfi().abi).toBe(abiOf(process.arch));
});
