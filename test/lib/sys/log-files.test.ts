/** What one process writes and rotates, and another reads and follows. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { logFiles } from "../../../lib/sys/log-files.ts";
import { must, run } from "../../lab/run.ts";
import { until } from "../../lab/until.ts";
import { programAt, runtimes } from "./runtimes.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-log-"));
  path = join(folder, "var/log/agent.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (runtime: readonly string[], bytes: number, count: number, ms = 0) => ({
  argv: [...runtime, programAt("log-to-file.ts"), path, `${bytes}`, `${count}`, `${ms}`],
});
const linesIn = (name: string) => readFileSync(join(folder, "var/log", name), "utf8").split("\n");
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}`);

describe.each(Object.entries(runtimes))("what is written under %s", (_name, runtime) => {
  test("goes to a file of ours alone, with what the runtime says", async () => {
    const { stdout, stderr } = await run(write(runtime, 1_000, 3));
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
    expect(linesIn("agent.log")).toEqual([...numbers(0, 3), "the runtime's own", ""]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("is renamed when it is full, and the oldest goes", async () => {
    await must(write(runtime, 70, 33));
    expect(readdirSync(join(folder, "var/log")).sort()).toEqual([
      "agent.log",
      "agent.log.1",
      "agent.log.2",
    ]);
    // 10 short lines are 70 bytes; of the longer ones, 8 fit.
    expect(linesIn("agent.log.2")).toEqual([...numbers(10, 18), ""]);
    expect(linesIn("agent.log.1")).toEqual([...numbers(18, 26), ""]);
    expect(linesIn("agent.log")).toEqual([...numbers(26, 33), "the runtime's own", ""]);
  });

  test("is added to what is there", async () => {
    await must(write(runtime, 1_000, 1));
    await must(write(runtime, 1_000, 1));
    expect(linesIn("agent.log").filter((line) => line === "line 0")).toHaveLength(2);
  });
});

const node = runtimes.node;

test("a file that somebody has renamed, or removed, is made anew", async () => {
  const writer = run(write(node, 1 << 20, 40, 20));
  await until("the first line", () => existsSync(path) && statSync(path).size > 0);
  renameSync(path, `${path}.theirs`);
  await until("another", () => existsSync(path) && statSync(path).size > 0);
  rmSync(path);
  expect((await writer).status).toBe(0);
  expect(linesIn("agent.log").at(-2)).toBe("the runtime's own");
});

test("a disk that is full ends nobody", async () => {
  const mount = `mount -t tmpfs -o size=8k none ${folder}`;
  const { argv } = write(node, 1 << 20, 3_000);
  const { status, stderr } = await run({
    argv: [
      "unshare",
      "--mount",
      "sh",
      "-ec",
      `${mount}; "$@"; stat -c %s ${path} >&2`,
      "sh",
      ...argv,
    ],
  });
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^\d{4}\n/),
  });
});

describe("reading", () => {
  const all = () => true;
  const read = async (lines: number, wanted: (line: string) => boolean = all) => {
    const found: string[] = [];
    const { signal } = new AbortController();
    const request = { lines, follow: false, wanted };
    await logFiles.read(path, request, (line) => void found.push(line), signal);
    return found;
  };

  test("gives the last lines, older files' among them", async () => {
    await must(write(node, 70, 33));
    expect(await read(1)).toEqual(["the runtime's own"]);
    expect((await read(10)).slice(0, 3)).toEqual(numbers(24, 27));
    expect((await read(1_000))[0]).toBe("line 10");
    expect(await read(0)).toEqual([]);
  });

  test("counts those that are wanted", async () => {
    await must(write(node, 70, 33));
    expect(await read(2, (line) => line.endsWith("0"))).toEqual(["line 20", "line 30"]);
  });

  test("of no log says who writes one", async () => {
    const failure = await read(1).catch((fault: unknown) => fault);
    expect(failure).toMatchObject({
      message: `Cannot read the log ${path}: there is none`,
      details: expect.stringContaining("socketplane agent start"),
    });
  });

  test("of what was added since: its lines, and none where there is nothing", async () => {
    expect({ size: logFiles.size(path), lines: logFiles.after(path, 0) }).toEqual({
      size: 0,
      lines: [],
    });
    await must(write(node, 1_000, 2));
    const size = logFiles.size(path);
    expect(logFiles.after(path, size)).toEqual([]);
    appendFileSync(path, "more\n");
    expect(logFiles.after(path, size)).toEqual(["more"]);
  });
});

describe("following", () => {
  let found: string[];
  let enough: AbortController;
  let following: Promise<void>;
  const follow = (lines: number) => {
    found = [];
    enough = new AbortController();
    const request = { lines, follow: true, wanted: () => true };
    following = logFiles.read(path, request, (line) => void found.push(line), enough.signal);
  };
  const end = async () => {
    enough.abort();
    await following;
  };

  test("loses nothing and repeats nothing, however often the file is renamed", async () => {
    follow(0);
    // Begun before there is a file; renamed some times between two looks.
    await must(write(node, 700, 400, 4));
    await until("the last line", () => found.at(-1) === "the runtime's own");
    await end();
    expect(found).toEqual([...numbers(0, 400), "the runtime's own"]);
  });

  test("goes on from the last lines, which may be half written", async () => {
    await must(write(node, 1_000, 3));
    appendFileSync(path, "a line in two p");
    follow(2);
    await until("the last lines", () => found.length === 2);
    appendFileSync(path, "ieces: ä");
    appendFileSync(path, "\nanother\n");
    await until("the rest", () => found.length === 4);
    await end();
    expect(found).toEqual(["line 2", "the runtime's own", "a line in two pieces: ä", "another"]);
  });

  test("begins anew in a file that was emptied", async () => {
    await must(write(node, 1_000, 3));
    follow(1);
    await until("the last line", () => found.length === 1);
    truncateSync(path);
    await new Promise((resolve) => setTimeout(resolve, 500));
    appendFileSync(path, "again\n");
    await until("the first line after", () => found.length === 2);
    await end();
    expect(found).toEqual(["the runtime's own", "again"]);
  });

  test("goes on in a file that took the place of one that was removed", async () => {
    await must(write(node, 1_000, 1));
    follow(1);
    await until("the last line", () => found.length === 1);
    rmSync(path);
    writeFileSync(path, "new\n");
    await until("the new one", () => found.length === 2);
    await end();
    expect(found).toEqual(["the runtime's own", "new"]);
  });
});
