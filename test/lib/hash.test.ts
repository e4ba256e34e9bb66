import { expect, test } from "vitest";
import { fnv1a64, shortName } from "../../lib/hash.ts";

const hex = (text: string) => {
  const { high, low } = fnv1a64(text);
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
};

/** RFC 9923 computed with bigints, which is slow and plain to see. */
const byBigint = (text: string) => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
};

test.each([
  ["", "cbf29ce484222325"],
  ["a", "af63dc4c8601ec8c"],
  ["foobar", "85944171f73967e8"],
])("the published value of %j", (text, value) => {
  expect(hex(text)).toBe(value);
});

test("the same as with bigints, whatever the text", () => {
  for (let length = 0; length < 300; length += 7) {
    const text = `web:${"ä0zf".repeat(length)}:eth${length}`;
    expect(hex(text)).toBe(byBigint(text));
  }
});

test("short names have 12 letters that a link's name may have, and differ", () => {
  const names = Array.from({ length: 2000 }, (_, index) => shortName(`web:${index}:eth0`));
  expect(names.every((name) => /^[0-9a-v]{12}$/.test(name))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
});
