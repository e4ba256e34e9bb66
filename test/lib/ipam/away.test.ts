/** A store that does not answer: who goes on, who waits, and for how long. */
import { expect, test } from "vitest";
import { within } from "../../../lib/deadline.ts";
import { Failure } from "../../../lib/errors.ts";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { freshMs, markFresh, restMs, unmarkFresh } from "../../../lib/ipam/freshness.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import type { Store } from "../../../lib/store/store.ts";
import { type IpamLab, ipamLab, soon, specOf } from "./lab.ts";

const spec = specOf("10.9.0.0/24", { blockLength: 26 });
const hold = (lab: IpamLab) => holdNetwork(lab.ipam, { name: "web", spec }, soon());
async function give(lab: IpamLab, containerId: string) {
  const id = { name: "web", containerId, ifname: "eth0" };
  const held = await hold(lab);
  return assignAddress(lab.ipam, held, { id, port: "none", workload: {}, spec }, soon());
}

/** A node whose store can be taken away; `waited` has what time each question was given. */
function labWithStore() {
  const given: number[] = [];
  let away = false;
  const seen = (store: Store): Store => ({
    ...store,
    identity: async (deadline) => {
      if (!away) return store.identity(deadline);
      given.push(deadline.left());
      throw new Failure("try-again", "Cannot reach the store: it does not answer");
    },
  });
  const lab = ipamLab({ vtep: "192.0.2.1", seen });
  const set = (to: boolean) => {
    away = to;
  };
  return { lab, given, set };
}

test("a fresh cache asks nobody; one that the agent keeps up to date stays fresh", async () => {
  const { lab, given, set } = labWithStore();
  await hold(lab);
  set(true);
  await hold(lab);
  for (let round = 0; round < 3; round += 1) {
    lab.pass(freshMs - 1_000);
    markFresh(lab.ipam);
    await hold(lab);
  }
  expect(given).toEqual([]);
  unmarkFresh(lab.ipam);
  await hold(lab);
  expect(given).toHaveLength(1);
});

test("what is held is given on, and the store is asked once in a while", async () => {
  const { lab, given, set } = labWithStore();
  await give(lab, "a");
  lab.pass(freshMs);
  set(true);
  await give(lab, "b");
  await give(lab, "c");
  expect(given).toHaveLength(1);
  expect(given[0]).toBeLessThanOrEqual(2_000);
  lab.pass(restMs.able);
  await hold(lab);
  expect(given).toHaveLength(2);
  set(false);
  lab.pass(restMs.able);
  await hold(lab);
  expect(await lab.ipam.run.read("store-away")).toBeUndefined();
});

test("where nothing is held it is waited for once, and the others in the row fail at once", async () => {
  const { lab, given, set } = labWithStore();
  set(true);
  for (const one of ["a", "b", "c", "d"]) {
    await expect(give(lab, one)).rejects.toMatchObject({
      kind: "try-again",
      message: "Cannot reach the store: it does not answer",
    });
  }
  expect(given).toHaveLength(1);
  expect(given[0]).toBeLessThanOrEqual(4_000);
  lab.pass(restMs.unable);
  set(false);
  await give(lab, "a");
});

test("the embedded store is waited for as long as the command may take", async () => {
  const given: number[] = [];
  const seen = (store: Store): Store => ({
    ...store,
    get: (key, deadline) => {
      given.push(deadline.left());
      return store.get(key, deadline);
    },
  });
  const lab = ipamLab({ seen });
  await holdNetwork(
    lab.ipam,
    { name: "web", spec },
    within(soon(), () => performance.now(), 15_000),
  );
  expect(Math.max(...given)).toBeGreaterThan(5_000);
});
