import { describe, expect, test } from "vitest";
import { type ClusterFacts, leaseFlowOf, networksIn } from "./cluster-facts.ts";
import { mirrorLeft, soundness } from "./cluster-invariants.ts";
import type { NodeFacts } from "./facts.ts";
import { noFirewall } from "./firewall-facts.ts";
import type { WireFrame } from "./wire.ts";

const block = { a: "10.2.0.0-26@17", b: "10.2.0.64-26@18" } as const;
const leases = [
  { network: "web", node: "a", first: 0x0a020000, last: 0x0a02003f, block: block.a },
  { network: "web", node: "b", first: 0x0a020040, last: 0x0a02007f, block: block.b },
];
const [ofA, ofB] = leases;
const [network] = networksIn([
  {
    key: "networks/web",
    modRevision: 3,
    value: JSON.stringify({
      ...{ id: "web", vni: 5, subnet: "10.2.0.0/16", gateway: "10.2.0.1" },
      subnet6: "fd00:2::/64",
    }),
  },
]);
if (ofA === undefined || ofB === undefined || network === undefined) throw new Error("no facts");

const node = (name: "a" | "b", address: string): NodeFacts => {
  const file = { network: "web", block: block[name], address };
  const whose = { name: "@node", containerId: "web", ifname: "sp-web", mac: "", ofport: 9 };
  return {
    node: name,
    blocks: [{ network: "web", block: block[name] }],
    taken: [{ ...file, ...whose, file: `networks/web/${block[name]}/${address}` }],
    owners: [{ ...file, ...whose, file: "owners/@node:web:sp-web" }],
    ...{ numbers: [9], strays: [], temporaries: [], links: ["sp-web"], flowPorts: [], inner: [] },
    ports: [{ link: "sp-web", ofport: 9, ids: { role: "gateway", address } }],
    leases,
    firewall: noFirewall,
    meterPorts: [],
  };
};
const nodes: [NodeFacts, NodeFacts] = [node("a", "10.2.0.2"), node("b", "10.2.0.65")];

const flowsOf = ({ first, last }: { first: number; last: number }, vtep: string) =>
  (["from", "to"] as const).map((way) => ({ vni: 5, way, first, last, vtep }));
const ours = ({ first, last }: { first: number; last: number }) =>
  ({ vni: 5, way: "ours", first, last, vtep: undefined }) as const;
const [a, b] = ["192.0.2.1", "192.0.2.2"] as const;

/** From a container of node a to one of node b. */
const frame: WireFrame = {
  destination: "02:42:0a:02:00:42",
  source: "02:42:0a:02:00:03",
  etherType: 0x0800,
  senders: ["10.2.0.3"],
  tunnel: { vni: 5, from: a, to: b },
};
const bare: WireFrame = {
  destination: "ff:ff:ff:ff:ff:ff",
  source: "ea:4b:c9:8b:be:a6",
  etherType: 0x0806,
  senders: [a],
  tunnel: undefined,
};

const sound: ClusterFacts = {
  nodes,
  networks: [network],
  registered: [
    { node: "a", vtep: a },
    { node: "b", vtep: b },
  ],
  leases,
  mirrored: [],
  switches: [
    { node: "a", vnis: [5], leases: [ours(ofA), ...flowsOf(ofB, b)] },
    { node: "b", vnis: [5], leases: [ours(ofB), ...flowsOf(ofA, a)] },
  ],
  wire: [bare, frame],
};

test("a sound cluster has no problems", () => {
  expect(soundness(sound)).toEqual([]);
  // A node without a port in the network needs none of its flows.
  const [one] = sound.switches;
  if (one === undefined) throw new Error("no switch");
  const idle = { node: "b", vnis: [], leases: [] };
  expect(soundness({ ...sound, switches: [one, idle] })).toEqual([]);
});

describe("each fault is seen", () => {
  const [first, second] = nodes;
  const onWire = (change: Partial<WireFrame>): Partial<ClusterFacts> => ({
    wire: [{ ...frame, ...change }],
  });
  const pastTunnel = (change: Partial<WireFrame>): Partial<ClusterFacts> => ({
    wire: [{ ...bare, ...change }],
  });
  const onSwitch = (...flows: ClusterFacts["switches"][number]["leases"]) => ({
    switches: [{ node: "a", vnis: [5], leases: flows }],
  });
  const inner = { ifname: "eth0", mac: "02:42:0a:02:00:03", addresses: ["10.2.0.3"] };
  test.each<[string, RegExp, Partial<ClusterFacts>]>([
    [
      "an address in containers of two nodes",
      /10\.2\.0\.3 is held by/,
      {
        nodes: [
          { ...first, inner: [{ ...inner, containerId: "c1" }] },
          { ...second, inner: [{ ...inner, containerId: "c2" }] },
        ],
      },
    ],
    [
      "an address given by two nodes",
      /web 10\.2\.0\.65 is held by a:.* and b:/,
      {
        nodes: [
          { ...first, taken: second.taken.map((one) => ({ ...one, containerId: "c9" })) },
          second,
        ],
      },
    ],
    ["leases that overlap", /overlap/, { leases: [ofA, { ...ofB, first: ofA.last }] }],
    [
      "an assignment in another node's lease",
      /is in no block of a/,
      { nodes: [{ ...first, taken: second.taken }, second] },
    ],
    [
      "a lease of nobody",
      /no such node is registered/,
      { registered: [{ node: "a", vtep: a }], switches: [] },
    ],
    ["a lease in no network", /in no network of that name/, { networks: [], switches: [] }],
    [
      "a lease outside its network",
      /in no network of that name/,
      { networks: [{ ...network, last: ofB.first }], wire: [] },
    ],
    [
      "a folder without a lease",
      /which is no lease of it/,
      {
        nodes: [
          { ...first, blocks: [...first.blocks, { network: "web", block: block.b }] },
          second,
        ],
      },
    ],
    [
      "a folder of an earlier lease",
      /which is no lease of it/,
      { nodes: [{ ...first, blocks: [{ network: "web", block: "10.2.0.0-26@3" }] }, second] },
    ],
    ["a lease without a folder", /no folder for/, { nodes: [{ ...first, blocks: [] }, second] }],
    ["a peer's lease without a way to it", /lacks/, onSwitch(ours(ofA))],
    ["a way to another node", /lacks.* 192\.0\.2\.2"/s, onSwitch(ours(ofA), ...flowsOf(ofB, a))],
    [
      "a way for no lease",
      /no lease/,
      onSwitch(
        ours(ofA),
        ...flowsOf(ofB, b),
        ...flowsOf({ first: 0x0a020080, last: 0x0a0200bf }, b),
      ),
    ],
    ["a lease of its own that is not let in", /lacks/, onSwitch(...flowsOf(ofB, b))],
    ["the gateway as ARP sender", /the gateway sends/, onWire({ senders: ["10.2.0.1"] })],
    [
      "the gateway as IPv6 sender",
      /the gateway sends/,
      onWire({ senders: ["fd00:2:0:0:0:0:a02:1"] }),
    ],
    [
      "the gateway by its link-local address",
      /gateway/,
      onWire({ senders: ["fe80:0:0:0:0:0:a02:1"] }),
    ],
    ["the gateway by its MAC", /the gateway sends/, onWire({ source: "02:42:0a:02:00:01" })],
    ["the gateway on the underlay itself", /gateway/, pastTunnel({ senders: ["10.2.0.1"] })],
    ["a broadcast in a tunnel", /broadcast/, onWire({ destination: "ff:ff:ff:ff:ff:ff" })],
    ["a multicast in a tunnel", /broadcast/, onWire({ destination: "33:33:00:00:00:16" })],
    ["an unknown VNI", /VNI/, onWire({ tunnel: { vni: 6, from: a, to: b } })],
    ["another network's container", /VNI/, onWire({ source: "02:42:0a:03:00:03" })],
    ["a container's frame in the open", /past/, pastTunnel({ source: "02:42:0a:02:00:03" })],
    ["a container's packet in the open", /past/, pastTunnel({ senders: ["10.2.0.3"] })],
  ])("%s", (_, problem, change) => {
    expect(soundness({ ...sound, ...change }).join("\n")).toMatch(problem);
  });

  test("an address that is mirrored after its container has gone", () => {
    expect(mirrorLeft({ ...sound, mirrored: ["web/0a020041"] })).toEqual([]);
    expect(mirrorLeft({ ...sound, mirrored: ["web/0a020042"] })).toHaveLength(1);
  });
});

test("a switch may be behind where that is said", () => {
  const facts = { ...sound, switches: [{ node: "a", vnis: [5], leases: [ours(ofA)] }] };
  expect(soundness(facts, { behind: ["b"] })).not.toEqual([]);
  expect(soundness(facts, { behind: ["a"] })).toEqual([]);
  expect(soundness(facts, { behind: "all" })).toEqual([]);
});

test.each([
  [
    " cookie=0x5350020000000005, table=10, priority=126,reg0=0x5,tun_src=192.0.2.2,dl_src=02:42:0a:02:00:40/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
    { vni: 5, way: "from", first: 0x0a020040, last: 0x0a02007f, vtep: "192.0.2.2" },
  ],
  [
    " cookie=0x5350020000000005, table=30, priority=126,reg0=0x5,dl_dst=02:42:0a:02:00:40/ff:ff:ff:ff:ff:c0 actions=set_field:0x5->tun_id,set_field:192.0.2.2->tun_dst,output:1",
    { vni: 5, way: "to", first: 0x0a020040, last: 0x0a02007f, vtep: "192.0.2.2" },
  ],
  [
    " cookie=0x53500100000588a1, table=30, priority=126,reg0=0x5,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
    { vni: 5, way: "ours", first: 0x0a020000, last: 0x0a02003f, vtep: undefined },
  ],
  [
    " cookie=0x53500100000588a1, table=35, priority=126,reg0=0x5,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0 actions=goto_table:40",
    { vni: 5, way: "ours", first: 0x0a020000, last: 0x0a02003f, vtep: undefined },
  ],
  [
    " cookie=0x53500100000588a1, table=30, priority=126,reg0=0x5,dl_dst=02:42:0a:02:00:00/ff:ff:ff:ff:ff:c0 actions=goto_table:35",
    undefined,
  ],
  [
    " cookie=0x53500100000588a1, table=35, priority=200,reg0=0x5,dl_dst=02:42:0a:02:00:01 actions=set_field:02:42:0a:02:00:02->eth_dst,goto_table:40",
    undefined,
  ],
  [" cookie=0x5350000000000000, table=35, priority=0 actions=drop", undefined],
])("reads %s", (flow, expected) => {
  expect(leaseFlowOf(flow)).toEqual(expected);
});
