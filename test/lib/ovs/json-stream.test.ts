import { describe, expect, test } from "vitest";
import { jsonSplitter } from "../../../lib/ovs/json-stream.ts";
import { failureOf, mutations, splits, utf8 } from "./recorded.ts";

const objects = [
  {
    id: 1,
    result: [{ rows: [{ name: 'a "quoted" }{ \\" name', map: ["map", [["k", "ü漢😀"]]] }] }],
  },
  {},
  { method: "echo", params: ["{", "}", "\\", '\\"', "\u0000\n"], id: "echo" },
];
const stream = utf8(`${JSON.stringify(objects[0])}\n \t{} ${JSON.stringify(objects[2])}`);

const read = (reads: readonly Uint8Array[], limit?: number) => {
  const splitter = jsonSplitter(limit);
  return reads.flatMap((bytes) => splitter.push(bytes));
};

describe("objects of a stream", () => {
  test("come out whole wherever the stream is split, also inside a character", () => {
    for (const reads of splits(stream)) expect(read(reads)).toEqual(objects);
  });

  test("come out as soon as they are complete, and not before", () => {
    const splitter = jsonSplitter();
    expect(splitter.push(utf8('{"a":{"b":1}'))).toEqual([]);
    expect(splitter.push(utf8('}{"c"'))).toEqual([{ a: { b: 1 } }]);
    expect(splitter.push(utf8(":2}"))).toEqual([{ c: 2 }]);
  });

  test("are bounded, however they come", () => {
    const long = utf8(`{"a":"${"x".repeat(100)}"}`);
    expect(read([long], 50)).toHaveLength(1);
    for (const size of [1, 7, 60]) {
      const reads = Array.from({ length: 90 / size }, (_, at) =>
        long.subarray(at * size, (at + 1) * size),
      );
      expect(failureOf(() => read(reads, 50))?.message).toBe(
        "Cannot decode a JSON-RPC message: an object is longer than 50 bytes",
      );
    }
  });

  test.each([
    ["something between them", "{} x {}", "byte 120 stands between two objects"],
    ["a list", "[1]", "byte 91 stands between two objects"],
    ["a bare text", '"{}"', "byte 34 stands between two objects"],
    ["a brace too many", "{}}", "byte 125 stands between two objects"],
    ["no JSON", '{"a":}', "Cannot decode a JSON-RPC message"],
  ])("are refused with %s", (_, text, state) => {
    const failure = failureOf(() => read([utf8(text)]));
    expect(failure?.kind).toBe("decode");
    expect(failure?.message).toContain(state);
  });

  test("are refused in a broken encoding", () => {
    const broken = utf8('{"a":"ü"}');
    broken[6] = 0xff;
    expect(failureOf(() => read([broken]))?.kind).toBe("decode");
  });

  test("mutated in any byte are other objects or a failure", () => {
    for (const bytes of mutations(stream)) failureOf(() => read([bytes]));
  });
});
