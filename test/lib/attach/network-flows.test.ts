import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { applyPeerChanges, hasFlows, replaceFlows } from "../../../lib/attach/network-flows.ts";
import { standingNetwork } from "../../../lib/attach/switch-network.ts";
import type { HeldNetwork } from "../../../lib/ipam/held.ts";
import type { PeerLease } from "../../../lib/ipam/peers.ts";
import { only, peersCookie } from "../../../lib/overlay/cookies.ts";
import { countNetworkFlows, networkFlows } from "../../../lib/overlay/pipeline.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { within } from "../ovs/clients.ts";
import { leasesOf, openTestHost, prefix, type TestHost, vtep } from "./host.ts";

let ovs: Ovs;
let on: TestHost;
beforeAll(async () => {
  ovs = await startOvs();
  ovs.vsctl(
    ...["add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev"],
    ...["fail_mode=secure", "protocols=OpenFlow10,OpenFlow15"],
  );
});
afterAll(async () => ovs?.stop());
beforeEach(() => {
  ovs.ofctl("del-flows", "sp0");
  on = openTestHost(ovs);
});
afterEach(() => on.close());

const lease = (text: string, node: string): PeerLease => ({
  prefix: prefix(text),
  vtep: vtep(node),
});
const b = lease("10.3.0.0/26", "192.0.2.2");
const c = lease("10.3.0.64/26", "192.0.2.3");

const network = (held: HeldNetwork) => {
  const standing = standingNetwork(on.host, held);
  if (standing === undefined) throw new Error("the network does not stand");
  return standing;
};
const isThere = (held: HeldNetwork) => hasFlows(on.host, network(held), within());
/** The flows to peers, as ovs-ofctl tells them: where to, by MAC prefix. */
const waysToPeers = () =>
  Array.from(
    ovs
      .ofctl("--no-stats", "dump-flows", "sp0")
      .matchAll(/dl_dst=([0-9a-f:]+)\/\S+ actions=set_field:0x64->tun_id,set_field:([\d.]+)->/g),
    ([, mac = "", to = ""]) => `${mac} ${to}`,
  ).sort();
const counted = () => on.host.flows(within()).aggregate(only(peersCookie(100)), within()).flows;

describe("changes of peers' leases", () => {
  const [added, removed] = [
    { added: [c], removed: [] },
    { added: [], removed: [b] },
  ];

  test("are few messages: two for each lease, and the network's own flows", async () => {
    replaceFlows(on.host, await on.hold(leasesOf(20, 2)), within());
    on.bundles.length = 0;
    const held = await on.hold([...leasesOf(20, 2), c]);
    expect(isThere(held)).toBe(false);
    expect(applyPeerChanges(on.host, "web", added, within())).toBe("changed");
    expect(isThere(held)).toBe(true);
    expect(counted()).toBe(2 * 41);
    const own = countNetworkFlows(network(held));
    expect(on.bundles.map(({ length }) => length)).toEqual([1 + own + 2]);
  });

  test("leave what they would with all others: one comes, another goes, a third moves", async () => {
    replaceFlows(on.host, await on.hold([b, c]), within());
    const d = lease("10.3.0.128/26", "192.0.2.4");
    const moved = { ...c, vtep: vtep("192.0.2.5") };
    const held = await on.hold([moved, d]);
    const changes = { added: [d, moved], removed: [b, c] };
    expect(applyPeerChanges(on.host, "web", changes, within())).toBe("changed");
    expect(waysToPeers()).toEqual(["02:42:0a:03:00:40 192.0.2.5", "02:42:0a:03:00:80 192.0.2.4"]);
    expect(counted()).toBe(4);
    expect(isThere(held)).toBe(true);
  });

  test("that the switch has already are none", async () => {
    replaceFlows(on.host, await on.hold([b, c]), within());
    on.bundles.length = 0;
    expect(applyPeerChanges(on.host, "web", added, within())).toBe("unchanged");
    expect(on.bundles).toEqual([]);
  });

  test("come after others that were missed: the switch gets all of the network", async () => {
    replaceFlows(on.host, await on.hold([b]), within());
    // Nobody told the switch of this one.
    await on.hold([b, ...leasesOf(1, 1)]);
    const held = await on.hold([b, c, ...leasesOf(1, 1)]);
    expect(applyPeerChanges(on.host, "web", added, within())).toBe("replaced");
    expect(isThere(held)).toBe(true);
    expect(waysToPeers()).toHaveLength(3);
    // Of two that come together, the first one's deed may be the second one's too.
    expect(applyPeerChanges(on.host, "web", removed, within())).toBe("unchanged");
  });

  test("to a switch that forgot everything are all of the network", async () => {
    await on.hold([b, c]);
    expect(applyPeerChanges(on.host, "web", added, within())).toBe("replaced");
    expect(waysToPeers()).toHaveLength(2);
  });
});

test("flows that were made from newer leases than an ADD has read are not taken for its own", async () => {
  const read = await on.hold([b]);
  const written = await on.hold([b, c]);
  replaceFlows(on.host, read, within());
  expect(waysToPeers()).toHaveLength(2);
  expect(isThere(read)).toBe(false);
  expect(isThere(written)).toBe(true);
});

test("a prefix that changes sides has one way: here or there", async () => {
  const mine = "10.200.0.64/26";
  const theirs = lease(mine, "192.0.2.2");
  replaceFlows(on.host, await on.hold([theirs]), within());
  expect(waysToPeers()).toHaveLength(1);
  replaceFlows(on.host, await on.hold([], ["10.200.0.0/26", mine]), within());
  expect(waysToPeers()).toEqual([]);
  expect(ovs.ofctl("dump-flows", "sp0", "table=30")).toMatch(/dl_dst=02:42:0a:c8:00:40\/\S+ /);
  const held = await on.hold([theirs]);
  const changes = { added: [theirs], removed: [] };
  expect(applyPeerChanges(on.host, "web", changes, within())).not.toBe("unchanged");
  expect(waysToPeers()).toHaveLength(1);
  expect(isThere(held)).toBe(true);
});

test("a cluster of 1,000 nodes with 4 leases each is two flows for each lease, and a few", async () => {
  const held = await on.hold(leasesOf(1000, 4));
  replaceFlows(on.host, held, within());
  expect(counted()).toBe(8000);
  const [bundle = []] = on.bundles;
  expect(bundle.length - 8000).toBeLessThan(40);
  expect(networkFlows(network(held))).toHaveLength(countNetworkFlows(network(held)));
  // One more is as little as in a small one.
  on.bundles.length = 0;
  await on.hold([...leasesOf(1000, 4), lease("10.201.0.0/26", "192.0.2.2")]);
  const more = { added: [lease("10.201.0.0/26", "192.0.2.2")], removed: [] };
  expect(applyPeerChanges(on.host, "web", more, within())).toBe("changed");
  expect(on.bundles[0]?.length).toBeLessThan(40);
});
