import { expect, test } from "vitest";
import { flowKey, formatFlow } from "../../../lib/ovs/flow-text.ts";
import { ip4, mac, samples } from "./sample-flows.ts";

test.each(samples)("%s", (text, flow) => {
  expect(formatFlow(flow)).toBe(text);
});

const [, [, plain] = ["", undefined]] = samples;

test("a mask of all ones is none, and a mask of zeros no match", () => {
  const flow = {
    cookie: 0n,
    table: 1,
    priority: 1,
    match: {
      ethType: "ip",
      ethSrc: { value: mac("02:42:0a:02:00:41"), mask: mac("ff:ff:ff:ff:ff:ff") },
      ipSrc: { value: ip4(0x0a02_0041), mask: ip4(0xffff_ffff) },
      ipDst: { value: ip4(0), mask: ip4(0) },
    },
    actions: [],
  } as const;
  expect(formatFlow(flow)).toBe(
    "table=1, priority=1,ip,dl_src=02:42:0a:02:00:41,nw_src=10.2.0.65 actions=drop",
  );
});

test("flows have one key if they have one text, and only then", () => {
  const same = {
    cookie: 7n,
    table: 1,
    priority: 1,
    match: { ethDst: { value: mac("02:42:0a:02:00:41"), mask: mac("ff:ff:ff:ff:ff:ff") } },
    actions: [],
  } as const;
  const plainly = { ...same, match: { ethDst: mac("02:42:0a:02:00:41") } };
  const other = { ...same, match: { ethSrc: mac("02:42:0a:02:00:41") } };
  const foreign = { ...same, foreign: ["action 16 00"] };
  const wide = { value: mac("02:42:0a:02:00:40"), mask: mac("ff:ff:ff:ff:ff:c0") };
  const wider = { ...wide, mask: mac("ff:ff:ff:ff:ff:00") };
  const all = [
    ...samples.map(([, flow]) => flow),
    ...[same, plainly, other, foreign],
    { ...same, match: { ethDst: wide } },
    { ...same, match: { ethDst: wider } },
  ];
  const texts = all.map(formatFlow);
  const firsts = (some: readonly string[]) => some.map((one) => some.indexOf(one));
  expect(firsts(all.map(flowKey))).toEqual(firsts(texts));
  expect(flowKey(plainly)).toBe(flowKey(same));
});

test("what the types don't have is shown, so that it is never taken for ours", () => {
  if (plain === undefined) throw new Error("no sample");
  expect(formatFlow({ ...plain, foreign: ["action 16 00"] })).toBe(
    "cookie=0xffffffffffffffff, priority=0 actions=IN_PORT foreign(action 16 00)",
  );
});
