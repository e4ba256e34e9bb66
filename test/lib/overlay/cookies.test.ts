import { expect, test } from "vitest";
import {
  attachmentCookie,
  baseCookie,
  networkCookie,
  partOf,
  peersCookie,
} from "../../../lib/overlay/cookies.ts";

test("a cookie says which part its flow belongs to", () => {
  expect(partOf(baseCookie)).toEqual({ part: "base" });
  expect(partOf(networkCookie(2 ** 24 - 1, 0xffff))).toEqual({ part: "network", vni: 2 ** 24 - 1 });
  expect(partOf(peersCookie(7))).toEqual({ part: "peers", vni: 7 });
  expect(partOf(attachmentCookie(0xfeff))).toEqual({ part: "attachment", ofport: 0xfeff });
});

test("what is not ours, or of no part, is of none", () => {
  expect([0n, 1n, baseCookie | (9n << 40n), 0x5351n << 48n].map(partOf)).toEqual(
    Array(4).fill(undefined),
  );
});
