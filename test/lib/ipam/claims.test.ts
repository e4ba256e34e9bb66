/** Leases of different nodes never overlap: claimed at once, by processes, in any order. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Lease, leaseOf } from "../../../lib/ipam/leases.ts";
import { listNetworks } from "../../../lib/ipam/networks.ts";
import { formatPrefix4, overlaps4 } from "../../../lib/net/prefix.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { RacePlan } from "./claim-race.ts";
import { ipamLab, soon } from "./lab.ts";
import { runScript } from "./script.ts";
import { stores, type TestStore } from "./stores.ts";

const rounds = 30;

describe.each(stores)("in %s", (name, open) => {
  let store: TestStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const race = (node: "a" | "b", vtep: string, lengths: readonly number[], lateMs = 0) => {
    const { path } = ipamLab();
    const lateFrom = node === "a" ? 0 : 1;
    const late = { lateMs, lateFrom } as const;
    const plan: RacePlan = { store: store.config, path, node, vtep, rounds, lengths, ...late };
    return runScript("claim-race.ts", plan);
  };

  async function allLeases(): Promise<readonly Lease[]> {
    const { registry } = ipamLab({ store: store.config });
    const { keys } = registry;
    expect(keys.all).toBe(name === "etcd" ? keysUnder("/socketplane/v1").all : "");
    const { entries } = await registry.store.range(keys.leases, soon());
    return entries.map((entry) => leaseOf(keys, entry));
  }

  test.each<[string, number[], number[]]>([
    ["the same block", [26], [26]],
    ["a block and an address inside of it", [26, 32], [32, 26]],
    ["the same address", [32], [32]],
  ])("of two that claim %s at once, one gets it", async (_what, one, other) => {
    const said = await Promise.all([race("a", "192.0.2.1", one), race("b", "192.0.2.2", other)]);
    const granted = said.flatMap((text) => text.split("\n").filter((line) => /granted/.test(line)));
    expect(granted.map((line) => line.split(" ")[0]).sort()).toEqual(
      Array.from({ length: rounds }, (_, round) => String(round)).sort(),
    );
    const leases = await allLeases();
    expect(leases).toHaveLength(rounds);
    const overlapping = leases.filter((lease) =>
      leases.some((two) => two !== lease && overlaps4(two.prefix, lease.prefix)),
    );
    expect(overlapping.map((lease) => formatPrefix4(lease.prefix))).toEqual([]);
    // Both have won: it was a race.
    expect([...new Set(leases.map(({ node }) => node))].sort()).toEqual(["a", "b"]);
  });

  test("of a claim and the network's deletion at once, one is done", async () => {
    const claims = race("a", "192.0.2.1", [26], 60);
    const said = await Promise.all([claims, race("b", "192.0.2.2", [0], 60)]);
    const granted = said.flatMap((text) => text.split("\n").filter((line) => /granted/.test(line)));
    expect(granted).toHaveLength(rounds);
    const { registry } = ipamLab({ store: store.config });
    const networks = (await listNetworks(registry, soon())).map(({ network }) => network.name);
    const leases = (await allLeases()).map(({ prefix }) => `net${(prefix.base >>> 16) & 255}`);
    expect(leases.sort()).toEqual([...networks].sort());
    expect(leases.length).toBeGreaterThan(0);
    expect(leases.length).toBeLessThan(rounds);
  });
});
