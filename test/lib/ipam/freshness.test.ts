/** How long what was read of the store holds good. */
import { expect, test } from "vitest";
import {
  freshMs,
  isFresh,
  markFresh,
  storeAway,
  unmarkFresh,
} from "../../../lib/ipam/freshness.ts";
import { ipamLab } from "./lab.ts";

test("what is young is fresh; what is old, or of a time to come, is not", () => {
  const { ipam } = ipamLab();
  const now = ipam.sinceBoot();
  expect(isFresh(ipam, now)).toBe(true);
  expect(isFresh(ipam, now - freshMs)).toBe(false);
  // Of another boot.
  expect(isFresh(ipam, now + freshMs)).toBe(false);
});

test("an agent keeps fresh what is old, as long as it says so", () => {
  const lab = ipamLab();
  const { ipam } = lab;
  const old = ipam.sinceBoot() - freshMs;
  markFresh(ipam);
  expect(isFresh(ipam, old)).toBe(true);
  lab.pass(freshMs);
  expect(isFresh(ipam, old)).toBe(false);
  markFresh(ipam);
  unmarkFresh(ipam);
  expect(isFresh(ipam, old)).toBe(false);
});

test("what others left in the folder is neither fresh nor says that the store is away", () => {
  const { ipam } = ipamLab();
  const now = ipam.sinceBoot();
  const halves = [
    { at: { toString: 1 }, reason: "gone" },
    { at: [now], reason: "gone" },
    { at: now, reason: { toString: 1 } },
  ].map((one) => JSON.stringify(one));
  for (const text of ["{}", "x", "null", ...halves]) {
    ipam.run.replace("fresh", text);
    ipam.run.replace("store-away", text);
    expect(isFresh(ipam, -freshMs)).toBe(false);
    expect(storeAway(ipam, "able")).toBeUndefined();
  }
});
