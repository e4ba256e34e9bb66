/** Networks that are made at once, by two nodes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureNetwork, listNetworks } from "../../../lib/ipam/networks.ts";
import { ipamLab, soon, specOf } from "./lab.ts";
import { stores, type TestStore } from "./stores.ts";

describe.each(stores)("in %s", (_name, open) => {
  let store: TestStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  test("the later one is refused where their subnets overlap", async () => {
    const { registry } = ipamLab({ store: store.config });
    const { keys, store: real } = registry;
    let isMade = false;
    const range: typeof real.range = async (prefix, deadline) => {
      const found = await real.range(prefix, deadline);
      if (prefix === keys.networks && !isMade) {
        isMade = true;
        // Another VNI: only the subnet is in the way.
        const faster = { ...specOf("10.9.0.0/16"), name: "faster", vni: 77 };
        await ensureNetwork(registry, faster, soon());
      }
      return found;
    };
    const slower = ensureNetwork(
      { ...registry, store: { ...real, range } },
      { ...specOf("10.9.128.0/24"), name: "slower", vni: 78 },
      soon(),
    );
    await expect(slower).rejects.toMatchObject({
      kind: "network-conflict",
      message: expect.stringContaining('overlaps 10.9.0.0/16 of network "faster"'),
    });
    const names = (await listNetworks(registry, soon())).map(({ network }) => network.name);
    expect(names).toEqual(["faster"]);
  });
});
