import { describe, expect, test } from "vitest";
import type { AssignmentFact, NodeFacts } from "./facts.ts";
import { astray, heldTwice, leftOvers, outsideLeases, overlapping, unlike } from "./invariants.ts";

const block = "10.2.0.64-26@17";
const assignment = {
  network: "web",
  block,
  address: "10.2.0.66",
  mac: "02:42:0a:02:00:42",
  ofport: 20,
  name: "web",
  containerId: "c1",
  ifname: "eth0",
};
const own = { ...assignment, address: "10.2.0.65", ofport: 19, name: "@node", containerId: "web" };
const linked = (one: Omit<AssignmentFact, "file">): AssignmentFact => {
  return { ...one, file: `networks/web/${block}/${one.address}` };
};
const owned = (one: Omit<AssignmentFact, "file">): AssignmentFact => {
  return { ...one, file: `owners/${one.name}:${one.containerId}:${one.ifname}` };
};
const lease = { network: "web", node: "a", first: 0x0a020040, last: 0x0a02007f, block };

/** A node with one container, as it should be. */
const sound: NodeFacts = {
  node: "a",
  blocks: [{ network: "web", block }],
  taken: [linked(own), linked(assignment)],
  owners: [owned(own), owned(assignment)],
  numbers: [19, 20],
  strays: [],
  temporaries: [],
  links: ["lo", "sp-web", "spv1"],
  ports: [
    { link: "sp-web", ofport: 19, ids: { role: "gateway", address: own.address } },
    { link: "spv1", ofport: 20, ids: { role: "attachment", address: assignment.address } },
  ],
  flowPorts: [20],
  meterPorts: [20],
  inner: [
    {
      containerId: "c1",
      ifname: "eth0",
      mac: assignment.mac,
      addresses: [assignment.address, "fd00:2::a02:42"],
    },
  ],
  leases: [lease],
  firewall: { networks: ["sp-web"], local: [{ first: 0x0a020040, last: 0x0a02007f }], links: [] },
};
const empty: NodeFacts = {
  ...sound,
  taken: [linked(own)],
  owners: [owned(own)],
  numbers: [19],
  links: ["lo", "sp-web"],
  ports: sound.ports.slice(0, 1),
  flowPorts: [],
  meterPorts: [],
  inner: [],
};

const problemsOf = (facts: NodeFacts): readonly string[] => [
  ...heldTwice([facts]),
  ...overlapping([facts]),
  ...astray(facts),
  ...unlike(facts),
  ...outsideLeases(facts),
];

test("a sound node has no problems", () => {
  expect(problemsOf(sound)).toEqual([]);
  expect(problemsOf(empty)).toEqual([]);
  expect(leftOvers(empty)).toEqual([]);
});

describe("each fault is seen", () => {
  const second = { ...assignment, containerId: "c2", ofport: 21 };
  const inner = sound.inner.map((one) => ({ ...one, containerId: "c2" }));
  test.each<[string, Partial<NodeFacts>]>([
    ["two containers with one address", { inner: [...sound.inner, ...inner] }],
    ["an address linked twice", { taken: [...sound.taken, linked(second)] }],
    ["an owner without an address", { owners: [...sound.owners, owned(second)] }],
    ["an address without an owner", { owners: [owned(own)] }],
    ["a port number without an owner", { numbers: [19, 20, 21] }],
    ["an owner without its port number", { numbers: [19] }],
    [
      "a port of nobody's",
      { ports: [...sound.ports, { link: "spv2", ofport: 3, ids: { role: "attachment" } }] },
    ],
    ["a port without its link", { links: ["lo", "sp-web"] }],
    ["a link without a port", { links: [...sound.links, "spv2"] }],
    ["a container without a port", { ports: sound.ports.slice(0, 1) }],
    ["flows of nobody's", { flowPorts: [20, 21] }],
    ["a container without flows", { flowPorts: [] }],
    ["meters of nobody's", { meterPorts: [21] }],
    ["a container without its address", { inner: [] }],
    ["a block that is another node's", { leases: [{ ...lease, node: "b" }] }],
    ["a block held at another revision", { leases: [{ ...lease, block: "10.2.0.64-26@18" }] }],
    [
      "a lease inside a lease",
      {
        leases: [
          lease,
          { ...lease, node: "b", block: "10.2.0.70-32@9", first: 0x0a020046, last: 0x0a020046 },
        ],
      },
    ],
    ["a file that is not whole", { strays: ["owners/web:c1:eth0.new"] }],
    ["a temporary file", { temporaries: ["owners/.new-1-1"] }],
  ])("%s", (_, change) => {
    expect(problemsOf({ ...sound, ...change })).not.toEqual([]);
  });

  test("on two nodes", () => {
    const other = { ...sound, node: "b" };
    expect(heldTwice([sound, other])).not.toEqual([]);
    const leases = [{ ...lease, node: "b", block: "10.2.0.64-26@20" }];
    expect(overlapping([sound, { ...other, leases }])).not.toEqual([]);
    expect(overlapping([sound, { ...other, leases: [lease] }])).toEqual([]);
  });

  test("what is left", () => {
    expect(leftOvers(sound)).toEqual([
      `a: networks/web/${block}/10.2.0.66`,
      "a: owners/web:c1:eth0",
      "a: ports/20",
      "a: link spv1",
      "a: port spv1",
      "a: flows of port 20",
      "a: meters of port 20",
    ]);
  });

  test("what is left in the firewall", () => {
    const firewall = {
      networks: ["sp-web", "sp-db"],
      local: [{ first: 0x0a020040, last: 0x0a020080 }],
      links: ["spv0123456789ab"],
    };
    expect(leftOvers({ ...empty, firewall })).toEqual([
      "a: rules for sp-db",
      "a: rules for addresses from 0xa020040 on",
      "a: rules for link spv0123456789ab",
    ]);
  });

  test("temporary files are allowed only of a killed command", () => {
    const facts = { ...sound, temporaries: ["owners/.new-1-1"] };
    expect(astray(facts)).toHaveLength(1);
    expect(astray(facts, { killed: true })).toEqual([]);
  });

  test("an address that is begun is allowed only of a killed command, and to the node itself", () => {
    const facts = { ...empty, taken: [], ports: [] };
    expect(leftOvers(facts)).toEqual([]);
    expect(unlike(facts)).toHaveLength(2);
    expect(unlike(facts, { killed: true })).toEqual([]);
    const container = { ...facts, owners: [owned(assignment)], numbers: [20] };
    expect(unlike(container, { killed: true })).toHaveLength(2);
  });
});
