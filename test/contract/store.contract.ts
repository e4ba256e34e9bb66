/**
 * What every store must do. Call it with a way to open one; each test gets a store of its own, or
 * one that only this file uses: keys are under a prefix of the test's own.
 */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deadlineIn } from "../../lib/deadline.ts";
import { compareAndSwap } from "../../lib/store/cas.ts";
import {
  type Compare,
  type Entry,
  endOf,
  type Revision,
  type Store,
  type StoreEvent,
  type WatchEnd,
  type Write,
} from "../../lib/store/store.ts";

export interface StoreLab {
  readonly store: Store;
  /** A second client of the same content, as another process would have. */
  readonly another: () => Promise<Store>;
  /** Forgets all revisions but the latest. */
  readonly compact: () => Promise<void>;
  /** Makes every commit wait until the returned function is called. */
  readonly stall: () => Promise<() => Promise<void>>;
  /** The shortest time that a session can be given, seconds. */
  readonly sessionSeconds: number;
  readonly close: () => Promise<void>;
}

const clock = () => performance.now();
/** Long: only what must end in time has a short one. */
const soon = () => deadlineIn(clock, 30_000);
let made = 0;

export function storeContract(name: string, openLab: () => Promise<StoreLab>): void {
  describe(`${name} keeps the store's contract`, () => {
    let lab: StoreLab;
    let store: Store;
    let at: string;

    beforeEach(async () => {
      lab = await openLab();
      store = lab.store;
      made += 1;
      at = `/contract/${process.pid}-${made}/`;
    });
    afterEach(() => lab.close());

    const commit = (compares: readonly Compare[], ...writes: readonly Write[]) =>
      store.commit({ compares, writes }, soon());
    /** Puts without a compare; gives the revision. */
    const put = async (key: string, value: string): Promise<Revision> => {
      const done = await commit([], { put: at + key, value });
      if (!done.ok) throw new Error("lost a commit that compares nothing");
      return done.revision;
    };
    const remove = (key: string) => commit([], { remove: at + key });
    const get = (key: string) => store.get(at + key, soon());
    const there = async (key: string): Promise<Entry> => {
      const entry = await get(key);
      if (entry === undefined) throw new Error(`no key ${key}`);
      return entry;
    };
    const keysIn = async (prefix: string) => {
      const { entries } = await store.range(at + prefix, soon());
      return entries.map((entry) => entry.key.slice(at.length));
    };
    const revision = async () => (await store.range(at, soon())).revision;

    describe("get", () => {
      test("what is not there is undefined", async () => {
        expect(await get("a")).toBeUndefined();
        await put("ab", "1");
        expect(await get("a")).toBeUndefined();
      });

      test("a first put has one revision, a second keeps when it was created", async () => {
        const first = await put("a", "1");
        expect(await get("a")).toEqual({
          key: `${at}a`,
          value: "1",
          createRevision: first,
          modRevision: first,
        });
        const second = await put("a", "2");
        expect(second).toBeGreaterThan(first);
        expect(await get("a")).toEqual({
          key: `${at}a`,
          value: "2",
          createRevision: first,
          modRevision: second,
        });
      });

      test("what was removed and made again is created anew", async () => {
        const first = await put("a", "1");
        await remove("a");
        const second = await put("a", "1");
        expect((await there("a")).createRevision).toBe(second);
        expect(second).toBeGreaterThan(first);
      });

      test.each([
        ["empty", ""],
        ["of many scripts", "é e\u0301 漢字 עברית 🦀👩‍👩‍👧 \u2028\u2029\ufeff"],
        ["with newlines and quotes", 'a\nb\r\nc\t"d" \\n {"e":[1]}\n'],
        ["with control characters", "\u0000\u0001\u001b[31m\u007f"],
        ["of 100 KiB", "0123456789abcdé\n".repeat(6_400)],
      ])("a value %s comes back as it was", async (_, value) => {
        await put("a", value);
        await put("b", "after");
        expect((await there("a")).value).toBe(value);
        const other = await lab.another();
        expect((await other.get(`${at}a`, soon()))?.value).toBe(value);
        await other.close();
      });
    });

    describe("range", () => {
      test("is empty, with a revision, where nothing is", async () => {
        const before = await store.range(at, soon());
        expect(before.entries).toEqual([]);
        expect(before.revision).toBeGreaterThan(0);
        const after = await put("a", "1");
        expect((await store.range(`${at}none/`, soon())).revision).toBe(after);
      });

      test("gives whole entries in the order of their keys' bytes", async () => {
        const sorted = [
          "!",
          "-",
          ".",
          "/",
          "0",
          "00",
          "01",
          "1",
          "A",
          "Z",
          "_",
          "a",
          "aa",
          "b",
          "~",
        ];
        for (const key of sorted.toReversed()) await put(key, `value of ${key}`);
        expect(await keysIn("")).toEqual(sorted);
        const { entries } = await store.range(at, soon());
        expect(entries[0]).toEqual(await get("!"));
      });

      test("holds what begins with the prefix, and that key itself, and nothing else", async () => {
        for (const key of ["a", "a/", "a/b", "a/b/c", "a0", "a~", "a~~", "ab", "b", "A/b"]) {
          await put(key, "");
        }
        expect(await keysIn("a/")).toEqual(["a/", "a/b", "a/b/c"]);
        expect(await keysIn("a")).toEqual(["a", "a/", "a/b", "a/b/c", "a0", "ab", "a~", "a~~"]);
        expect(await keysIn("a~")).toEqual(["a~", "a~~"]);
        expect(await keysIn("b")).toEqual(["b"]);
        expect(await keysIn("c")).toEqual([]);
      });

      test("is what was there at its revision", async () => {
        await put("a", "1");
        const last = await put("b", "2");
        const { revision, entries } = await store.range(at, soon());
        expect(revision).toBe(last);
        expect(entries.map((entry) => entry.modRevision)).toEqual([last - 1, last]);
      });
    });

    describe("compare", () => {
      const after = { value: "after" };

      test("absent: creates once", async () => {
        const create = (value: string) => commit([{ absent: `${at}a` }], { put: `${at}a`, value });
        expect((await create("first")).ok).toBe(true);
        expect(await create("second")).toEqual({ ok: false });
        expect((await there("a")).value).toBe("first");
        await remove("a");
        expect((await create("third")).ok).toBe(true);
      });

      test.each(["modRevision", "createRevision"] as const)("%s", async (name) => {
        await put("a", "1");
        await put("a", "2");
        const entry = await there("a");
        const swap = (revision: number) =>
          commit([{ key: `${at}a`, [name]: revision } as Compare], { put: `${at}b`, ...after });
        expect(await swap(entry[name] - 1)).toEqual({ ok: false });
        expect(await swap(entry[name] + 1)).toEqual({ ok: false });
        expect(await get("b")).toBeUndefined();
        expect((await swap(entry[name])).ok).toBe(true);
      });

      test("a removed and re-created key has another create revision", async () => {
        await put("a", "1");
        const { createRevision } = await there("a");
        await remove("a");
        await put("a", "1");
        const compare = { key: `${at}a`, createRevision };
        expect(await commit([compare], { put: `${at}b`, ...after })).toEqual({ ok: false });
      });

      test("value", async () => {
        await put("a", "1\n");
        const swap = (value: string) =>
          commit([{ key: `${at}a`, value }], { put: `${at}b`, ...after });
        expect(await swap("1")).toEqual({ ok: false });
        expect(await swap("")).toEqual({ ok: false });
        expect((await swap("1\n")).ok).toBe(true);
      });

      test("what is not there has the revisions 0, and no value", async () => {
        const write: Write = { put: `${at}b`, ...after };
        const none = 0 as Revision;
        const some = (await revision()) as Revision;
        expect(await commit([{ key: `${at}a`, value: "" }], write)).toEqual({ ok: false });
        expect(await commit([{ key: `${at}a`, modRevision: some }], write)).toEqual({ ok: false });
        expect((await commit([{ key: `${at}a`, modRevision: none }], write)).ok).toBe(true);
        expect((await commit([{ key: `${at}a`, createRevision: none }], write)).ok).toBe(true);
        expect(await commit([{ key: `${at}b`, createRevision: none }], write)).toEqual({
          ok: false,
        });
      });

      test("absent range: from its first key, up to but not its end", async () => {
        await put("a", "");
        await put("c", "");
        const free = async (from: string, to: string) => {
          const compare = { absentFrom: at + from, to: at + to };
          return (await commit([compare], { put: `${at}z`, ...after })).ok;
        };
        expect(await free("a\x7e", "c")).toBe(true);
        expect(await free("b", "c")).toBe(true);
        expect(await free("a", "c")).toBe(false);
        expect(await free("b", "c!")).toBe(false);
        expect(await free("c", "c!")).toBe(false);
        expect(await free("0", "a")).toBe(true);
        expect(await free("0", endOf("a"))).toBe(false);
      });

      test("unchanged range: nothing that is there was written after the revision", async () => {
        await put("a/1", "");
        const read = await put("a/2", "");
        const unchanged = async (revision: Revision, from = "a/", to = endOf("a/")) => {
          const compare = { unchangedFrom: at + from, to: at + to, revision };
          return (await commit([compare], { put: `${at}z`, ...after })).ok;
        };
        expect(await unchanged(read)).toBe(true);
        expect(await unchanged((read - 1) as Revision)).toBe(false);
        expect(await unchanged((read - 1) as Revision, "a/", "a/2")).toBe(true);
        expect(await unchanged(read, "none/", endOf("none/"))).toBe(true);
        await put("b", "elsewhere");
        expect(await unchanged(read)).toBe(true);
        const added = await put("a/3", "");
        expect(await unchanged(read)).toBe(false);
        await put("a/1", "again");
        expect(await unchanged(added)).toBe(false);
      });

      test("unchanged range: a removal is not seen", async () => {
        await put("a/1", "");
        const read = await put("a/2", "");
        await remove("a/1");
        const compare = { unchangedFrom: `${at}a/`, to: endOf(`${at}a/`), revision: read };
        expect((await commit([compare], { put: `${at}z`, ...after })).ok).toBe(true);
      });
    });

    describe("commit", () => {
      test("does all of its writes at one revision", async () => {
        await put("gone", "");
        const before = await revision();
        const writes = Array.from({ length: 100 }, (_, index) => ({
          put: `${at}k${index}`,
          value: String(index),
        }));
        const done = await commit([], ...writes, { remove: `${at}gone` });
        expect(done).toEqual({ ok: true, revision: before + 1 });
        const { entries } = await store.range(`${at}k`, soon());
        expect(entries).toHaveLength(100);
        expect(new Set(entries.map((entry) => entry.modRevision))).toEqual(new Set([before + 1]));
        expect(await get("gone")).toBeUndefined();
      });

      test("does none when one of its compares fails, whichever", async () => {
        await put("a", "1");
        const before = await store.range(at, soon());
        const good: Compare = { key: `${at}a`, value: "1" };
        const bad: Compare = { absent: `${at}a` };
        const writes: Write[] = [{ put: `${at}b`, value: "2" }, { remove: `${at}a` }];
        for (const compares of [
          [bad, good, good],
          [good, bad, good],
          [good, good, bad],
        ]) {
          expect(await commit(compares, ...writes)).toEqual({ ok: false });
        }
        expect(await store.range(at, soon())).toEqual(before);
        expect((await commit([good, good, good], ...writes)).ok).toBe(true);
      });

      test.each([
        ["put twice", (key: string): Write[] => [put1(key), put1(key)]],
        ["put and removed", (key: string): Write[] => [put1(key), { remove: key }]],
        ["removed twice", (key: string): Write[] => [{ remove: key }, { remove: key }]],
      ])("refuses a key that is %s", async (_, writesOf) => {
        const before = await put("b", "");
        const writes = [put1(`${at}b`), ...writesOf(`${at}a`)];
        await expect(commit([], ...writes)).rejects.toMatchObject({ kind: "store-refused" });
        expect(await get("a")).toBeUndefined();
        expect((await there("b")).modRevision).toBe(before);
      });

      test.each(["", "a b", "é", "\n", "a\x7f"])("refuses %j, which is no key", async (key) => {
        await expect(
          store.commit({ compares: [], writes: [put1(key)] }, soon()),
        ).rejects.toMatchObject({ kind: "store-refused" });
      });

      test("removes, and removing what is not there changes nothing", async () => {
        const first = await put("a", "1");
        expect(await remove("a")).toEqual({ ok: true, revision: first + 1 });
        expect(await get("a")).toBeUndefined();
        expect(await keysIn("")).toEqual([]);
        expect(await remove("a")).toEqual({ ok: true, revision: first + 1 });
        expect(await revision()).toBe(first + 1);
      });

      test("without a write it gives the revision, and says whether the compares hold", async () => {
        const first = await put("a", "1");
        expect(await commit([])).toEqual({ ok: true, revision: first });
        expect(await commit([{ key: `${at}a`, value: "1" }])).toEqual({
          ok: true,
          revision: first,
        });
        expect(await commit([{ key: `${at}a`, value: "2" }])).toEqual({ ok: false });
        expect(await revision()).toBe(first);
      });

      test("is seen by another client at once", async () => {
        const other = await lab.another();
        for (let round = 0; round < 20; round += 1) {
          await put("a", String(round));
          expect((await other.get(`${at}a`, soon()))?.value).toBe(String(round));
        }
        await other.close();
      });
    });

    test("the identity stays, and is the same for every client", async () => {
      const identity = await store.identity(soon());
      expect(identity).not.toBe("");
      await put("a", "1");
      const other = await lab.another();
      expect(await other.identity(soon())).toBe(identity);
      await other.close();
      expect(await store.identity(soon())).toBe(identity);
    });

    test("the identity outlives what is in the store", async () => {
      const other = await lab.another();
      const identity = await other.identity(soon());
      await put("a", "1");
      await remove("a");
      await lab.compact();
      expect(await store.identity(soon())).toBe(identity);
      await other.close();
    });

    describe("a session", () => {
      const ttl = 600;
      const open = (key: string, value: string, of = store) =>
        of.openSession(at + key, value, ttl, soon());

      test("is a key until it is closed", async () => {
        const session = await open("s", "one");
        expect((await there("s")).value).toBe("one");
        await session.set("two", soon());
        expect((await there("s")).value).toBe("two");
        await put("a", "stays");
        await session.close();
        expect(await keysIn("")).toEqual(["a"]);
        await session.close();
      });

      test("is seen by those who watch", async () => {
        const seen = watching(store, at, await put("a", "1"));
        const session = await open("s", "one");
        await session.set("two", soon());
        await session.close();
        await seen.until(4);
        await seen.stop();
        expect(seen.values()).toEqual(["1", "one", "two", ""]);
        expect(seen.batches.at(-1)).toMatchObject([{ type: "remove", key: `${at}s` }]);
      });

      test("goes with the store that it is of", async () => {
        const other = await lab.another();
        await open("s", "one", other);
        await open("t", "one");
        await other.close();
        expect(await keysIn("")).toEqual(["t"]);
      });

      test("that another took over is not that one's end", async () => {
        const other = await lab.another();
        const first = await open("s", "first");
        const second = await open("s", "second", other);
        await first.close();
        expect((await there("s")).value).toBe("second");
        await second.set("still there", soon());
        expect((await there("s")).value).toBe("still there");
        await other.close();
        expect(await keysIn("")).toEqual([]);
      });

      test("lives longer than its time, as long as its process does", async () => {
        const session = await store.openSession(`${at}s`, "one", lab.sessionSeconds, soon());
        await pause(lab.sessionSeconds * 2_500);
        expect((await there("s")).value).toBe("one");
        await session.close();
      });
    });

    describe("watch", () => {
      const watch = (from: number, prefix = "", of = store) =>
        watching(of, at + prefix, from as Revision);

      test("begins at a past revision, that one included", async () => {
        const first = await put("a", "1");
        await put("a", "2");
        await remove("a");
        const seen = watch(first + 1);
        await seen.until(2);
        expect(await seen.stop()).toEqual({ reason: "closed" });
        expect(seen.batches).toEqual([
          [{ type: "put", key: `${at}a`, value: "2", revision: first + 1 }],
          [{ type: "remove", key: `${at}a`, value: "", revision: first + 2 }],
        ]);
      });

      test("goes on live, a batch for each revision, of its prefix only", async () => {
        const first = await put("a/1", "past");
        const seen = watch(first, "a/");
        await seen.until(1);
        const other = await lab.another();
        const writes: Write[] = [
          { put: `${at}a/2`, value: "live" },
          { put: `${at}b/1`, value: "elsewhere" },
          { remove: `${at}a/1` },
        ];
        await other.commit({ compares: [], writes }, soon());
        await other.commit({ compares: [], writes: [put1(`${at}b/2`)] }, soon());
        await other.commit({ compares: [], writes: [put1(`${at}a/3`)] }, soon());
        await seen.until(3);
        await other.close();
        await seen.stop();
        expect(seen.batches[1]?.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
          { type: "remove", key: `${at}a/1`, value: "", revision: first + 1 },
          { type: "put", key: `${at}a/2`, value: "live", revision: first + 1 },
        ]);
        expect(seen.batches[2]).toEqual([
          { type: "put", key: `${at}a/3`, value: "", revision: first + 3 },
        ]);
      });

      test("waits for a revision that is still to come", async () => {
        const first = await put("a", "1");
        const seen = watch(first + 3);
        for (const value of ["2", "3", "4", "5"]) await put("a", value);
        await seen.until(2);
        await seen.stop();
        expect(seen.values()).toEqual(["4", "5"]);
      });

      test("loses and doubles nothing while others write", async () => {
        const first = await put("n", "0");
        const writing = (async () => {
          for (let n = 1; n <= 300; n += 1) {
            await put("n", String(n));
            if (n % 10 === 0) await pause(1);
          }
        })();
        const watchers = [watch(first), watch(first), watch(first)];
        await Promise.all([writing, ...watchers.map((seen) => seen.until(301))]);
        await Promise.all(watchers.map((seen) => seen.stop()));
        const all = Array.from({ length: 301 }, (_, n) => String(n));
        for (const seen of watchers) expect(seen.values()).toEqual(all);
      });

      test("from a snapshot on, nothing is missed between", async () => {
        await put("a", "1");
        const snapshot = await store.range(at, soon());
        await put("b", "2");
        const seen = watch(snapshot.revision + 1);
        await seen.until(1);
        await put("c", "3");
        await seen.until(2);
        await seen.stop();
        expect(seen.values()).toEqual(["2", "3"]);
      });

      test("says compacted when the revision is no longer held", async () => {
        const first = await put("a", "1");
        for (const value of ["2", "3", "4"]) await put("a", value);
        await lab.compact();
        const seen = watch(first);
        const end = await seen.end;
        expect(end.reason).toBe("compacted");
        expect(seen.batches).toEqual([]);
        if (end.reason !== "compacted") return;
        expect(end.oldest).toBeGreaterThan(first);
        const again = watch(end.oldest);
        await put("a", "live");
        await again.untilValue("live");
        expect(await again.stop()).toEqual({ reason: "closed" });
      });

      test("ends when it is told to, also before it began", async () => {
        const seen = watch(await revision());
        expect(await seen.stop()).toEqual({ reason: "closed" });
        await put("a", "late");
        expect(seen.batches).toEqual([]);
        const end = await store.watch(at, 1 as Revision, () => {}, AbortSignal.abort());
        expect(end).toEqual({ reason: "closed" });
      });

      test("ends when its store is closed", async () => {
        const other = await lab.another();
        const seen = watch(await put("a", "1"), "", other);
        await seen.until(1);
        await other.close();
        expect(await seen.end).toEqual({ reason: "closed" });
      });

      test("throws on what its reader throws", async () => {
        const first = await put("a", "1");
        const faulty = () => {
          throw new Error("not understood");
        };
        const ended = store.watch(at, first, faulty, new AbortController().signal);
        await expect(ended).rejects.toThrow("not understood");
      });
    });

    test("of many writers racing for a counter, no one's count is lost", async () => {
      const writers = 8;
      const rounds = 25;
      const first = await put("counter", "0");
      const seen = watching(store, at, first);
      const count = async () => {
        const own = await lab.another();
        const deps = { store: own, sleep: (ms: number) => pause(ms), random: Math.random };
        for (let round = 0; round < rounds; round += 1) {
          await compareAndSwap(deps, "count", soon(), async (deadline) => {
            const entry = await own.get(`${at}counter`, deadline);
            if (entry === undefined) throw new Error("the counter is gone");
            // Let the others in between read and write.
            await pause(0);
            const { key, modRevision } = entry;
            const value = String(Number(entry.value) + 1);
            const txn = { compares: [{ key, modRevision }], writes: [{ put: key, value }] };
            return { txn, value: undefined };
          });
        }
        await own.close();
      };
      await Promise.all(Array.from({ length: writers }, count));
      const total = writers * rounds;
      expect((await there("counter")).value).toBe(String(total));
      await seen.until(total + 1);
      await seen.stop();
      expect(seen.values()).toEqual(Array.from({ length: total + 1 }, (_, n) => String(n)));
    });

    describe("a deadline", () => {
      test("that is over lets nothing begin", async () => {
        await put("a", "1");
        const over = deadlineIn(clock, 0);
        const late = { compares: [], writes: [{ put: `${at}a`, value: "late" }] };
        for (const call of [
          () => store.commit(late, over),
          () => store.get(`${at}a`, over),
          () => store.range(at, over),
          () => store.identity(over),
          () => store.openSession(`${at}s`, "late", 600, over),
        ]) {
          await expect(call()).rejects.toMatchObject({ kind: "try-again" });
        }
        expect((await there("a")).value).toBe("1");
      });

      test("ends a commit that has to wait", async () => {
        await put("a", "1");
        const other = await lab.another();
        const goOn = await lab.stall();
        const late = { compares: [], writes: [{ put: `${at}a`, value: "late" }] };
        try {
          await expect(other.commit(late, deadlineIn(clock, 100))).rejects.toMatchObject({
            kind: "try-again",
          });
        } finally {
          await goOn();
        }
        await other.close();
        await put("b", "2");
        expect(await keysIn("")).toEqual(["a", "b"]);
      });
    });
  });
}

const put1 = (key: string): Write => ({ put: key, value: "" });

interface Watching {
  readonly batches: readonly (readonly StoreEvent[])[];
  readonly values: () => readonly string[];
  readonly end: Promise<WatchEnd>;
  /** Waits for that many batches; throws when the watch ends before. */
  readonly until: (batches: number) => Promise<void>;
  readonly untilValue: (value: string) => Promise<void>;
  readonly stop: () => Promise<WatchEnd>;
}

function watching(store: Store, prefix: string, from: Revision): Watching {
  const batches: (readonly StoreEvent[])[] = [];
  const abort = new AbortController();
  let wake = Promise.withResolvers<void>();
  const end = store.watch(
    prefix,
    from,
    (events) => {
      batches.push(events);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    abort.signal,
  );
  const values = () => batches.flat().map((event) => event.value);
  const untilSeen = async (enough: () => boolean) => {
    while (!enough()) {
      const ended = await Promise.race([wake.promise, end]);
      if (ended !== undefined && !enough()) {
        throw new Error(`the watch ended after ${batches.length} batches: ${ended.reason}`);
      }
    }
  };
  return {
    batches,
    values,
    end,
    until: (count) => untilSeen(() => batches.length >= count),
    untilValue: (value) => untilSeen(() => values().includes(value)),
    stop: async () => {
      abort.abort();
      return end;
    },
  };
}
