import { describe, expect, test } from "vitest";
import type { HeldNetwork } from "../../../lib/ipam/held.ts";
import { keysUnder } from "../../../lib/store/keys.ts";
import type { Entry, Revision } from "../../../lib/store/store.ts";
import { type ClusterFacts, clusterOf } from "../../../lib/survey/cluster.ts";
import type { LocalAssignment, NodeFacts } from "../../../lib/survey/here.ts";
import { recordedHere, recordedOf } from "../../../lib/trace/records.ts";
import { walkRecords } from "../../../lib/trace/walk-records.ts";
import type { Packet } from "../../../lib/trace/way.ts";
import { ip, mac, oddThere } from "./pipeline.ts";

const keys = keysUnder("/sp");
const entry = (key: string, revision: number, value: unknown): Entry => ({
  key: `/sp/${key}`,
  value: JSON.stringify(value),
  createRevision: revision as Revision,
  modRevision: revision as Revision,
});
const web = {
  id: "web",
  subnet: "10.2.0.0/16",
  gateway: "10.2.0.1",
  ipRange: "10.2.0.1-10.2.255.254",
  blockLength: 26,
  vni: 100,
  masquerade: true,
};
const assignment = (address: string, node: string, its: string) =>
  entry(`assignments/web/${address}`, 20, {
    ...{ name: "web", containerId: address, ifname: "eth0", workload: {} },
    ...{ node, mac: its },
  });

const cluster: ClusterFacts = {
  revision: 30 as Revision,
  ...clusterOf(keys, {
    networks: [
      entry("networks/web", 1, web),
      entry("networks/empty", 2, { ...web, id: "empty", subnet: "10.3.0.0/16", vni: 101 }),
    ],
    nodes: [
      entry("nodes/a", 5, { machineId: "a", vtep: "192.0.2.1" }),
      entry("nodes/b", 6, { machineId: "b", vtep: "192.0.2.2" }),
    ],
    leases: [
      entry("leases/web/0a020000-26", 12, { node: "b" }),
      entry("leases/web/0a020040-26", 11, { node: "b" }),
      entry("leases/web/0a020080-26", 13, { node: "a" }),
      // Of an earlier registration of the node, and of one that is gone.
      entry("leases/web/0a0200c0-26", 4, { node: "b" }),
      entry("leases/web/0a020100-26", 14, { node: "gone" }),
      entry("leases/web/0a020907-32", 15, { node: "b", mac: "0e:00:00:00:00:07" }),
      entry("leases/web/0a020908-32", 16, { node: "b" }),
    ],
    sessions: [],
    allAssignments: [
      assignment("0a020041", "b", "02:42:0a:02:00:41"),
      assignment("0a020907", "b", "0e:00:00:00:00:07"),
      assignment("0a020081", "a", "02:42:0a:02:00:81"),
    ],
  }),
};

const packet: Packet = {
  network: "web",
  vni: 100,
  ethSrc: mac("02:42:0a:02:00:81"),
  ethDst: mac("02:42:0a:02:00:41"),
  from: { family: 4, address: ip("10.2.0.129") },
  to: { family: 4, address: ip("10.2.0.65") },
  content: { kind: "icmp", answer: false },
};

describe("another node, by the store", () => {
  const b = recordedOf(cluster, "b");

  test("has its leases, and not those of its earlier registration", () => {
    const [network, ...others] = b?.state.networks ?? [];
    expect(others).toEqual([]);
    expect(network).toMatchObject({
      vni: 100,
      // What it took first is where its own address is from.
      port: { address: ip("10.2.0.64") },
      leases: [
        { base: ip("10.2.0.0"), length: 26 },
        { base: ip("10.2.0.64"), length: 26 },
        { base: ip("10.2.9.8"), length: 32 },
      ],
      peerLeases: [{ prefix: { base: ip("10.2.0.128"), length: 26 } }],
      peers: { count: 1 },
    });
  });

  test("has its containers, with the MACs that they asked for", () => {
    const attachments = b?.state.attachments.map(({ vni, address, mac }) => ({
      vni,
      address,
      mac,
    }));
    expect(attachments).toEqual([
      { vni: 100, address: ip("10.2.0.65"), mac: mac("02:42:0a:02:00:41") },
      { vni: 100, address: ip("10.2.9.7"), mac: oddThere },
    ]);
    const numbers = b?.ports.map(({ ofport }) => ofport) ?? [];
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test("is walked with links in place of numbers", () => {
    const vtep = { family: 4, address: ip("192.0.2.1") } as const;
    const walked = b && walkRecords(b, { entry: { by: "tunnel", vtep }, packet }, "sp0");
    expect(walked?.lookups.map(({ table }) => table)).toEqual([0, 10, 40]);
    expect(walked?.lookups[0]?.match).toMatch(/^tun_id=0x64,in_port=sptunnel,/);
    expect(walked?.lookups.at(-1)?.actions).toEqual([expect.stringMatching(/^output:spv/)]);
    expect(walked?.datapath).toBeUndefined();
  });

  test("takes nothing of a node that holds no lease of its sender", () => {
    const vtep = { family: 4, address: ip("192.0.2.9") } as const;
    const walked = b && walkRecords(b, { entry: { by: "tunnel", vtep }, packet }, "sp0");
    expect(walked?.lookups.map(({ table }) => table)).toEqual([0, 10]);
    expect(walked?.datapath).toBe("drop");
  });

  test("has no port for a container that it has not", () => {
    const container = { by: "container", name: "x", address: ip("10.2.0.99") } as const;
    const asked = { entry: { ...container, port: undefined }, packet };
    expect(b && walkRecords(b, asked, "sp0")).toBeUndefined();
  });

  test("that is not registered is not known", () => {
    expect(recordedOf(cluster, "gone")).toBeUndefined();
  });
});

describe("this node, by its run directory", () => {
  const [network] = cluster.networks;
  if (network === undefined) throw new Error("no network");
  const held: HeldNetwork = {
    stored: { network, revision: network.revision },
    node: { name: "a", createRevision: 5 as Revision },
    tunnel: { family: 4, address: ip("192.0.2.1") },
    blocks: [{ prefix: { base: ip("10.2.0.128"), length: 26 }, revision: 13 }],
    peers: { count: 0, digest: 0 },
    revision: 20 as Revision,
    readAt: 0,
  };
  const own = (text: string, ofport: number | undefined, more = {}): LocalAssignment => ({
    id: { name: "web", containerId: text, ifname: "eth0" },
    network: "web",
    block: "10.2.0.128-26@13",
    address: ip(text),
    mac: mac("02:42:0a:02:00:81"),
    ofport,
    workload: {},
    isOwn: false,
    isHeld: true,
    link: `link-${text}`,
    state: "alive",
    ...more,
  });
  const facts: NodeFacts = {
    runDir: "there",
    assignments: [
      own("10.2.0.128", 300, { isOwn: true, mac: mac("02:42:0a:02:00:80") }),
      own("10.2.0.129", 301),
      // Begun, and another plugin's.
      own("10.2.0.130", 302, { isHeld: false }),
      own("10.2.0.131", undefined),
    ],
    networks: [{ name: "web", held, ageMs: 0, isFresh: true, peers: [], lost: [] }],
    isKept: true,
    storeAway: undefined,
    names: { networks: [], nodes: [] },
  };

  test("has its ports with their numbers, and no others", () => {
    const { state, ports, numbers } = recordedHere(facts);
    expect(numbers).toBe("real");
    expect(ports.map(({ ofport, role }) => [ofport, role])).toEqual([
      [300, "gateway"],
      [301, "attachment"],
    ]);
    expect(state.networks[0]?.port).toMatchObject({ ofport: 300, address: ip("10.2.0.128") });
    expect(state.attachments.map(({ ofport }) => ofport)).toEqual([301]);
    const container = { by: "container", name: "x", address: ip("10.2.0.129") } as const;
    const asked = { entry: { ...container, port: 301 }, packet };
    const walked = walkRecords(recordedHere(facts), asked, "sp0");
    expect(walked?.lookups[0]?.match).toMatch(/^ip,in_port=301,/);
  });

  test("has no part in a network that it has no address of its own in", () => {
    const bare = { ...facts, assignments: facts.assignments.slice(1) };
    expect(recordedHere(bare).state).toEqual({ networks: [], attachments: [] });
  });
});
