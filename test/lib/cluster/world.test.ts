import { expect, test } from "vitest";
import { openPatience } from "../../../lib/cluster/world.ts";

const message = "Cannot join a cluster: it was interrupted";

test("what is waited for is given up as soon as somebody presses Ctrl-C", async () => {
  const told = new AbortController();
  const { goOn, unlessInterrupted } = openPatience("join a cluster", told.signal);
  goOn();
  expect(await unlessInterrupted(Promise.resolve(7))).toBe(7);
  await expect(unlessInterrupted(Promise.reject(new Error("no")))).rejects.toThrow("no");
  const never = unlessInterrupted(new Promise(() => {}));
  told.abort();
  await expect(never).rejects.toThrow(message);
  await expect(unlessInterrupted(new Promise(() => {}))).rejects.toThrow(message);
  expect(goOn).toThrow(message);
});
