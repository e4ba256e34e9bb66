import { describe, expect, test } from "vitest";
import { Failure } from "../../../lib/errors.ts";
import {
  echoReply,
  isTimedOut,
  monitorMessage,
  readMessage,
  readResults,
  readUpdates,
  refusalOf,
  transactMessage,
} from "../../../lib/ovs/ovsdb.ts";
import { map, named, type Operation, recordOf, set } from "../../../lib/ovs/ovsdb-json.ts";
import { failureOf } from "./recorded.ts";

const guard: Operation = {
  op: "wait",
  table: "Bridge",
  where: [["name", "==", "sp0"]],
  columns: ["name"],
  until: "==",
  rows: [{ name: "sp0" }],
  timeout: 0,
};
const insert: Operation = {
  op: "insert",
  table: "Port",
  row: { name: "p", interfaces: named("i"), external_ids: map({ a: "b" }), trunks: set([1, 2]) },
  "uuid-name": "x",
};
const operations = [guard, insert];
const success = { error: null, result: [{}, { uuid: ["uuid", "u"] }] };

describe("requests", () => {
  test("have RFC 7047's notation", () => {
    expect(JSON.parse(transactMessage(7, "Open_vSwitch", operations))).toEqual({
      id: 7,
      method: "transact",
      params: [
        "Open_vSwitch",
        {
          op: "wait",
          table: "Bridge",
          where: [["name", "==", "sp0"]],
          columns: ["name"],
          until: "==",
          rows: [{ name: "sp0" }],
          timeout: 0,
        },
        {
          op: "insert",
          table: "Port",
          row: {
            name: "p",
            interfaces: ["named-uuid", "i"],
            external_ids: ["map", [["a", "b"]]],
            trunks: ["set", [1, 2]],
          },
          "uuid-name": "x",
        },
      ],
    });
    expect(
      JSON.parse(monitorMessage(8, "Open_vSwitch", "m", { Port: { columns: ["name"] } })),
    ).toEqual({
      id: 8,
      method: "monitor",
      params: ["Open_vSwitch", "m", { Port: { columns: ["name"] } }],
    });
    expect(JSON.parse(echoReply("echo", []))).toEqual({ id: "echo", result: [], error: null });
  });
});

describe("messages of the server", () => {
  test("are told apart", () => {
    expect(readMessage({ id: 1, result: [], error: null })).toEqual({
      type: "reply",
      id: 1,
      result: [],
      error: null,
    });
    expect(readMessage({ id: "echo", method: "echo", params: [] })).toEqual({
      type: "echo",
      id: "echo",
      params: [],
    });
    expect(readMessage({ id: null, method: "locked", params: ["l"] }).type).toBe("other");
    const row = { name: "p", tag: ["set", []] };
    expect(
      readMessage({ id: null, method: "update", params: ["m", { Port: { u: { new: row } } }] }),
    ).toEqual({ type: "update", monitor: "m", updates: { Port: { u: { new: row } } } });
  });

  test.each([
    {},
    { id: 1 },
    { id: 1, method: 5 },
    { method: "update", params: ["m"] },
    { method: "update", params: ["m", { Port: [] }] },
    ...[
      { a: 1 },
      null,
      ["set", 5],
      ["set", [["set", []]]],
      ["set", [null]],
      ["map", [["a", "b", "c"]]],
      ["map", ["a"]],
      ["map", [["a", ["map", []]]]],
      ["uuid", 1],
      ["what", "u"],
      ["uuid", "u", "v"],
    ].map((name) => ({ method: "update", params: ["m", { Port: { u: { new: { name } } } }] })),
  ])("are refused if malformed: %j", (message) => {
    expect(failureOf(() => readMessage(message))?.kind).toBe("decode");
  });

  test("give no rows for a deleted one's new side", () => {
    expect(readUpdates({ Port: { u: { old: { name: "p" } } } })).toEqual({
      Port: { u: { old: { name: "p" } } },
    });
  });
});

test("of a map of texts, what is no text is left out", () => {
  expect(
    recordOf([
      "map",
      [
        ["a", "b"],
        ["c", 1],
        [2, "d"],
        ["e", ["uuid", "u"]],
      ],
    ]),
  ).toEqual({ a: "b" });
});

describe("results of a transaction", () => {
  test("are one for each operation", () => {
    expect(readResults(operations, success)).toEqual([{}, { uuid: ["uuid", "u"] }]);
  });

  test("name the operation that was refused, with the server's words", () => {
    const error = { error: "constraint violation", details: "no such thing" };
    const failure = failureOf(() => readResults(operations, { error: null, result: [{}, error] }));
    expect(failure?.kind).toBe("switch-refused");
    expect(failure?.message).toBe(
      'Cannot insert into table "Port" of the switch\'s database: constraint violation: no such thing',
    );
    expect(refusalOf(failure)).toMatchObject({ index: 1, operation: insert, ...error });
    expect(isTimedOut(failure)).toBe(false);
  });

  test("tell a guard that did not hold, and which", () => {
    const error = { error: "timed out", details: '"where" clause test failed' };
    const failure = failureOf(() =>
      readResults([guard, guard], { error: null, result: [{}, error] }),
    );
    expect(isTimedOut(failure)).toBe(true);
    expect(refusalOf(failure)?.index).toBe(1);
  });

  test("tell a commit that failed after all operations had worked", () => {
    const error = { error: "referential integrity violation", details: "dangling" };
    const failure = failureOf(() =>
      readResults(operations, { error: null, result: [...success.result, error] }),
    );
    expect(failure?.message).toBe(
      "Cannot commit to the switch's database: referential integrity violation: dangling",
    );
    expect(refusalOf(failure)).toMatchObject({ index: undefined, operation: undefined });
  });

  test("tell a request that was not understood", () => {
    const failure = failureOf(() =>
      readResults(operations, { result: null, error: { error: "unknown database", details: "x" } }),
    );
    expect(failure?.message).toBe("Cannot ask the switch's database: unknown database: x");
    expect(failureOf(() => readResults([], { result: null, error: 5 }))?.message).toBe(
      "Cannot ask the switch's database: 5",
    );
  });

  test.each([
    { result: null },
    { result: {} },
    { result: [{}] },
    { result: [{}, {}, {}] },
    { result: [{}, null] },
    { result: [{}, { rows: {} }] },
    { result: [{}, { rows: [[]] }] },
    { result: [{}, { rows: [{ a: null }] }] },
    { result: [{}, { uuid: {} }] },
    { result: [{}, { count: "1" }] },
  ])("are refused if malformed: %j", ({ result }) => {
    expect(failureOf(() => readResults(operations, { error: null, result }))?.kind).toBe("decode");
  });

  test("of another failure are no refusal", () => {
    expect(refusalOf(new Failure("io", "Cannot", { cause: new Error("x") }))).toBeUndefined();
    expect(isTimedOut(new Error("timed out"))).toBe(false);
  });
});
