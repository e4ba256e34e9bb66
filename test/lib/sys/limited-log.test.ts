import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limitLog } from "../../../lib/sys/limited-log.ts";
import { until } from "../../lab/until.ts";

let folder: string;
let log: string;
let older: string;
let stop: () => void;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-limited-"));
  [log, older] = [join(folder, "log"), join(folder, "log.1")];
  writeFileSync(log, "", { mode: 0o600 });
  stop = limitLog(log, older, { bytes: 100, everyMs: 5 });
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

const some = (words: string) => `${words}\n`.repeat(20);

test("of a log that is full the last lines become the older one, and it goes on empty", async () => {
  appendFileSync(log, some("first"));
  await until("the first", () => statSync(log).size === 0);
  expect(readFileSync(older, "utf8")).toBe("first\n".repeat(16));
  expect(statSync(older).mode & 0o777).toBe(0o600);
  appendFileSync(log, some("second"));
  await until("the second", () => readFileSync(older, "utf8") === "second\n".repeat(14));
  appendFileSync(log, "third\n");
  expect(readFileSync(log, "utf8")).toBe("third\n");
});

test("it may go, and be there again; one that is not full is left alone", async () => {
  appendFileSync(log, "little\n");
  rmSync(log);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(existsSync(older)).toBe(false);
  writeFileSync(log, some("again"));
  await until("the copy", () => existsSync(older) && statSync(log).size === 0);
});
