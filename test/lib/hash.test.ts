import { expect, test } from "vitest";
import { fnv1a64, shortName } from "../../lib/hash.ts";

// Published test vectors of FNV-1a, 64 bits.
test.each([
  ["", 0xcbf29ce484222325n],
  ["a", 0xaf63dc4c8601ec8cn],
  ["foobar", 0x85944171f73967e8n],
])("the hash of %j", (text, expected) => {
  expect(fnv1a64(text)).toBe(expected);
});

test("a short name is 12 letters and digits that a link's name may have", () => {
  const names = Array.from({ length: 5_000 }, (_, index) =>
    shortName(`web:container-${index}:eth0`),
  );
  expect(names.filter((name) => !/^[0-9a-v]{12}$/.test(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});
