import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Failure } from "../../../lib/errors.ts";
import { openFileStore } from "../../../lib/store/file.ts";
import type { Revision, Store, Write } from "../../../lib/store/store.ts";
import { type Folder, makeTestFolder, openAt, openFolder, silent } from "./lab.ts";

const soon = () => deadlineIn(() => performance.now(), 30_000);
const first = 1 as Revision;

let folder: Folder;
let store: Store;
let file: string;

beforeEach(() => {
  folder = makeTestFolder();
  file = `${folder.path}/state`;
  store = openAt(folder.path);
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

const commit = (...writes: readonly Write[]) => store.commit({ compares: [], writes }, soon());
const put = (key: string, value: string) => commit({ put: key, value });
const text = () => readFileSync(file, "utf8");
const failureOf = async (call: Promise<unknown>): Promise<Failure> => {
  const thrown = await call.then(
    () => undefined,
    (fault) => fault,
  );
  if (thrown === undefined) throw new Error("it did not fail");
  return thrown;
};

describe("the state file", () => {
  test("is ours alone, and nothing else is left beside it", async () => {
    await put("a", "1");
    await put("a", "2");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path).toSorted()).toEqual(["lock", "state"]);
  });

  test("is not made by looking", async () => {
    expect(await store.get("a", soon())).toBeUndefined();
    expect(await store.range("", soon())).toEqual({ entries: [], revision: 1 });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("is not written by what changes nothing", async () => {
    await put("a", "1");
    const { ino } = statSync(file);
    await commit({ remove: "b" });
    await store.commit({ compares: [{ absent: "a" }], writes: [{ remove: "a" }] }, soon());
    expect(statSync(file).ino).toBe(ino);
  });

  test("gives another store another identity, also one in its place", async () => {
    const identity = await store.identity(soon());
    rmSync(file);
    expect(await store.identity(soon())).not.toBe(identity);
  });

  test("what a killed writer left is no hindrance", async () => {
    await put("a", "1");
    writeFileSync(`${folder.path}/next`, "half a st");
    expect((await put("a", "2")).ok).toBe(true);
    expect((await store.get("a", soon()))?.value).toBe("2");
    expect(readdirSync(folder.path).toSorted()).toEqual(["lock", "state"]);
  });

  test("that would be too large is refused before anyone is unable to read it", async () => {
    const large = "x".repeat(1024 * 1024);
    for (const key of ["a", "b"]) await put(key, large);
    const before = text();
    // Three in the entries, and this one again in the log.
    const failure = await failureOf(put("c", large));
    expect(failure.kind).toBe("store-refused");
    expect(failure.message).toContain("too large");
    expect(text()).toBe(before);
    expect((await commit({ remove: "a" }, { put: "c", value: "small" })).ok).toBe(true);
  });
});

describe("a damaged state file is refused, and left as it is", () => {
  const edited = (edit: (head: Record<string, unknown>) => void) => (before: string) => {
    const [line = "", ...log] = before.split("\n");
    const head = JSON.parse(line);
    edit(head);
    return [JSON.stringify(head), ...log].join("\n");
  };

  test.each<readonly [string, (before: string) => string]>([
    ["empty", () => ""],
    ["all zeros", (before) => "\0".repeat(before.length)],
    ["of another kind", () => "#!/bin/sh\nexit 0\n"],
    ["no object", () => "[]\n"],
    ["cut in its first line", (before) => before.slice(0, 60)],
    ["cut at a line", (before) => before.slice(0, before.indexOf("\n") + 1)],
    ["cut in its last line", (before) => before.slice(0, -2)],
    ["a line too long", (before) => `${before}[]\n`],
    ["of a later format", edited((head) => Object.assign(head, { format: 2 }))],
    [
      "of a format that can't be said",
      edited((head) => Object.assign(head, { format: { toString: 1 } })),
    ],
    [
      "with a log of a length that can't be said",
      edited((head) => Object.assign(head, { log: { toString: 1 } })),
    ],
    ["without an identity", edited((head) => Object.assign(head, { identity: "" }))],
    ["without a revision", edited((head) => Object.assign(head, { revision: "3" }))],
    ["without entries", edited((head) => Object.assign(head, { entries: {} }))],
    [
      "with an entry of the future",
      edited((head) => Object.assign(head, { entries: [["a", "1", 2, 4]] })),
    ],
    [
      "with an entry before its making",
      edited((head) => Object.assign(head, { entries: [["a", "1", 3, 2]] })),
    ],
    ["with half an entry", edited((head) => Object.assign(head, { entries: [["a", "1"]] }))],
    ["with an entry of another kind", edited((head) => Object.assign(head, { entries: [7] }))],
    [
      "with a key twice",
      edited((head) =>
        Object.assign(head, {
          entries: [
            ["a", "1", 2, 2],
            ["a", "2", 3, 3],
          ],
        }),
      ),
    ],
  ])("%s", async (_, damage) => {
    await put("a", "1");
    await put("b", "2");
    const damaged = damage(text());
    writeFileSync(file, damaged);
    for (const call of [
      () => store.get("a", soon()),
      () => store.range("", soon()),
      () => store.identity(soon()),
      () => put("a", "3"),
      () => store.watch("", first, () => {}, new AbortController().signal),
    ]) {
      const failure = await failureOf(call());
      expect(failure.kind).toBe("store-refused");
      expect(failure.message).toMatch(/^Cannot use the store \S+: .+/);
      expect(failure.message).toContain(file);
      expect(failure.details).toMatch(/remove the file/);
    }
    expect(text()).toBe(damaged);
  });

  test("in its log: the entries are still good, a watch that gets there is refused", async () => {
    await put("a", "1");
    await put("a", "2");
    writeFileSync(file, text().replace('[["a","1"]]', '[["a",1.0]]'));
    expect((await store.get("a", soon()))?.value).toBe("2");
    const watched = store.watch("", first, () => {}, new AbortController().signal);
    expect((await failureOf(watched)).kind).toBe("store-refused");
  });
});

describe("a planted symlink is not followed", () => {
  let elsewhere: Folder;
  let target: string;

  beforeEach(async () => {
    elsewhere = makeTestFolder();
    target = `${elsewhere.path}/state`;
    const other = openAt(elsewhere.path);
    await other.commit({ compares: [], writes: [{ put: "a", value: "theirs" }] }, soon());
    await other.close();
  });
  afterEach(() => elsewhere.remove());

  test("in the place of the state", async () => {
    const before = readFileSync(target, "utf8");
    symlinkSync(target, file);
    expect((await failureOf(store.get("a", soon()))).kind).toBe("store-refused");
    expect((await failureOf(put("a", "ours"))).kind).toBe("store-refused");
    expect(readFileSync(target, "utf8")).toBe(before);
  });

  test("in the place of what is being written", async () => {
    const before = readFileSync(target, "utf8");
    symlinkSync(target, `${folder.path}/next`);
    expect((await put("a", "ours")).ok).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(target, "utf8")).toBe(before);
  });

  test("in the place of the lock", async () => {
    symlinkSync(`${elsewhere.path}/made`, `${folder.path}/lock`);
    expect((await failureOf(put("a", "ours"))).kind).toBe("io");
    expect(readdirSync(elsewhere.path).toSorted()).toEqual(["lock", "state"]);
    expect(readdirSync(folder.path)).toEqual(["lock"]);
  });
});

test("a folder in the place of the state is refused", async () => {
  mkdirSync(file);
  expect((await failureOf(store.get("a", soon()))).kind).toBe("store-refused");
  expect((await failureOf(put("a", "1"))).kind).toBe("store-refused");
});

test("a full disk is an error, and the state stays as it was", async () => {
  const disk = makeTestFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", disk.path]);
  const small = openAt(`${disk.path}`);
  try {
    const write = (value: string) =>
      small.commit({ compares: [], writes: [{ put: "a", value }] }, soon());
    await write("1");
    const failure = await failureOf(write("x".repeat(300_000)));
    expect(failure.kind).toBe("io");
    expect(failure.message).toContain("no space left");
    expect(await small.get("a", soon())).toMatchObject({ value: "1", modRevision: 2 });
    expect(readdirSync(disk.path).toSorted()).toEqual(["lock", "state"]);
    expect(await write("2")).toEqual({ ok: true, revision: 3 });
  } finally {
    await small.close();
    execFileSync("umount", [disk.path]);
    disk.remove();
  }
});

describe("the log", () => {
  const oldestOf = async (of: Store) => {
    const end = await of.watch("", 0 as Revision, () => {}, new AbortController().signal);
    return end.reason === "compacted" ? end.oldest : undefined;
  };

  test("holds the last revisions, as many as it is told to", async () => {
    const short = openAt(folder.path, { revisions: 3, length: 1_000_000 });
    for (let n = 1; n <= 10; n += 1) {
      await short.commit({ compares: [], writes: [{ put: "a", value: String(n) }] }, soon());
    }
    expect(await oldestOf(short)).toBe(9);
    await short.close();
  });

  test("and no more text than it is told to, but always the last revision", async () => {
    const short = openAt(folder.path, { revisions: 1_000, length: 1_000 });
    for (let n = 1; n <= 50; n += 1) {
      const writes = [{ put: "a", value: "x".repeat(n === 50 ? 5_000 : 100) }];
      await short.commit({ compares: [], writes }, soon());
      expect(text().length).toBeLessThan(n === 50 ? 11_000 : 2_000);
    }
    expect(await oldestOf(short)).toBe(51);
    await short.close();
  });
});

describe("a watch", () => {
  test("ends when another store takes this one's place", async () => {
    await put("a", "1");
    const seen: string[] = [];
    const signal = new AbortController().signal;
    const watched = store.watch(
      "",
      first,
      (events) => seen.push(...events.map((e) => e.value)),
      signal,
    );
    while (seen.length === 0) await pause(5);
    rmSync(file);
    await put("a", "2");
    expect(await watched).toEqual({ reason: "compacted", oldest: 1 });
    expect(seen).toEqual(["1"]);
  });

  test("goes on by looking where no notices come", async () => {
    const warnings: string[] = [];
    const log = { ...silent, warn: (message: string) => void warnings.push(message) };
    const dir = { ...openFolder(folder.path), path: `${folder.path}/not-there` };
    const deaf = openFileStore({ dir, log, newIdentity: () => "deaf" });
    const seen: string[] = [];
    const signal = new AbortController().signal;
    const watched = deaf.watch(
      "",
      first,
      (events) => seen.push(...events.map((e) => e.value)),
      signal,
    );
    await pause(20);
    await put("a", "1");
    while (seen.length === 0) await pause(20);
    expect(seen).toEqual(["1"]);
    expect(warnings).toEqual(["cannot watch the store's folder: looking once a second"]);
    await deaf.close();
    expect(await watched).toEqual({ reason: "closed" });
  });
});
