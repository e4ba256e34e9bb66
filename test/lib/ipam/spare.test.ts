/** Blocks claimed ahead, and given back while ADDs run. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { blockName } from "../../../lib/ipam/assignment.ts";
import { isHeld, listAssignments } from "../../../lib/ipam/assignments.ts";
import { heldNow } from "../../../lib/ipam/held.ts";
import { readLeases } from "../../../lib/ipam/leases.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { registerNode } from "../../../lib/ipam/register.ts";
import { release } from "../../../lib/ipam/release.ts";
import { claimAhead, giveBack } from "../../../lib/ipam/spare.ts";
import { formatIp4, type Ip4 } from "../../../lib/net/ip4.ts";
import { contains4, formatPrefix4, overlaps4 } from "../../../lib/net/prefix.ts";
import type { Store } from "../../../lib/store/store.ts";
import type { GiveBackPlan } from "./give-back-race.ts";
import { type IpamLab, ip, ipamLab, type LabOptions, soon, specOf } from "./lab.ts";
import { startScript } from "./script.ts";
import { stores, type TestStore } from "./stores.ts";

const spec = specOf("10.9.0.0/24", { blockLength: 29 });
const id = (containerId: string) => ({ name: "web", containerId, ifname: "eth0" });

async function give(lab: IpamLab, containerId: string, address?: Ip4) {
  const held = await holdNetwork(lab.ipam, { name: "web", spec }, soon());
  const wish = { id: id(containerId), address, port: "none", workload: {}, spec } as const;
  return formatIp4((await assignAddress(lab.ipam, held, wish, soon())).assignment.address);
}

const leasesOf = async (lab: IpamLab) =>
  (await readLeases(lab.registry, "web", soon())).map(
    ({ prefix, node }) => `${formatPrefix4(prefix)} ${node}`,
  );
const cached = (lab: IpamLab) =>
  heldNow(lab.dirs, "web")?.blocks.map(({ prefix }) => formatPrefix4(prefix));
const ahead = (lab: IpamLab) => claimAhead(lab.ipam, "web", soon());
const back = async (lab: IpamLab) =>
  (await giveBack(lab.ipam, "web", soon())).map(({ prefix }) => formatPrefix4(prefix));

test("another block is claimed when less than a quarter of one is free, and no sooner", async () => {
  const lab = ipamLab({ vtep: "192.0.2.1" });
  expect(await ahead(lab)).toBe("enough");
  // .2 to .7 in the first block.
  for (let one = 2; one <= 5; one += 1) await give(lab, `c${one}`);
  expect(await ahead(lab)).toBe("enough");
  await give(lab, "c6");
  expect(await ahead(lab)).toBe("claimed");
  expect(await ahead(lab)).toBe("enough");
  expect(cached(lab)).toEqual(["10.9.0.0/29", "10.9.0.8/29"]);
  const before = lab.asked();
  await give(lab, "c7");
  await give(lab, "c8");
  expect(lab.asked()).toBe(before);
});

test("nothing is claimed ahead of nodes that have no block yet", async () => {
  const lab = ipamLab({ vtep: "192.0.2.1" });
  const small = { ...spec, ...specOf("10.9.0.0/28", { blockLength: 29 }) };
  const held = await holdNetwork(lab.ipam, { name: "web", spec: small }, soon());
  for (let one = 0; one < 5; one += 1) {
    const wish = { id: id(`c${one}`), port: "none", workload: {} } as const;
    await assignAddress(lab.ipam, held, wish, soon());
  }
  const other = ipamLab({ store: `${lab.path}/store`, node: "b", vtep: "192.0.2.2" });
  await registerNode(other.registry, other.ipam.node(), soon());
  expect(await ahead(lab)).toBe("none left");
  await lab.registry.store.commit(
    { compares: [], writes: [{ remove: lab.registry.keys.node("b") }] },
    soon(),
  );
  expect(await ahead(lab)).toBe("claimed");
});

test("empty blocks are given back, but for what would soon be claimed again", async () => {
  const lab = ipamLab({ vtep: "192.0.2.1" });
  for (let one = 0; one < 20; one += 1) await give(lab, `c${one}`);
  expect(await leasesOf(lab)).toHaveLength(3);
  expect(await back(lab)).toEqual([]);
  for (let one = 6; one < 20; one += 1) release(lab.dirs, id(`c${one}`));
  // The first is full: one of the others stays.
  expect(await back(lab)).toEqual(["10.9.0.16/29"]);
  expect(await leasesOf(lab)).toEqual(["10.9.0.0/29 a", "10.9.0.8/29 a"]);
  expect(cached(lab)).toEqual(["10.9.0.0/29", "10.9.0.8/29"]);
  for (let one = 0; one < 6; one += 1) release(lab.dirs, id(`c${one}`));
  expect(await back(lab)).toEqual(["10.9.0.8/29"]);
  expect(await back(lab)).toEqual([]);
});

test("an address that was asked for outside of the range is given back with its container", async () => {
  const lab = ipamLab({ vtep: "192.0.2.1" });
  const range = { first: ip("10.9.0.0"), last: ip("10.9.0.127") };
  const wanted = { name: "web", spec: { ...spec, range } };
  const held = await holdNetwork(lab.ipam, wanted, soon());
  const wish = { id: id("c"), address: ip("10.9.0.200"), port: "none", workload: {} } as const;
  await assignAddress(lab.ipam, held, wish, soon());
  expect(await back(lab)).toEqual([]);
  release(lab.dirs, id("c"));
  expect(await back(lab)).toEqual(["10.9.0.200/32"]);
  expect(await leasesOf(lab)).toEqual([]);
});

test("what was given back is not used again, though its removal comes late", async () => {
  let removal: (() => Promise<unknown>) | undefined;
  const seen = (store: Store): Store => ({
    ...store,
    commit: async (txn, deadline) => {
      if (!txn.writes.some((write) => "remove" in write)) return store.commit(txn, deadline);
      removal = () => store.commit(txn, soon());
      throw new Error("it is not known what came of it");
    },
  });
  const options: LabOptions = { vtep: "192.0.2.1" };
  const lab = ipamLab(options);
  for (let one = 0; one < 8; one += 1) await give(lab, `c${one}`);
  for (let one = 4; one < 8; one += 1) release(lab.dirs, id(`c${one}`));
  for (let one = 0; one < 4; one += 1) release(lab.dirs, id(`c${one}`));
  const slow = ipamLab({ ...options, path: lab.path, seen });
  await expect(giveBack(slow.ipam, "web", soon())).rejects.toThrow("not known");
  expect(await leasesOf(lab)).toHaveLength(2);
  // Now whoever asks the store ends it, and does not take what the removal is still to hit.
  const given: string[] = [];
  for (let one = 0; one < 9; one += 1) given.push(await give(lab, `d${one}`));
  await removal?.();
  const leases = await readLeases(lab.registry, "web", soon());
  const inside = (address: string) => leases.some(({ prefix }) => contains4(prefix, ip(address)));
  expect(given.filter((address) => !inside(address))).toEqual([]);
});

describe.each(stores)("in %s", (_name, open) => {
  let store: TestStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  test("blocks given back under running ADDs: no address twice, each in a lease of its node", async () => {
    const nodes = ["a", "b"].map((node, at) =>
      ipamLab({ store: store.config, node, vtep: `192.0.2.${at + 1}` }),
    );
    const processes = nodes.flatMap((lab, at) => {
      const { name } = lab.ipam.node();
      const plan = { store: store.config, path: lab.path, node: name, vtep: `192.0.2.${at + 1}` };
      const start = (more: Pick<GiveBackPlan, "does" | "rounds" | "seed">) =>
        startScript("give-back-race.ts", { ...plan, ...more } satisfies GiveBackPlan).ended;
      return [
        start({ does: "containers", rounds: 250, seed: at * 10 + 1 }),
        start({ does: "containers", rounds: 250, seed: at * 10 + 2 }),
        start({ does: "blocks", rounds: 2, seed: at * 10 + 3 }).then((text) => Number(text)),
      ];
    });
    const done = await Promise.all(processes);
    const givenBack = done.filter((one) => typeof one === "number");
    expect(Math.max(...givenBack)).toBeGreaterThan(2);
    const [first] = nodes;
    const leases = first === undefined ? [] : await readLeases(first.registry, "web", soon());
    for (const one of leases) {
      const others = leases.filter((other) => other !== one);
      expect(others.some((other) => overlaps4(other.prefix, one.prefix))).toBe(false);
    }
    const all = nodes.flatMap((lab) =>
      listAssignments(lab.dirs).map((assignment) => ({ lab, assignment })),
    );
    expect(all.length).toBeGreaterThan(0);
    for (const { lab, assignment } of all) {
      expect(isHeld(lab.dirs, assignment)).toBe(true);
      const lease = leases.find(({ prefix }) => contains4(prefix, assignment.address));
      expect(lease?.node).toBe(lab.ipam.node().name);
      expect(lease && blockName(lease)).toBe(assignment.block);
    }
    const addresses = all.map(({ assignment }) => assignment.address);
    expect(new Set(addresses).size).toBe(addresses.length);
  });
});
