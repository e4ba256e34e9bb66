import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { gatewayAttachment, gatewayLinkName } from "../../../lib/attach/names.ts";
import { addAttachment, addGateway } from "../../../lib/attach/rows.ts";
import { differentFlows, synchronise, wantedFlows } from "../../../lib/attach/sync.ts";
import { find } from "../../../lib/ipam/assignments.ts";
import { assign } from "../../../lib/ipam/pool.ts";
import { formatFlow } from "../../../lib/ovs/flow-text.ts";
import { type Ovs, startOvs } from "../../lab/ovs.ts";
import { within } from "../ovs/clients.ts";
import { leasesOf, openTestHost, type TestHost } from "./host.ts";

let ovs: Ovs;
let on: TestHost;
beforeAll(async () => {
  ovs = await startOvs();
});
afterAll(async () => ovs?.stop());
beforeEach(async () => {
  ovs.vsctl(
    ...["add-br", "sp0", "--", "set", "bridge", "sp0", "datapath_type=netdev"],
    ...["fail_mode=secure", "protocols=OpenFlow10,OpenFlow15"],
  );
  on = openTestHost(ovs);
  const { stored, blocks } = await on.hold(leasesOf(10, 2));
  const { dirs } = on.host.ipam;
  const own = find(dirs, gatewayAttachment("web"));
  const id = { name: "web", containerId: "c1", ifname: "eth0" };
  const want = { id, network: stored.network, blocks, port: "give", workload: {} } as const;
  const assigned = assign(dirs, want);
  if (own?.ofport === undefined || assigned.outcome !== "assigned") throw new Error("nothing held");
  const { address, mac, ofport = 0 } = assigned.assignment;
  const link = gatewayLinkName("web");
  const gateway = { ...own, role: "gateway", link, ofport: own.ofport } as const;
  const container = { role: "attachment", link: "spv1", id, network: "web", boot: "b" } as const;
  const database = on.host.database(within());
  database.transact(addGateway("sp0", gateway, { mac: own.mac, mtu: 1450 }), within());
  const row = { ...container, address, address6: undefined, mac, ofport };
  database.transact(addAttachment("sp0", row), within());
});
afterEach(() => {
  on.close();
  ovs.vsctl("del-br", "sp0");
});

const printed = () =>
  ovs
    .ofctl("--no-stats", "dump-flows", "sp0")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.includes("actions="))
    .sort();
const wanted = () => wantedFlows(on.host, within()).map(formatFlow).sort();

test.each(["all", "if different"] as const)(
  "of %s, a switch without flows gets all of them, peers' included",
  (what) => {
    ovs.ofctl("del-flows", "sp0");
    expect(synchronise(on.host, within(), what)).toBeGreaterThan(40);
    expect(printed()).toEqual(wanted());
    expect(wanted().filter((text) => text.includes("table=10, priority=126"))).toHaveLength(20);
  },
);

describe("what differs", () => {
  beforeEach(() => void synchronise(on.host, within()));

  test("is nothing, and then nothing is sent", () => {
    on.bundles.length = 0;
    expect(synchronise(on.host, within(), "if different")).toBe(0);
    expect(on.bundles).toEqual([]);
  });

  test("is what is missing, or too much, or changed; what is not ours stays", () => {
    ovs.ofctl("--strict", "del-flows", "sp0", "table=20,priority=0");
    ovs.ofctl("add-flow", "sp0", "cookie=0x5350020000000064,table=30,priority=9,actions=flood");
    ovs.ofctl("add-flow", "sp0", "cookie=0x5350000000000000,table=40,priority=0,actions=flood");
    ovs.ofctl("add-flow", "sp0", "cookie=7,table=50,priority=9,actions=drop");
    // Left alone, and told to who looks.
    expect(differentFlows(on.host, within()).foreign.map(({ cookie }) => cookie)).toEqual([7n]);
    expect(synchronise(on.host, within(), "if different")).toBe(4);
    const theirs = "cookie=0x7, table=50, priority=9 actions=drop";
    expect(printed()).toEqual([...wanted(), theirs].sort());
  });

  test.each(["all", "if different"] as const)(
    "is nothing of a network that is not known while its ports are there: %s",
    async (what) => {
      const before = printed();
      const folder = on.host.ipam.dirs.networks.open("web");
      folder?.remove("cache.json");
      folder?.close();
      expect(synchronise(on.host, within(), what)).toBe(0);
      expect(printed()).toEqual(before);
    },
  );
});
