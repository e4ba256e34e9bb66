import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Revision, StoreEvent } from "../../../lib/store/store.ts";
import { type Folder, makeTestFolder, openAt } from "./lab.ts";

const soon = () => deadlineIn(() => performance.now(), 60_000);
const script = fileURLToPath(new URL("count.ts", import.meta.url));

interface Counting {
  readonly child: ChildProcess;
  readonly begun: Promise<void>;
  readonly ended: Promise<{ readonly counts: readonly number[]; readonly errors: string }>;
}

let folder: Folder;
let counting: Counting[];

beforeEach(() => {
  folder = makeTestFolder();
  counting = [];
});
afterEach(async () => {
  for (const { child } of counting) child.kill("SIGKILL");
  await Promise.all(counting.map(({ ended }) => ended));
  folder.remove();
});

function startCounting(times: number, filler: number): Counting {
  const given = [folder.path, String(times), String(filler)];
  const args = ["--disable-warning=ExperimentalWarning", script, ...given];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let errors = "";
  const begun = Promise.withResolvers<void>();
  child.stdout.on("data", (text) => {
    out += text;
    begun.resolve();
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const ended = once(child, "close").then(() => {
    begun.resolve();
    return { counts: out.split("\n").slice(0, -1).map(Number), errors };
  });
  const started = { child, begun: begun.promise, ended };
  counting.push(started);
  return started;
}

const counter = async () => {
  const store = openAt(folder.path);
  const entry = await store.get("counter", soon());
  await store.close();
  return Number(entry?.value ?? 0);
};

test("six processes racing from the first write on lose and double nothing", async () => {
  const store = openAt(folder.path);
  const events: StoreEvent[] = [];
  const stop = new AbortController();
  const watched = store.watch(
    "counter",
    1 as Revision,
    (batch) => events.push(...batch),
    stop.signal,
  );
  const ends = await Promise.all(Array.from({ length: 6 }, () => startCounting(15, 10).ended));
  for (const { errors, counts } of ends) {
    expect(errors).toBe("");
    expect(counts).toHaveLength(15);
  }
  const all = Array.from({ length: 90 }, (_, index) => index + 1);
  expect(ends.flatMap(({ counts }) => counts).toSorted((a, b) => a - b)).toEqual(all);
  expect(await counter()).toBe(90);
  while (events.length < 90) await pause(10);
  stop.abort();
  await watched;
  expect(events.map((event) => Number(event.value))).toEqual(all);
  await store.close();
});

test("kill -9 at any moment leaves a whole state, with all that was said to be done", async () => {
  let done = 0;
  for (let round = 0; round < 12; round += 1) {
    // So much that a kill finds it half written.
    const pair = [startCounting(1_000, 100_000), startCounting(1_000, 100_000)];
    await Promise.all(pair.map(({ begun }) => begun));
    await pause(Math.random() * 25);
    for (const { child } of pair) child.kill("SIGKILL");
    const ends = await Promise.all(pair.map(({ ended }) => ended));
    for (const { errors } of ends) expect(errors).toBe("");
    done = Math.max(done, ...ends.flatMap(({ counts }) => counts));
    // Each of the two may have been killed between its commit and saying so.
    const found = await counter();
    expect(found).toBeGreaterThanOrEqual(done);
    expect(found).toBeLessThanOrEqual(done + 2);
    done = found;
  }
  const store = openAt(folder.path);
  const { revision } = await store.range("", soon());
  expect(revision).toBe(1 + done);
  const writes = [{ put: "after", value: "1" }];
  expect(await store.commit({ compares: [], writes }, soon())).toEqual({
    ok: true,
    revision: revision + 1,
  });
  await store.close();
});

test("a commit is on the disk before it takes the old state's place, and its name after", async () => {
  const trace = `${folder.path}/trace`;
  const strace = ["-f", "-o", trace, "-e", "trace=fsync,renameat2"];
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", script];
  const child = spawn("strace", [...strace, ...node, folder.path, "1", "10"], { stdio: "ignore" });
  const [status] = await once(child, "close");
  expect(status).toBe(0);
  const calls = readFileSync(trace, "utf8").match(/fsync|renameat2/g);
  expect(calls).toEqual(["fsync", "renameat2", "fsync"]);
});
