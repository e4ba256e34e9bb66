import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const probe = fileURLToPath(new URL("exec-probe.ts", import.meta.url));
const bun = fileURLToPath(new URL("../../../node_modules/.bin/bun", import.meta.url));

/** The same program does the work under both, so both are asked. */
const runtimes = [
  { runtime: "Node", program: process.execPath, first: [] },
  { runtime: "Bun", program: bun, first: ["--no-env-file"] },
];

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "exec-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function script(text: string, mode = 0o755): Promise<string> {
  const path = join(folder, "plugin");
  await writeFile(path, `#!/bin/sh\n${text}\n`, { mode });
  return path;
}

describe.each(runtimes)("under $runtime", ({ program, first }) => {
  async function ask(...args: string[]): Promise<unknown> {
    const child = spawn(program, [...first, probe, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const said = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        said[stream] += text;
      });
    }
    await new Promise((done) => child.on("close", done));
    if (said.stdout === "") throw new Error(said.stderr);
    return JSON.parse(said.stdout);
  }
  const run = (path: string, ms = 20_000, stdin = "") => ask("run", path, String(ms), stdin);

  test("what goes in and what comes out", async () => {
    const path = await script(
      'cat; echo "$# $CNI_COMMAND" >&2; env | grep -e GONE -e HOME >&2; exit 3',
    );
    expect(await run(path, 20_000, "a wörd")).toEqual({
      how: "exited",
      status: 3,
      stdout: "a wörd",
      stderr: "0 ADD\n",
    });
  });

  test("megabytes go through", async () => {
    expect(await run(await script("cat"), 20_000, String(8 << 20))).toMatchObject({
      how: "exited",
      status: 0,
      stdout: `${8 << 20} characters`,
    });
  });

  test("a program that doesn't read its stdin", async () => {
    const path = await script("echo '{}'");
    expect(await run(path, 20_000, String(4 << 20))).toMatchObject({ status: 0, stdout: "{}\n" });
  });

  test("a signal", async () => {
    expect(await run(await script("kill -SEGV $$"))).toMatchObject({
      how: "killed",
      signal: "SIGSEGV",
    });
  });

  test("the deadline ends it", async () => {
    const pid = join(folder, "pid");
    const path = await script(`trap '' TERM; echo $$ > ${pid}; echo begun; while :; do :; done`);
    expect(await run(path, 1500)).toEqual({ how: "late", stdout: "begun\n", stderr: "" });
    const number = (await readFile(pid, "utf8")).trim();
    expect(existsSync(`/proc/${number}`)).toBe(false);
  });

  test("the deadline ends the wait for a grandchild that keeps stdout open", async () => {
    const pid = join(folder, "pid");
    const path = await script(`sleep 50 & echo $! > ${pid}; echo '{}'`);
    try {
      expect(await run(path, 1000)).toMatchObject({ how: "late" });
    } finally {
      process.kill(Number(await readFile(pid, "utf8")), "SIGKILL");
    }
  });

  test("with no time left it isn't started", async () => {
    const mark = join(folder, "mark");
    const path = await script(`touch ${mark}`);
    expect(await run(path, 0)).toMatchObject({ how: "late" });
    expect(existsSync(mark)).toBe(false);
  });

  test("a flood is dammed", async () => {
    expect(await run(await script("exec yes"))).toMatchObject({ how: "overflowed" });
    expect(await run(await script("exec yes >&2"))).toMatchObject({ how: "overflowed" });
  });

  test("what can't be started", async () => {
    expect(await run(await script("", 0o644))).toMatchObject({ how: "refused", errno: "EACCES" });
    expect(await run(join(folder, "nothing"))).toMatchObject({ how: "refused", errno: "ENOENT" });
  });

  // Node's execvp(3) tries the shell, Bun's doesn't.
  test("what is no program fails one way or the other", async () => {
    const odd = join(folder, "odd");
    await writeFile(odd, Uint8Array.of(0, 1, 2, 3), { mode: 0o755 });
    expect(await run(odd)).not.toMatchObject({ how: "exited", status: 0 });
  });

  test("a binary that is being written", async () => {
    const path = await script("");
    const writer = await open(path, "a");
    try {
      expect(await run(path)).toMatchObject({ how: "refused", errno: "ETXTBSY" });
    } finally {
      await writer.close();
    }
  });

  test("isFile: regular files, after following links", async () => {
    const path = await script("");
    await chmod(path, 0o600);
    await symlink(path, join(folder, "link"));
    await symlink("loop", join(folder, "loop"));
    await symlink("nowhere", join(folder, "dangling"));
    await mkdir(join(folder, "folder"));
    const names = ["plugin", "link", "loop", "dangling", "folder", "nothing", "plugin/below"];
    const found = await Promise.all(names.map((name) => ask("isFile", join(folder, name))));
    expect(found).toEqual([true, true, false, false, false, false, false]);
    expect(await ask("isFile", "/dev/null")).toBe(false);
  });
});
