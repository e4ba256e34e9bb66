import { expect, test } from "vitest";
import { changesOf, linesOf, painterOf } from "../../../lib/cli/paint.ts";

const lines = (...records: readonly { id: string; vni?: number }[]) => linesOf(records, ["id"]);

test("a record is added, changed or removed by what names it, and told as it is or was", () => {
  const before = lines({ id: "web", vni: 1 }, { id: "db", vni: 2 }, { id: "old", vni: 3 });
  const now = lines({ id: "db", vni: 2 }, { id: "web", vni: 9 }, { id: "new" });
  expect(changesOf(before, now)).toEqual([
    '{"change":"removed","id":"old","vni":3}',
    '{"change":"changed","id":"web","vni":9}',
    '{"change":"added","id":"new"}',
  ]);
  expect(changesOf(now, now)).toEqual([]);
});

test("several fields may name a record", () => {
  const of = (network: string, address: string) => ({ network, address });
  const all = linesOf([of("a", "b"), of("ab", ""), of("a", "c")], ["network", "address"]);
  expect(all.size).toBe(3);
});

test("a table that is the same is not shown again", () => {
  const out: string[] = [];
  const terminal = {
    stdout: (text: string) => void out.push(text),
    stderr: () => undefined,
    progress: () => undefined,
    interactive: false,
    width: 80,
  };
  const paint = painterOf(terminal, "table");
  const listed = (vni: number) => ({ records: [{ id: "web", vni }], columns: ["id"] });
  paint(listed(1), ["id"]);
  paint(listed(2), ["id"]);
  paint({ records: [], columns: ["id"] }, ["id"]);
  expect(out).toEqual(["ID\nweb\n", "\nID\n"]);
});
