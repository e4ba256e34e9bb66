import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { createNetns, inside, openNetns, ownNetns } from "../../../lib/sys/netns.ts";
import { openProcessTable } from "../../../lib/sys/process-table.ts";
import { type Command, type Running, run, start } from "../../lab/run.ts";
import { type Namespace, type Namespaces, openNamespaces } from "./namespaces.ts";
import { programAt, runtimes } from "./runtimes.ts";
import { useWatchdog } from "./watchdog.ts";

useWatchdog();
const ffi = openFfi();
const table = openProcessTable(ffi);

let folder: string;
let namespaces: Namespaces;
let box: Namespace;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-programs-"));
  namespaces = openNamespaces();
  box = namespaces.make("box");
});
afterEach(async () => {
  await namespaces.cleanup.run();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(["bun", "node"] as const)("a program started by %s", (runtime) => {
  const command = (log: string, ...argv: readonly string[]): Command => ({
    argv: [...runtimes[runtime], programAt("run-program.ts"), box.path, log, ...argv],
    env: { PATH: process.env.PATH ?? "", GIVEN: "yes" },
  });
  const ran = (...argv: readonly string[]) => run(command("-", ...argv));
  const begun = async (...argv: readonly string[]): Promise<Running> => {
    const running = start(command("-", ...argv));
    await running.says(/^ready$/m);
    return running;
  };

  test("is in the namespace from its first moment on, with our streams and environment", async () => {
    const words = 'echo "$GIVEN $(readlink /proc/self/ns/net)"; ls /proc/self/fd; exit 7';
    const { status, stdout } = await ran("sh", "-c", words);
    expect(status).toBe(7);
    expect(stdout).toContain(`yes net:[${statSync(box.path).ino}]\n`);
    // ls has the folder open itself.
    expect(stdout).toMatch(/^0\n1\n2\n\d+\n/m);
    expect(stdout).toMatch(/^ended: 7 undefined false$/m);
  });

  test("is refused by name", async () => {
    expect(await ran("no-such-program")).toMatchObject({ stdout: "refused: ENOENT\n" });
    expect(await ran("/etc/passwd")).toMatchObject({ stdout: "refused: EACCES\n" });
  });

  test("that a signal ends, ends as shells say it", async () => {
    expect(await ran("sh", "-c", "kill -SEGV $$")).toMatchObject({ status: 128 + 11 });
  });

  test("is handed signals that are sent to us", async () => {
    for (const [signal, number] of [
      ["SIGTERM", 15],
      ["SIGINT", 2],
      ["SIGHUP", 1],
    ] as const) {
      const trap = `trap 'echo got ${number}; exit 40' ${number}`;
      const running = await begun("sh", "-c", `${trap}; echo ready; while :; do sleep 0.05; done`);
      running.kill(signal);
      const { status, stdout } = await running.outcome;
      expect({ signal, status }).toEqual({ signal, status: 40 });
      expect(stdout).toMatch(/^started: \d+ true true$/m);
      expect(stdout).toContain(`got ${number}\n`);
      expect(stdout).toContain(`ended: 40 ${128 + number} false`);
    }
  });

  test("has its signals as we were given ours", async () => {
    const masks = "grep -E '^Sig(Blk|Ign)' /proc/self/status";
    const plain = await run({ argv: ["sh", "-c", masks] });
    const { stdout } = await ran("sh", "-c", masks);
    expect(stdout).toContain(plain.stdout);
  });

  test("writes into a log that nobody else reads, and its stdin stays open", async () => {
    const log = join(folder, "log");
    const running = start(command(log, "sh", "-c", "echo out; echo err >&2; cat; echo never"));
    const [, pid = ""] = await running.says(/^started: (\d+)/m);
    while (!existsSync(log) || !readFileSync(log, "utf8").includes("err")) await sleep(20);
    expect(statSync(log).mode & 0o777).toBe(0o600);
    expect(readFileSync(log, "utf8")).toBe("out\nerr\n");
    process.kill(Number(pid), "SIGKILL");
    expect((await running.outcome).status).toBe(128 + 9);
  });

  test("may outlive us, in a session of its own that has none of our streams", async () => {
    const log = join(folder, "log");
    const look =
      "ps -o sid= -p $PPID | tr -d ' '; readlink /proc/$PPID/fd/[012] /proc/$PPID/cwd; echo end";
    const again = command(log, "sh", "-c", `echo $PPID; sleep 0.5; ${look}; cat`);
    const { status, stdout } = await run({ ...again, env: { ...again.env, AGAIN: "asked" } });
    const [, pid] = /^first: started: (\d+) true true undefined\n$/.exec(stdout) ?? [];
    expect({ status, stdout, pid }).toMatchObject({ status: 0, pid: expect.stringMatching(/\d/) });
    while (!readFileSync(log, "utf8").includes("end")) await sleep(20);
    const [session = "", ...rest] = readFileSync(log, "utf8").split("\n");
    process.kill(Number(pid), "SIGKILL");
    const nowhere = "/dev/null";
    expect(rest).toEqual([session, nowhere, nowhere, nowhere, "/", "end", ""]);
    while (existsSync(`/proc/${session}`)) await sleep(20);
  });
});

describe("the processes that there are", () => {
  test("are told by their beginning, and their end", async () => {
    const running = start({ argv: ["sleep", "60"], netns: box.name });
    const found = table.find(running.pid);
    if (found === undefined) throw new Error("it should run");
    expect(table.list()).toEqual(expect.arrayContaining([process.pid, running.pid]));
    expect(table.lives(found)).toBe(true);
    expect(table.lives({ ...found, began: found.began + 1 })).toBe(false);
    running.kill("SIGKILL");
    await running.outcome;
    expect(table.lives(found)).toBe(false);
    expect(table.send(found, "SIGTERM")).toBe(false);
  });

  test("are told by what they run, and where", async () => {
    const running = start({ argv: ["sleep", "60"], netns: box.name });
    const netns = openNetns(ffi, box.path);
    while (table.netnsOf(running.pid) !== netns?.id) await sleep(10);
    while (table.commandLine(running.pid)[0] !== "sleep") await sleep(10);
    expect(table.commandLine(running.pid)).toEqual(["sleep", "60"]);
    expect(table.isFromHere(running.pid)).toBe(false);
    expect(table.isFromHere(process.pid)).toBe(true);
    const found = table.find(running.pid);
    expect(found !== undefined && table.send(found, "SIGKILL")).toBe(true);
    expect(await running.outcome).toMatchObject({ signal: "SIGKILL" });
  });

  test("that are gone have nothing to tell", () => {
    const none = 2 ** 22 + 1;
    expect(table.find(none)).toBeUndefined();
    expect(table.netnsOf(none)).toBeUndefined();
    expect(table.commandLine(none)).toEqual([]);
  });
});

test("a new namespace is nobody else's, and goes when it is closed", () => {
  const before = ownNetns(ffi);
  const made = createNetns(ffi);
  const again = openNetns(ffi, made.path);
  expect(again?.id).toBe(made.id);
  expect(ownNetns(ffi).id).toBe(before.id);
  expect(inside(ffi, made, () => readlinkSync("/proc/thread-self/ns/net"))).not.toBe(
    readlinkSync("/proc/thread-self/ns/net"),
  );
  for (const netns of [made, again, before]) if (netns) ffi.call("close", netns.fd);
  expect(openNetns(ffi, made.path)).toBeUndefined();
});
