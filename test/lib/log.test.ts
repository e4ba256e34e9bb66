import { expect, test } from "vitest";
import { jsonLog, levels } from "../../lib/log.ts";

const clock = () => Date.UTC(2026, 0, 2, 3, 4, 5, 6);

function lines(least?: (typeof levels)[number]) {
  const written: string[] = [];
  const log = jsonLog((line) => void written.push(line), clock, least);
  for (const level of levels) log[level](`a ${level}`, { n: 1 });
  return written;
}

test("one JSON object a line, with the time, the level and the fields", () => {
  const [line = ""] = lines("error");
  expect(line.endsWith("}\n")).toBe(true);
  expect(JSON.parse(line)).toEqual({
    time: "2026-01-02T03:04:05.006Z",
    level: "error",
    message: "a error",
    n: 1,
  });
});

test("a line break in a message does not break the line", () => {
  const written: string[] = [];
  jsonLog((line) => void written.push(line), clock).error("one\ntwo", { three: "\n" });
  expect(written.join("").trimEnd().split("\n")).toHaveLength(1);
});

test("what is below the least level is not written; warnings are, unless said otherwise", () => {
  const levelsOf = (written: readonly string[]) => written.map((line) => JSON.parse(line).level);
  expect(levelsOf(lines())).toEqual(["warn", "error"]);
  expect(levelsOf(lines("debug"))).toEqual(levels);
  expect(levelsOf(lines("error"))).toEqual(["error"]);
});
