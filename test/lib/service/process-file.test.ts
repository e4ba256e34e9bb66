import { expect, test } from "vitest";
import { formatProcess, parseProcess } from "../../../lib/service/process-file.ts";

const process = { pid: 7, began: 123, boot: "b", program: "8:1:99" };

test("what is written is read", () => {
  expect(parseProcess(formatProcess(process))).toEqual(process);
  const any = { ...process, program: undefined };
  expect(parseProcess(formatProcess(any))).toEqual(any);
});

test.each([
  "",
  "4711\n",
  "[]",
  JSON.stringify({ ...process, pid: "7" }),
  // kill(2) takes these for groups, or for everybody.
  JSON.stringify({ ...process, pid: 0 }),
  JSON.stringify({ ...process, pid: -1 }),
  JSON.stringify({ ...process, pid: 1.5 }),
  JSON.stringify({ ...process, began: undefined }),
  JSON.stringify({ ...process, boot: 1 }),
  JSON.stringify({ ...process, program: 1 }),
])("%s tells of no process", (text) => {
  expect(parseProcess(text)).toBeUndefined();
});
