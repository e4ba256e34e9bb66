import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Outcome, run } from "../../lab/run.ts";
import { type Namespace, type Namespaces, openNamespaces } from "./namespaces.ts";
import { programAt, runtimes } from "./runtimes.ts";

const realIp = "/sbin/ip";

let folder: string;
let namespaces: Namespaces;
let host: Namespace;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-detached-"));
  namespaces = openNamespaces();
  host = namespaces.make("host");
  host.ip("link", "add", "out", "up", "type", "veth", "peer", "name", "in");
});
afterEach(async () => {
  await namespaces.cleanup.run();
  rmSync(folder, { recursive: true, force: true });
});

/** A stand-in for ip(8); what it starts must not outlive the test. */
function script(...lines: readonly string[]): string {
  const path = join(folder, "ip");
  writeFileSync(path, ["#!/bin/sh", `echo $$ >${folder}/pid`, ...lines, ""].join("\n"));
  chmodSync(path, 0o755);
  namespaces.cleanup.add(() => {
    try {
      process.kill(childPid(), "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  });
  return path;
}

const childPid = () => Number(readFileSync(join(folder, "pid"), "utf8"));

const deleting = (
  runtime: "bun" | "node",
  programs: readonly string[],
  ...args: readonly string[]
): Promise<Outcome> =>
  run({
    argv: [...runtimes[runtime], programAt("delete-link.ts"), programs.join(","), ...args],
    netns: host.name,
    env: { SECRET: "not for the child", PATH: "/nowhere" },
  });

const done = { said: "done", streams: [0, 0, 0] };
const names = () => host.show("link", "show").map(({ ifname }) => ifname);

describe.each(["bun", "node"] as const)("%s", (runtime) => {
  test("sees both names gone when the child has only begun", async () => {
    const { stdout, stderr } = await deleting(runtime, [realIp], "out");
    expect({ stderr, ...JSON.parse(stdout) }).toEqual({ stderr: "", ...done });
    expect(names()).toEqual(["lo"]);
  });

  test.each([
    ["there is no ip", ["/none/ip", "/nor/here"]],
    ["the child fails", ["/bin/false"]],
    ["the child does nothing", ["/bin/true"]],
    ["nothing is to be started", []],
  ])("deletes it itself when %s", async (_, programs) => {
    const { stdout } = await deleting(runtime, programs, "out");
    expect(JSON.parse(stdout)).toEqual(done);
    expect(names()).toEqual(["lo"]);
  });

  test("has nothing to do for a link that is not there", async () => {
    host.ip("link", "set", "in", "name", "fifteen-letters");
    for (const name of ["none", "o", "out1", "fifteen-letters1"]) {
      const { stdout } = await deleting(runtime, [script("true")], name);
      expect(JSON.parse(stdout).said).toBe("absent");
    }
    expect(existsSync(join(folder, "pid"))).toBe(false);
    expect(names()).toEqual(expect.arrayContaining(["out", "fifteen-letters"]));
  });

  test("says why, in words, when the kernel refuses", async () => {
    const { stdout, stderr } = await deleting(runtime, [realIp], "lo");
    expect({ stderr, said: JSON.parse(stdout).said }).toEqual({
      stderr: "",
      said: 'Cannot delete link "lo": this kernel does not support that (EOPNOTSUPP)',
    });
  });

  test("gives up at the deadline when the child hangs", async () => {
    const { stdout } = await deleting(runtime, [script("exec sleep 60")], "out");
    expect(JSON.parse(stdout).said).toBe('Cannot delete link "out": it is still there');
  });

  test("is not held up at its end by the child, whose streams are its own", async () => {
    const hang = script(`ls -l /proc/$$/fd >${folder}/open`, "exec sleep 60");
    const { stdout } = await deleting(runtime, [hang], "out", "leave");
    // Here both of its streams have been read to their end, and the child lives on.
    expect(JSON.parse(stdout)).toEqual(done);
    await expect.poll(() => existsSync(join(folder, "open")), { timeout: 20_000 }).toBe(true);
    expect(readFileSync(`/proc/${childPid()}/comm`, "utf8")).toMatch(/sleep|ip|sh/);
  });

  test("gives the child nothing of its environment and no descriptor", async () => {
    const tell = script(
      `tr '\\0' '\\n' </proc/$$/environ >${folder}/environ`,
      `ls -l /proc/$$/fd >${folder}/open`,
      'exec /sbin/ip "$@"',
    );
    await deleting(runtime, [tell], "out");
    expect(names()).toEqual(["lo"]);
    expect(readFileSync(join(folder, "environ"), "utf8")).toBe("");
    const open = readFileSync(join(folder, "open"), "utf8").split("\n").slice(1, -1);
    // The shell that tells it has its script open, and the list.
    expect(open.filter((line) => !line.includes(folder))).toEqual([]);
  });
});
