/** A claim whose ground changes under it: it is read again, and goes on or says why not. */
import { expect, test } from "vitest";
import { assignAddress } from "../../../lib/ipam/assign-address.ts";
import { readLeases } from "../../../lib/ipam/leases.ts";
import type { NetworkSpec } from "../../../lib/ipam/network.ts";
import { readNodes } from "../../../lib/ipam/nodes.ts";
import { holdNetwork } from "../../../lib/ipam/refresh.ts";
import { type Keys, keysUnder } from "../../../lib/store/keys.ts";
import type { Store, Write } from "../../../lib/store/store.ts";
import { ip, ipamLab, soon, specOf } from "./lab.ts";

const spec = specOf("10.9.0.0/24", { blockLength: 28 });
const keys: Keys = keysUnder("");

/** A node for which something else is written just before its first claim. */
function labWith(other: (store: Store) => Promise<readonly Write[]>) {
  let done = false;
  const seen = (store: Store): Store => ({
    ...store,
    commit: async (txn, deadline) => {
      const claims = txn.writes.some((write) => "put" in write && write.put.startsWith("leases/"));
      if (claims && !done) {
        done = true;
        await store.commit({ compares: [], writes: await other(store) }, deadline);
      }
      return store.commit(txn, deadline);
    },
  });
  return ipamLab({ vtep: "192.0.2.1", seen });
}

async function give(lab: ReturnType<typeof labWith>, later?: NetworkSpec) {
  const held = await holdNetwork(lab.ipam, { name: "web", spec }, soon());
  const id = { name: "web", containerId: "c", ifname: "eth0" };
  return assignAddress(lab.ipam, held, { id, port: "none", workload: {}, spec: later }, soon());
}

test("a network whose record was written again is claimed of all the same", async () => {
  const lab = labWith(async (store) => {
    const found = await store.get(keys.network("web"), soon());
    return [{ put: keys.network("web"), value: found?.value ?? "" }];
  });
  const { held } = await give(lab);
  const leases = await readLeases(lab.registry, "web", soon());
  expect(leases.map(({ revision }) => revision)).toEqual(held.blocks.map((one) => one.revision));
});

test("a network that was deleted is not, unless it may be made anew", async () => {
  const remove = async () => [{ remove: keys.network("web") }, { remove: keys.vni(1) }];
  await expect(give(labWith(remove))).rejects.toMatchObject({ kind: "network-unknown" });
  const again = await give(labWith(remove), spec);
  expect(again.assignment.address).toBe(ip("10.9.0.2"));
});

test("a node that was removed claims under its new registration", async () => {
  const lab = labWith(async () => [
    { remove: keys.node("a") },
    { remove: keys.vtep({ family: 4, address: ip("192.0.2.1") }) },
  ]);
  const { held } = await give(lab);
  const now = (await readNodes(lab.registry, soon())).get("a");
  expect(held.node.createRevision).toBe(now?.createRevision);
  expect(held.blocks[0]?.revision).toBeGreaterThan(now?.createRevision ?? 0);
});
