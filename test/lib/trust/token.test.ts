/** Tokens as people paste them. */
import { expect, test } from "vitest";
import { base32 } from "../../../lib/trust/base32.ts";
import { formatToken, hashOfSecret, newToken, parseToken } from "../../../lib/trust/token.ts";

const authority = "a".repeat(52);

test("a token is read as it is written, white space about it forgiven", () => {
  const token = newToken(authority);
  const text = formatToken(token);
  expect(text).toMatch(/^[a-z2-7]{6}\.[a-z2-7]{16}\.a{52}$/);
  expect(parseToken(text)).toEqual(token);
  expect(parseToken(`  ${text}\n`)).toEqual(token);
});

test.each([
  "",
  "abcdef",
  `abcdef.${"b".repeat(16)}`,
  `abcdef.${"b".repeat(15)}.${authority}`,
  `ABCDEF.${"b".repeat(16)}.${authority}`,
  `abcdef.${"b".repeat(16)}.${authority}a`,
  `../../.${"b".repeat(16)}.${authority}`,
  `abcde0.${"b".repeat(16)}.${authority}`,
])("%j is none", (text) => {
  expect(parseToken(text)).toBeUndefined();
});

test("no two are alike, and their letters come evenly", () => {
  const all = Array.from({ length: 2_000 }, () => newToken(authority));
  expect(new Set(all.map(({ secret }) => secret)).size).toBe(2_000);
  const counts = new Map<string, number>();
  for (const letter of all.map(({ secret }) => secret).join("")) {
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  expect(counts.size).toBe(32);
  // 1,000 each are expected; six deviations are 190.
  expect(Math.min(...counts.values())).toBeGreaterThan(810);
  expect(Math.max(...counts.values())).toBeLessThan(1_190);
});

test("what is stored of a secret is another for each token", async () => {
  const secret = "b".repeat(16);
  const hashes = [
    await hashOfSecret({ id: "aaaaaa", secret }),
    await hashOfSecret({ id: "aaaaab", secret }),
  ];
  expect(hashes[0]).not.toBe(hashes[1]);
  expect(hashes[0]).toHaveLength(52);
});

// RFC 4648, section 10, in lower case without padding.
test.each([
  ["", ""],
  ["f", "my"],
  ["fo", "mzxq"],
  ["foo", "mzxw6"],
  ["foob", "mzxw6yq"],
  ["fooba", "mzxw6ytb"],
  ["foobar", "mzxw6ytboi"],
])("base32 of %j is %j", (text, expected) => {
  expect(base32(new TextEncoder().encode(text))).toBe(expected);
});
