/** Values and their JSON, broken with some knowledge of what they are. */
import type { Random } from "../lib/random.ts";

/** Values that have broken parsers. Texts in angle brackets are told by `textOf`. */
const odd: readonly unknown[] = [
  ...[null, true, false, 0, -1, -0, 1.5, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, 65536],
  ...["", " ", "\0", "\n", "\ud800", "\u202e", "é".repeat(20), "x".repeat(5000), "%", "../.."],
  ...["__proto__", "constructor", "toString", "null", "0x10", "1e3", "0"],
  ...["10.2.0.2/33", "10.2.0.0/16", "10.2.0.9", "999.1.1.1/8", "01.2.3.4", "0.0.0.0", "10.2.0.255"],
  ...["::ffff:10.2.0.2/96", "1:2:3:4:5:6:7:8:9", "fd00::/64", "::", "fe80::1%eth0"],
  ...["02:42:0a:02:00:03", "ff:ff:ff:ff:ff:ff", "0.2.0", "1.1.0", "ADD"],
  ...["<number>1e999", "<number>-0", "<number>123456789012345678901234567890", "<deep>"],
  ...["<deep object>"],
  ...[[], [[]], [null], {}, { length: 1 }, ["set", 5], ["map", [[1, 2]]], ["map", 7]],
  ...[
    ["uuid", 1],
    ["set", [["set", []]]],
    ["map", [["a", "b", "c"]]],
    ["named-uuid", {}],
  ],
  JSON.parse('{"__proto__":{"x":1},"toString":1,"hasOwnProperty":2,"length":-1}'),
];

/** What may stand in a text's place. */
export const oddTexts: readonly string[] = odd.filter((one) => typeof one === "string");

/** A copy in which one value, any of them, is odd, missing, twice, or under another key. */
export const mutated = (value: unknown, random: Random): unknown =>
  mutatedAt(value, random.below(sizeOf(value)), random);

const isTree = (value: unknown): value is object => typeof value === "object" && value !== null;

/** How many values there are in it, itself among them. */
const sizeOf = (value: unknown): number =>
  isTree(value) ? Object.values(value).reduce((size, inner) => size + sizeOf(inner), 1) : 1;

function mutatedAt(value: unknown, at: number, random: Random): unknown {
  if (at === 0 || !isTree(value)) return changed(value, random);
  let left = at - 1;
  const entries = Object.entries(value).map(([key, inner]) => {
    const size = sizeOf(inner);
    const isHere = left >= 0 && left < size;
    const entry = [key, isHere ? mutatedAt(inner, left, random) : inner] as const;
    left -= size;
    return entry;
  });
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function changed(value: unknown, random: Random): unknown {
  if (random.below(3) === 0) return random.one(odd);
  if (typeof value === "string") return changedText(value, random);
  if (typeof value === "number") return changedNumber(value, random);
  if (!isTree(value)) return random.one(odd);
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    return [...value.slice(0, at), random.one(odd), ...value.slice(at + random.below(3))];
  }
  const entries = Object.entries(value);
  const [key, inner] = entries[random.below(entries.length + 1)] ?? ["x", random.one(odd)];
  const kept = entries.filter(([other]) => other !== key);
  switch (random.below(4)) {
    case 0:
      return Object.fromEntries(kept);
    case 1:
      return Object.fromEntries([...kept, [key.toUpperCase(), inner]]);
    case 2:
      return Object.fromEntries([...entries, [random.one(oddTexts), inner]]);
    default:
      return Object.fromEntries([...entries, [`<twice>${key}`, random.one(odd)]]);
  }
}

function changedText(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  switch (random.below(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + random.one(oddTexts) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 3:
      return text.repeat(2 + random.below(40));
    default:
      return random.one(oddTexts);
  }
}

const changedNumber = (number: number, random: Random): unknown =>
  random.one([number + 1, number - 1, -number, number * 256, number / 2, `${number}`, [number]]);

/** Some of them at once. */
export function mutatedOften(value: unknown, random: Random): unknown {
  let result = value;
  for (let times = random.below(4); times > 0; times -= 1) result = mutated(result, random);
  return result;
}

const depth = 20_000;
const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
const deepObject = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

/** JSON, with what JSON.stringify can't do. */
export const textOf = (value: unknown): string =>
  (JSON.stringify(value) ?? "")
    .replaceAll('"<deep>"', deep)
    .replaceAll('"<deep object>"', deepObject)
    .replaceAll(/"<number>([^"]*)"/g, "$1")
    .replaceAll('"<twice>', '"');
