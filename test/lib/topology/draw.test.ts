import { describe, expect, test } from "vitest";
import { counted, formatBytes, formatCount } from "../../../lib/topology/amount.ts";
import { draw } from "../../../lib/topology/draw.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { sampleOf } from "./sample.ts";

const three = sampleOf({ nodes: 3, containers: 4, networks: ["web", "db"] });
const maker = { version: "1.2.3" };

describe("what is drawn", () => {
  test("says when, of what and by whom", () => {
    const { title, made, counts } = draw(three, maker);
    expect(title).toBe("The network, seen from node-a");
    expect(made).toEqual(["2026-03-01 12:00:00 UTC", "etcd ok", "SocketPlane 1.2.3"]);
    expect(counts).toEqual(["3 nodes", "2 networks", "12 containers", "2 tunnels"]);
  });

  test("has each node's containers by network, and its tunnel", () => {
    const [here, peer] = draw(three, maker).nodes;
    expect(here).toMatchObject({ name: "node-a", isHere: true, tunnel: undefined, agent: "up" });
    expect(here?.groups.map(({ network, blocks }) => [network.mark, blocks])).toEqual([
      [0, ["10.2.0.0/26"]],
      [1, ["10.3.0.0/26"]],
    ]);
    expect(here?.groups[0]?.containers.map(({ name }) => name)).toEqual([
      "shop/web-0-0",
      "pay/api-0-2",
    ]);
    expect(peer?.tunnel).toMatchObject({ state: "good", sent: "2.1 MB", received: "0 B" });
  });

  test("has no number that is not known", () => {
    const tunnels = three.tunnels.map(({ traffic: _, ...rest }) => rest);
    const [, peer] = draw({ ...three, tunnels }, maker).nodes;
    expect(peer?.tunnel).toMatchObject({ state: "unknown", sent: undefined, weight: 0 });
    expect(peer?.tunnel?.facts).toContainEqual(["Traffic", "not known"]);
  });

  test("says what is missing, and that of others there may be more", () => {
    const missing = [{ what: "other nodes' containers", why: "Cannot reach etcd: no answer" }];
    const store = { kind: "etcd", state: "away" } as const;
    const known = draw({ ...three, containers: [], missing, store }, maker);
    expect(known.made).toContain("etcd away");
    expect(known.notices).toEqual([
      {
        what: "Not known: other nodes' containers",
        why: "Cannot reach etcd: no answer",
        todo: undefined,
      },
    ]);
    expect(known.nodes.map(({ none }) => none)).toEqual([
      "No containers",
      "No containers known",
      "No containers known",
    ]);
  });

  test("has the networks that only a container tells of", () => {
    const lost: Topology = {
      ...three,
      networks: three.networks.slice(0, 1).map((one) => ({ ...one, color: 4 })),
    };
    const { networks, nodes } = draw(lost, maker);
    expect(networks.map(({ name, mark, about }) => [name, mark, about])).toEqual([
      ["web", 4, "10.2.0.0/16"],
      ["db", 5, "not known"],
    ]);
    expect(nodes[0]?.groups.map(({ network }) => network.mark)).toEqual([4, 5]);
  });

  test("tells of a container that is gone", () => {
    const containers = three.containers.map((one) => ({ ...one, state: "gone" }) as const);
    const [here] = draw({ ...three, containers }, maker).nodes;
    expect(here?.groups[0]?.containers[0]?.trouble).toBe("its namespace is gone");
  });
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [9_960, "10 kB"],
  [999_600, "1.0 MB"],
  [230_400_000, "230 MB"],
  [Number.MAX_SAFE_INTEGER, "9.0 PB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("counts", () => {
  expect([formatCount(1234567), formatCount(999)]).toEqual(["1\u202f234\u202f567", "999"]);
  expect([counted(1, "node"), counted(0, "node"), counted(2, "policy", "policies")]).toEqual([
    "1 node",
    "0 nodes",
    "2 policies",
  ]);
});
