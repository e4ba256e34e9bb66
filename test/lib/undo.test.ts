import { expect, test } from "vitest";
import { jsonLog } from "../../lib/log.ts";
import { withUndo } from "../../lib/undo.ts";

/** What happened, in order; and a log that tells it too. */
function record() {
  const seen: string[] = [];
  const log = jsonLog(
    (line) => {
      const { message, step, reason } = JSON.parse(line);
      seen.push(`${message}: ${step}: ${reason}`);
    },
    () => 0,
  );
  return { seen, log };
}

test("nothing is taken back of what went well", async () => {
  const { seen, log } = record();
  const done = await withUndo(log, async (undo) => {
    undo.add("first", () => void seen.push("first"));
    return "done";
  });
  expect(done).toBe("done");
  expect(seen).toEqual([]);
});

test("what was registered is taken back, newest first, one after the other", async () => {
  const { seen, log } = record();
  const failure = new Error("no room");
  const body = withUndo(log, async (undo) => {
    undo.add("first", () => void seen.push("first"));
    undo.add("second", async () => {
      await Promise.resolve();
      seen.push("second");
    });
    undo.add("third", () => void seen.push("third"));
    throw failure;
  });
  await expect(body).rejects.toBe(failure);
  expect(seen).toEqual(["third", "second", "first"]);
});

test("an undo that fails is logged, hides nothing and stops nothing", async () => {
  const { seen, log } = record();
  const failure = new Error("no room");
  const body = withUndo(log, async (undo) => {
    undo.add("first", () => void seen.push("first"));
    undo.add("second", () => {
      throw new Error("gone");
    });
    undo.add("third", async () => {
      throw new Error("gone too");
    });
    throw failure;
  });
  await expect(body).rejects.toBe(failure);
  expect(seen).toEqual(["undo failed: third: gone too", "undo failed: second: gone", "first"]);
});

test("what may be in use still is not taken back once another step has failed", async () => {
  const { seen, log } = record();
  const body = (broken: boolean) =>
    withUndo(log, async (undo) => {
      undo.add("address", () => void seen.push("address"), "if all else was");
      undo.add("link", () => void seen.push("link"));
      undo.add("port", () => {
        if (broken) throw new Error("away");
      });
      throw new Error("no room");
    });
  await expect(body(true)).rejects.toThrow("no room");
  expect(seen.splice(0)).toEqual(["undo failed: port: away", "link"]);
  await expect(body(false)).rejects.toThrow("no room");
  expect(seen).toEqual(["link", "address"]);
});

test("what was not reached is not taken back", async () => {
  const { seen, log } = record();
  const body = withUndo(log, async (undo) => {
    if (seen.length === 0) throw new Error("early");
    undo.add("never", () => void seen.push("never"));
  });
  await expect(body).rejects.toThrow("early");
  expect(seen).toEqual([]);
});
