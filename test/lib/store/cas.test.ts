import { expect, test } from "vitest";
import { deadlineIn } from "../../../lib/deadline.ts";
import { type CasDeps, compareAndSwap } from "../../../lib/store/cas.ts";
import type { Commit, Revision, Txn } from "../../../lib/store/store.ts";

const txn: Txn = { compares: [], writes: [{ put: "a", value: "1" }] };
const won: Commit = { ok: true, revision: 7 as Revision };

/** Time passes only by sleeping. */
function world(outcomes: readonly Commit[]) {
  let now = 0;
  let commits = 0;
  const pauses: number[] = [];
  const deps: CasDeps = {
    store: { commit: async () => outcomes[commits++] ?? { ok: false } },
    sleep: (ms) => {
      now += ms;
      pauses.push(ms);
    },
    random: () => 0.5,
  };
  return { deps, pauses, clock: () => now, commits: () => commits };
}

test("the first win gives the attempt's value and the commit's revision", async () => {
  const { deps, clock, pauses } = world([won]);
  const attempt = async () => ({ txn, value: "mine" });
  expect(await compareAndSwap(deps, "try", deadlineIn(clock, 100), attempt)).toEqual({
    value: "mine",
    revision: 7,
  });
  expect(pauses).toEqual([]);
});

test("a lost race starts again from the read, after longer and longer pauses", async () => {
  const { deps, clock, pauses } = world([{ ok: false }, { ok: false }, { ok: false }, won]);
  let reads = 0;
  const attempt = async () => ({ txn, value: ++reads });
  const swapped = await compareAndSwap(deps, "try", deadlineIn(clock, 1000), attempt);
  expect(swapped.value).toBe(4);
  expect(pauses).toEqual([0.75, 1.5, 3]);
});

test("nothing to write commits nothing", async () => {
  const { deps, clock, commits } = world([]);
  const attempt = async () => ({ txn: undefined, value: "there already" });
  expect(await compareAndSwap(deps, "try", deadlineIn(clock, 100), attempt)).toEqual({
    value: "there already",
    revision: undefined,
  });
  expect(commits()).toBe(0);
});

test("the deadline ends it, and no pause goes past it", async () => {
  const { deps, clock } = world([]);
  const attempt = async () => ({ txn, value: 0 });
  const running = compareAndSwap(deps, "claim a block", deadlineIn(clock, 50), attempt);
  await expect(running).rejects.toMatchObject({
    kind: "try-again",
    message: expect.stringMatching(/^Cannot claim a block: others wrote first .* deadline$/),
  });
  expect(clock()).toBeLessThanOrEqual(50);
});

test("so does the number of lost races", async () => {
  const { deps, clock, commits } = world([]);
  const attempt = async () => ({ txn, value: 0 });
  const running = compareAndSwap(deps, "claim a block", deadlineIn(clock, 1e9), attempt);
  await expect(running).rejects.toMatchObject({
    kind: "try-again",
    message: "Cannot claim a block: others wrote first each time, 64 times",
  });
  expect(commits()).toBe(64);
});

test("what the attempt throws is thrown on", async () => {
  const { deps, clock, commits } = world([won]);
  const attempt = () => Promise.reject(new Error("no such network"));
  await expect(compareAndSwap(deps, "try", deadlineIn(clock, 50), attempt)).rejects.toThrow(
    "no such network",
  );
  expect(commits()).toBe(0);
});
