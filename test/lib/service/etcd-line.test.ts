import { expect, test } from "vitest";
import { isFromEtcd, readEtcdLine } from "../../../lib/service/etcd-line.ts";

const from = "etcd";

test.each([
  [
    '{"level":"warn","ts":"2026-01-02T03:04:05.006Z","caller":"etcdserver/server.go:1","msg":"slow disk","took":"1s"}',
    { level: "warn", message: "slow disk", fields: { took: "1s", from } },
  ],
  ['{"level":"fatal","msg":"no"}', { level: "error", message: "no", fields: { from } }],
  ['{"level":"loud","msg":"what"}', { level: "info", message: "what", fields: { from } }],
  [
    "2026-01-02 03:04:05.006789 I | etcdmain: etcd Version: 3.4.23",
    { level: "info", message: "etcdmain: etcd Version: 3.4.23", fields: { from } },
  ],
  [
    "2026-01-02 03:04:05.006789 C | etcdmain: no such file",
    { level: "error", message: "etcdmain: no such file", fields: { from } },
  ],
  [
    "panic: runtime error | index out of range",
    { level: "warn", message: "panic: runtime error | index out of range", fields: { from } },
  ],
  ['{"level":', { level: "warn", message: '{"level":', fields: { from } }],
  ["{}", { level: "warn", message: "{}", fields: { from } }],
])("%s", (line, said) => {
  expect(readEtcdLine(line)).toEqual(said);
});

test("a field of etcd's does not hide whose line it is", () => {
  const { fields } = readEtcdLine('{"level":"info","msg":"x","from":"raft"}');
  expect(fields).toEqual({ from });
  expect(isFromEtcd(JSON.stringify({ message: "x", ...fields }))).toBe(true);
  expect(isFromEtcd(JSON.stringify({ message: "x", from: "elsewhere" }))).toBe(false);
});
