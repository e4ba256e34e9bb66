import { expect, test } from "vitest";
import { map, type Row, set, uuid } from "../../../lib/ovs/ovsdb-json.ts";
import { switchOf } from "../../../lib/survey/switch.ts";

const interface_ = (id: string, name: string, more: Row = {}): Row => ({
  _uuid: uuid(id),
  name,
  type: "",
  ofport: 5,
  error: set([]),
  admin_state: "up",
  link_state: "up",
  mac_in_use: "02:42:0a:02:00:03",
  mtu: 1450,
  options: map({}),
  external_ids: map({}),
  statistics: ["map", [["rx_bytes", 12]]],
  ...more,
});

test("each interface is of the bridge whose port has it", () => {
  const { bridges, ports, version } = switchOf({
    version: "3.1.0",
    bridges: [
      {
        name: "sp0",
        datapath_type: "netdev",
        fail_mode: "secure",
        protocols: set(["OpenFlow10", "OpenFlow15"]),
        external_ids: map({ socketplane: "bridge" }),
        ports: set([uuid("p1"), uuid("p2")]),
      },
      {
        name: "br-phy",
        datapath_type: "",
        fail_mode: set([]),
        protocols: set([]),
        external_ids: map({}),
        ports: uuid("p3"),
      },
    ],
    ports: [
      { _uuid: uuid("p1"), interfaces: uuid("i1") },
      { _uuid: uuid("p2"), interfaces: uuid("i2") },
      // A bond.
      { _uuid: uuid("p3"), interfaces: set([uuid("i3"), uuid("i4")]) },
    ],
    interfaces: [
      interface_("i1", "spv-1"),
      interface_("i2", "bad", { ofport: -1, error: "no such device", mtu: set([]) }),
      interface_("i3", "eth0"),
      interface_("i4", "eth1"),
      interface_("i5", "lost", { ofport: set([]) }),
    ],
  });
  expect(version).toBe("3.1.0");
  expect(bridges).toEqual([
    {
      name: "sp0",
      datapath: "netdev",
      failMode: "secure",
      protocols: ["OpenFlow10", "OpenFlow15"],
      isOurs: true,
    },
    { name: "br-phy", datapath: "system", failMode: undefined, protocols: [], isOurs: false },
  ]);
  expect(
    ports.map(({ name, bridge, ofport, error, mtu }) => [name, bridge, ofport, error, mtu]),
  ).toEqual([
    ["spv-1", "sp0", 5, undefined, 1450],
    ["bad", "sp0", -1, "no such device", undefined],
    ["eth0", "br-phy", 5, undefined, 1450],
    ["eth1", "br-phy", 5, undefined, 1450],
    ["lost", undefined, undefined, undefined, 1450],
  ]);
  expect(ports[0]?.statistics).toEqual({ rx_bytes: 12 });
});

test("a port of ours is known as that", () => {
  const ids = {
    socketplane: "attachment",
    "socketplane-name": "web",
    "socketplane-container": "c-1",
    "socketplane-ifname": "eth0",
    "socketplane-network": "web",
    "socketplane-address": "10.2.0.3",
    "socketplane-mac": "02:42:0a:02:00:03",
  };
  const { ports } = switchOf({
    version: undefined,
    bridges: [],
    ports: [],
    interfaces: [interface_("i1", "spv-1", { external_ids: map(ids) })],
  });
  expect(ports[0]?.row).toMatchObject({
    role: "attachment",
    link: "spv-1",
    network: "web",
    id: { name: "web", containerId: "c-1", ifname: "eth0" },
  });
});
