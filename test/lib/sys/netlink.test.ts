import { describe, expect, test } from "vitest";
import {
  decodeAnswer,
  decodeAttributes,
  decodeMessages,
  encodeMessages,
  type Message,
  nest,
  numberOf,
  text,
  textOf,
  u8,
  u32,
} from "../../../lib/sys/netlink.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (...pieces: readonly string[]): Uint8Array => Buffer.from(pieces.join(""), "hex");

const message: Message = {
  type: 16,
  flags: 5,
  head: Uint8Array.of(1, 2, 3, 4, 5),
  attributes: [
    text(3, "ab"),
    nest(18, [u8(1, 7), { type: 2, value: { head: Uint8Array.of(9), attributes: [u32(4, 258)] } }]),
  ],
};

describe("encoding", () => {
  test("aligns everything to four bytes, and counts lengths without the padding", () => {
    expect(hex(encodeMessages([message], 0x01020304))).toBe(
      [
        "3c000000100005000403020100000000", // length 60, type, flags, sequence, port
        "0102030405000000",
        "07000300616200" + "00", // "ab" and its NUL: 7 bytes
        "1c001280", // nested: 28 bytes
        "0500010007000000",
        "10000280", // nested, with bytes of its own first
        "09000000",
        "0800040002010000",
      ].join(""),
    );
  });

  test("numbers the messages of a train", () => {
    const train = decodeMessages(encodeMessages([message, message, message], 7));
    expect(train.map(({ sequence }) => sequence)).toEqual([7, 8, 9]);
    expect(train.map(({ body }) => hex(body))).toEqual(
      [0, 1, 2].map(() => hex(train[0]?.body ?? new Uint8Array())),
    );
  });
});

describe("decoding", () => {
  test("gives back what was encoded", () => {
    const [received] = decodeMessages(encodeMessages([message], 1));
    const found = decodeAttributes(received?.body ?? new Uint8Array(), 5);
    expect(textOf(found.get(3) ?? new Uint8Array())).toBe("ab");
    const inner = decodeAttributes(found.get(18) ?? new Uint8Array());
    expect(numberOf(inner.get(1))).toBe(7);
    expect(numberOf(decodeAttributes(inner.get(2) ?? new Uint8Array(), 1).get(4))).toBe(258);
  });

  test.each([
    ["nothing", ""],
    ["half a header", "1400000002"],
    ["a length of nothing", "00000000020000000100000000000000"],
    ["a length beyond the end", "ff000000020000000100000000000000"],
  ])("ends at %s", (_, bytes) => {
    expect(decodeMessages(bytesOf(bytes))).toEqual([]);
  });

  test.each([
    ["a length of nothing", "00000100"],
    ["a length beyond the end", "0900010001020304"],
    ["half a header", "0800"],
  ])("of attributes ends at %s", (_, bytes) => {
    const found = decodeAttributes(bytesOf("05000700aa000000", bytes));
    expect([...found].map(([type, value]) => [type, hex(value)])).toEqual([[7, "aa"]]);
  });

  test("of numbers takes 1, 2 and 4 bytes", () => {
    const numbers = ["ff", "fffe", "fffefdfc", "", "ffffff"].map((one) => numberOf(bytesOf(one)));
    expect(numbers).toEqual([0xff, 0xfeff, 0xfcfdfeff, undefined, undefined]);
    expect(numberOf(undefined)).toBeUndefined();
  });

  test("of a text needs no NUL", () => {
    expect(textOf(bytesOf("6162"))).toBe("ab");
    expect(textOf(bytesOf("61006200"))).toBe("a");
  });
});

describe("an answer", () => {
  const request = "14000000100005000100000000000000";
  const said = "0d000100 626164206e616d6500000000".replaceAll(" ", "");
  const answer = (flags: number, ...pieces: readonly string[]) =>
    decodeAnswer({ type: 2, flags, sequence: 1, body: bytesOf(...pieces) });

  test("is success, or an errno", () => {
    expect(answer(0, "00000000", request)).toEqual({ errno: 0, text: undefined });
    expect(answer(0x100, "efffffff", request)).toEqual({ errno: 17, text: undefined });
  });

  test("that is not whole is refused; the end of a list has the errno alone", () => {
    expect(answer(0, "00000000")).toEqual({ errno: 0, text: undefined });
    expect(() => answer(0x200, "eaffffff")).toThrow("it has 4 bytes");
    expect(() => answer(0x200, "eaffff")).toThrow(
      "Cannot read the kernel's answer: it has 3 bytes",
    );
  });

  test("has the kernel's words after the request, whether that came back whole or not", () => {
    expect(answer(0x300, "eaffffff", request, said)).toEqual({ errno: 22, text: "bad name" });
    expect(answer(0x200, "eaffffff", request, "aabbccdd", said)).toEqual({
      errno: 22,
      text: "bad name",
    });
  });
});
