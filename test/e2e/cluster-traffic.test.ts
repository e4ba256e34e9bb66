/** Three nodes with their agents: each container reaches all of its network, and no other. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { detach } from "../lab/attach.ts";
import { type Cluster, startCluster } from "../lab/cluster.ts";
import { assertClusterEmpty, assertClusterSound } from "../lab/cluster-invariants.ts";
import { escapes } from "../lab/escape.ts";
import { type Lab, openLab } from "../lab/lab.ts";
import { awaitPath, type Place, placeOn } from "../lab/place.ts";
import { arping, isFree, ping } from "../lab/probe.ts";
import { run } from "../lab/run.ts";
import { ask } from "../lab/services.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const db = { ...web, name: "db", subnet: "10.3.0.0/16", subnet6: "fd00:3::/64" };
/** A host has servers of its own for each network. */
const ports = { web: 8080, db: 8081 } as const;
const families = ["ip", "ip6"] as const;

let lab: Lab;
let cluster: Cluster;
/** One container of each network on each node. */
let inWeb: readonly Place[] = [];
let inDb: readonly Place[] = [];
beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 3 });
  await Promise.all(cluster.nodes.map((node) => node.startAgent()));
  const placed = (conf: typeof web, port: number) =>
    Promise.all(
      cluster.nodes.map((node) =>
        placeOn(lab, node, conf, { name: `${conf.name}-on-${node.name}`, ports: [port] }),
      ),
    );
  inWeb = await placed(web, ports.web);
  inDb = await placed(db, ports.db);
  for (const places of [inWeb, inDb]) {
    for (const [one, two] of pairsOf(places)) await awaitPath(one, two);
  }
});
afterEach(() => assertClusterSound(cluster));
afterAll(async () => {
  try {
    for (const [conf, places] of [[web, inWeb] as const, [db, inDb] as const]) {
      for (const { node, container } of places) await detach(node, container, conf);
    }
    await assertClusterEmpty(cluster);
  } finally {
    await lab.close();
  }
});

/** Every one with every other, in both directions. */
function pairsOf(places: readonly Place[]): readonly (readonly [Place, Place])[] {
  return places.flatMap((one) =>
    places.filter((two) => two !== one).map((two) => [one, two] as const),
  );
}

const protocols = ["tcp", "udp"] as const;

/** Asks the servers of all places by all protocols and families. */
function askAll(from: Place, places: readonly Place[]) {
  const port = places === inWeb ? ports.web : ports.db;
  const tries = places.flatMap(({ node, address }) =>
    families.flatMap((family) =>
      protocols.map((protocol) => [
        `${node.name} ${family} ${protocol}`,
        { protocol, address: address[family], port },
      ]),
    ),
  );
  return ask(from.netns, Object.fromEntries(tries));
}

test("TCP and UDP in both families, between all nodes, see each other's own address", async () => {
  for (const from of inWeb) {
    const answers = await askAll(from, inWeb);
    const expected = inWeb.flatMap(({ node }) =>
      families.flatMap((family) =>
        protocols.map((protocol) => [
          `${node.name} ${family} ${protocol}`,
          `web-on-${node.name} ${from.address[family]}`,
        ]),
      ),
    );
    expect(answers).toEqual(Object.fromEntries(expected));
  }
});

test("networks do not reach each other, on no node", async () => {
  for (const [places, others] of [
    [inWeb, inDb],
    [inDb, inWeb],
  ] as const) {
    const [from] = places;
    if (from === undefined) throw new Error("no place");
    const answers = Object.values(await askAll(from, others));
    expect(answers).toEqual(answers.map(() => undefined));
    // While its own answers.
    expect(Object.values(await askAll(from, places)).filter(Boolean)).toHaveLength(12);
  }
});

describe("a packet as long as the MTU passes between nodes in one piece, one byte more does not", () => {
  const headers = { ip: 20 + 8, ip6: 40 + 8 } as const;
  const passes = async ({ netns }: Place, address: string, payload: number) => {
    const argv = ["ping", "-n", "-c1", "-W1", "-M", "do", "-s", `${payload}`, address];
    return (await run({ netns, argv })).status === 0;
  };

  test.each(families)("%s", async (family) => {
    const [one, , three] = inWeb;
    if (one === undefined || three === undefined) throw new Error("no place");
    const longest = 1450 - headers[family];
    expect(await passes(one, three.address[family], longest)).toBe(true);
    expect(await passes(one, three.address[family], longest + 1)).toBe(false);
  });
});

test("a node reaches containers of other nodes by its own address", async () => {
  const [one, two] = inWeb;
  if (one === undefined || two === undefined) throw new Error("no place");
  for (const family of families) {
    expect(await ping(one.node.netns, two.address[family])).toBe(true);
  }
});

test("who holds an address on another node answers for it, and nobody for a free one", async () => {
  const [one, two, three] = inWeb;
  if (one === undefined || two === undefined || three === undefined) throw new Error("no place");
  expect(await arping(one.netns, two.address.ip)).toEqual([macOf(two.address.ip)]);
  expect(await isFree(one.netns, two.address.ip)).toBe(false);
  const free = two.address.ip.replace(/\d+$/, (last) => `${Number(last) + 20}`);
  expect(await isFree(one.netns, free)).toBe(true);
  // Each asks only of its own node who the gateway is.
  expect(await arping(three.netns, "10.2.0.1")).toEqual([macOf(three.own.ip)]);
});

const macOf = (address: string): string =>
  [
    "02",
    "42",
    ...address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0")),
  ].join(":");

test("no frame of a container gets past its switch", async () => {
  const [one] = inWeb;
  if (one === undefined) throw new Error("no place");
  const outside = lab.addOutside(one.node);
  expect(await escapes(one.node, one.container, outside)).toEqual([]);
});
