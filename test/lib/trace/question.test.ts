import { describe, expect, test } from "vitest";
import { formatAnswer, parseAnswer } from "../../../lib/trace/answer.ts";
import {
  formatQuestion,
  longest,
  parseQuestion,
  type Question,
} from "../../../lib/trace/question.ts";
import { ip, ip6, mac, peer6, peers } from "./pipeline.ts";

const packet: Question["packet"] = {
  network: "web",
  vni: 100,
  ethSrc: mac("02:42:0a:02:00:0a"),
  ethDst: mac("ff:ff:ff:ff:ff:ff"),
  from: { family: 4, address: ip("10.2.0.10") },
  to: { family: 4, address: ip("10.2.0.70") },
  content: { kind: "neighbour" },
};
const container = { by: "container", name: "shop/web-0", address: ip("10.2.0.10") } as const;

const asked: readonly Question[] = [
  { entry: { ...container, port: 30 }, packet },
  { entry: { ...container, port: undefined }, packet },
  { entry: { by: "host" }, packet: { ...packet, content: { kind: "icmp", answer: true } } },
  { entry: { by: "tunnel", vtep: peers[0] }, packet },
  {
    entry: { by: "tunnel", vtep: peer6 },
    packet: {
      ...packet,
      from: { family: 6, address: ip6("fd00:2::a02:a") },
      to: { family: 6, address: ip6("fe80::1") },
      content: { kind: "tcp", port: 443, answer: false },
    },
  },
];

test.each(asked)("a question is read as it was written: $entry.by", (question) => {
  expect(parseQuestion(formatQuestion(question))).toEqual(question);
});

describe("what comes of another node is no command of this one's switch", () => {
  const question = JSON.parse(formatQuestion(asked[0] as Question));
  const inPacket = (more: object) => ({ ...question, packet: { ...question.packet, ...more } });
  const inEntry = (more: object) => ({ ...question, entry: { ...question.entry, ...more } });

  test.each([
    ["an address with fields after it", inPacket({ from: "10.2.0.10,actions=drop" }), "from"],
    ["a MAC that is text", inPacket({ ethSrc: "02:42:0a:02:00:0a -generate" }), "ethSrc"],
    ["a VNI past 24 bits", inPacket({ vni: 2 ** 24 }), "vni"],
    ["another kind", inPacket({ content: { kind: "raw", text: "in_port=1" } }), "kind"],
    ["a port past its range", inEntry({ port: 0xfffffffe }), "port"],
    ["a key that is none", inEntry({ bridge: "br-phy" }), "bridge"],
    ["a name with a line's end", inEntry({ name: "a\nb" }), "name"],
    ["a network that is no name", inPacket({ network: "../../x" }), "network"],
  ])("%s", (_, text, about) => {
    expect(() => parseQuestion(JSON.stringify(text))).toThrow(about);
  });

  test.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["a list", "[]"],
    ["half of it", JSON.stringify({ entry: { by: "host" } })],
    ["two families", JSON.stringify(inPacket({ to: "fd00::1" }))],
    ["too much", JSON.stringify({ ...question, more: "x".repeat(longest.question) })],
  ])("%s", (_, text) => {
    expect(() => parseQuestion(text)).toThrow("Cannot read a question of another node");
  });
});

describe("an answer", () => {
  test("is read as it was written", () => {
    const answer = { text: "Flow: arp\n" };
    expect(parseAnswer(formatAnswer(answer))).toEqual(answer);
    expect(parseAnswer('{"text":"a","ownPort":"down"}')).toEqual({ text: "a", ownPort: "down" });
    expect(parseAnswer('{"text":"a","ownPort":"\\u001b"}')).toEqual({ text: "a" });
    expect(parseAnswer(formatAnswer({ refused: "no" }))).toEqual({ refused: "no" });
  });

  test("that is too long is refused, by who writes it and by who reads it", () => {
    const text = "x".repeat(longest.answer);
    expect(parseAnswer(formatAnswer({ text }))).toEqual({
      refused: "its switch says more than is sent",
    });
    expect(parseAnswer(JSON.stringify({ text }))).toHaveProperty("refused");
  });

  test("commands no terminal", () => {
    const answer = { text: "a\u001b[2Jb\u0007\n" };
    expect(parseAnswer(JSON.stringify(answer))).toEqual({ text: "a?[2Jb?\n" });
    expect(parseAnswer('{"refused":"\\u001bc"}')).toEqual({ refused: "?c" });
  });

  test("that refuses makes no lines of its own", () => {
    expect(parseAnswer('{"refused":"x\\nDELIVERED"}')).toEqual({ refused: "x?DELIVERED" });
  });

  test.each(["", "null", "{}", "[]", '{"text":1}'])("%j is none", (text) =>
    expect(parseAnswer(text)).toHaveProperty("refused"),
  );
});
