import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { executables } from "../lab/node.ts";
import { run, start } from "../lab/run.ts";

const top = fileURLToPath(new URL("../../", import.meta.url));
const build = (...args: readonly string[]) =>
  run({ argv: [process.execPath, join(top, "build.mjs"), ...args], cwd: "/" });
const version = (name: string) =>
  run({ argv: [join(executables, name)], env: { CNI_COMMAND: "VERSION" }, stdin: "" });

describe("npm run build", () => {
  test("leaves one file under two names, which only its owner can change", () => {
    const [one, two] = ["socketplane", "socketplane-ipam"].map((name) =>
      statSync(join(executables, name)),
    );
    expect(one?.ino).toBe(two?.ino);
    expect((one?.mode ?? 0) & 0o777).toBe(0o755);
  });

  test("replaces them while they run, and while another build does the same", async () => {
    const before = statSync(join(executables, "socketplane")).ino;
    const builds = [build(), build()];
    let running = true;
    const all = Promise.all(builds).finally(() => {
      running = false;
    });
    const failed = [];
    while (running) {
      for (const name of ["socketplane", "socketplane-ipam"]) {
        const outcome = await version(name);
        if (outcome.status !== 0) failed.push(outcome);
      }
    }
    expect((await all).map(({ status, stderr }) => ({ status, stderr }))).toEqual([
      { status: 0, stderr: "" },
      { status: 0, stderr: "" },
    ]);
    expect(failed).toEqual([]);
    expect(statSync(join(executables, "socketplane")).ino).not.toBe(before);
  });

  test("leaves nothing else, and takes away what a killed one left", async () => {
    const killed = join(top, "dist", `.build-${(await ended()).pid}-killed`);
    mkdirSync(killed);
    expect((await build()).status).toBe(0);
    const hidden = readdirSync(join(top, "dist")).filter((name) => name.startsWith("."));
    // Those of other builds, that are under way, are none of ours.
    expect(hidden.filter((name) => !existsSync(`/proc/${name.split("-")[1]}`))).toEqual([]);
  });

  test("says what it made, and makes nothing where nothing changed", async () => {
    const { stdout } = await build();
    expect(stdout).toMatch(/^dist\/bin\/socketplane +\d+\.\d MiB$/m);
    expect(stdout).toMatch(/^dist\/bin\/socketplane-ipam +\d+\.\d MiB$/m);
    expect(await build("--if-needed")).toMatchObject({ status: 0, stdout: "" });
  });

  test.each([
    [["--runtime", "deno"], 'Cannot build for runtime "deno": "bun" and "node" are supported'],
    [["--runtim=bun"], "Cannot build: Unknown option '--runtim'"],
    [["all"], "Cannot build: Unexpected argument 'all'"],
  ])("refuses %j", async (args, message) => {
    const { status, stderr } = await build(...args);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain("usage: npm run build");
  });
});

test("an executable whose reader has gone ends all the same", async () => {
  const argv = ["sh", "-c", `"$0" | true`, join(executables, "socketplane")];
  const { status } = await start({ argv, env: { PATH: "/usr/bin:/bin", CNI_COMMAND: "VERSION" } })
    .outcome;
  expect(status).toBe(0);
});

/** A process that has ended. */
async function ended() {
  const running = start({ argv: ["true"] });
  await running.outcome;
  return running;
}
