import { expect, test } from "vitest";
import { formatLogLine } from "../../../lib/cli/log-line.ts";

const line = (fields: Readonly<Record<string, unknown>>) =>
  JSON.stringify({
    time: "2026-01-02T23:30:05.006Z",
    level: "warn",
    message: "it is so",
    ...fields,
  });

test.each([
  [line({}), 0, "23:30:05 WARN  it is so"],
  [line({}), 90, "01:00:05 WARN  it is so"],
  [
    line({ node: "host-a", reason: "two words", count: 3, said: ["a"], none: "" }),
    0,
    '23:30:05 WARN  it is so  node=host-a  reason="two words"  count=3  said=["a"]  none=',
  ],
  ['{"level":"info","message":"no time"}', 0, "INFO  no time"],
  ['{"level":"info","message":"odd","time":"then"}', 0, "INFO  odd"],
  ["panic: what", 0, "panic: what"],
  ['{"a":1}', 0, '{"a":1}'],
  ["{", 0, "{"],
])("%s", (text, zone, shown) => {
  expect(formatLogLine(text, zone)).toBe(shown);
});
