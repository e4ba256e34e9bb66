import { describe, expect, test } from "vitest";
import { parseNodeConfig } from "../../../lib/node-config.ts";
import { know } from "../../../lib/survey/known.ts";
import type { Survey } from "../../../lib/survey/survey.ts";
import { topologyOf } from "../../../lib/topology/model.ts";
import { cluster, local, mirrored, node, survey, unknown, web } from "./survey.ts";

const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);

describe("of a survey in which all is known", () => {
  const topology = topologyOf(survey);

  test("is JSON, and the same again", () => {
    expect(JSON.parse(JSON.stringify(topology))).toEqual(topology);
    expect(topologyOf(survey)).toEqual(topology);
  });

  test("tells when it was looked at, by whom, and of what", () => {
    const { version, at, self, store, missing } = topology;
    expect({ version, at, self, store }).toEqual({
      version: 1,
      at: "2026-03-01T12:00:00.000Z",
      self: "host-a",
      store: { kind: "etcd", state: "ok", endpoints: ["https://192.0.2.250:2379"] },
    });
    expect(missing.map(({ what }) => what)).toEqual(["what containers host-2 has now"]);
  });

  test("has the networks by VNI, each with a colour", () => {
    expect(topology.networks).toEqual([
      {
        name: "web",
        subnet: "10.2.0.0/16",
        subnet6: "fd00:2::/64",
        gateway: "10.2.0.1",
        gateway6: "fd00:2::a02:1",
        vni: 1,
        mtu: 1450,
        masquerade: true,
        color: 0,
        allowed: ["db"],
        containerCount: 3,
      },
      {
        name: "db",
        subnet: "10.3.0.0/16",
        gateway: "10.3.0.1",
        vni: 2,
        mtu: 1450,
        masquerade: false,
        color: 1,
        allowed: ["web"],
        containerCount: 1,
      },
    ]);
  });

  test("has this node first, the others as people count, and what each really holds", () => {
    expect(
      topology.nodes.map(({ name, isSelf, vtep, agent, networks, blocks, containerCount }) => [
        [name, isSelf, vtep, agent, networks, containerCount].join(" "),
        ...blocks.map(({ network, prefix }) => `${network} ${prefix}`),
      ]),
    ).toEqual([
      ["host-a true 192.0.2.1 alive web 2", "web 10.2.0.0/26"],
      ["host-2 false 192.0.2.2 away web,db 1", "web 10.2.0.128/26", "db 10.3.0.0/26"],
      ["host-10 false 192.0.2.10 alive web 1", "web 10.2.0.64/26"],
    ]);
  });

  test("has this node's containers as it has them, and others' as they are written down", () => {
    expect(
      topology.containers.map(({ node, name, id, address, state }) =>
        [node, name, id, address, state].join(" "),
      ),
    ).toEqual([
      "host-a shop/web-0 id-of-web-0 10.2.0.3 gone",
      "host-a shop/web-1 id-of-web-1 10.2.0.4 alive",
      "host-2 0123456789ab 0123456789abcdef0123456789abcdef 10.3.0.3 unknown",
      "host-10 run-1 run-1 10.2.0.65 unknown",
    ]);
  });

  test("has a container's traffic from its own side", () => {
    expect(topology.containers[1]).toEqual({
      name: "shop/web-1",
      id: "id-of-web-1",
      cniName: "web",
      ifname: "eth0",
      network: "web",
      address: "10.2.0.4",
      address6: "fd00:2::a02:4",
      mac: "02:42:0a:02:00:04",
      node: "host-a",
      state: "alive",
      port: { name: "spv-web-1", number: 7 },
      traffic: {
        sent: { packets: 15, bytes: 1_500 },
        received: { packets: 25_000, bytes: 2_500_000 },
      },
    });
  });

  test("has a tunnel to each node with a network of this one's, by what its flows have counted", () => {
    const traffic = { sent: { packets: 3, bytes: 3_000 }, received: { packets: 2, bytes: 200 } };
    const none = { packets: 0, bytes: 0 };
    expect(topology.tunnels).toEqual([
      {
        from: "host-a",
        to: "host-2",
        vtep: "192.0.2.2",
        networks: ["web"],
        traffic: { sent: none, received: none },
      },
      { from: "host-a", to: "host-10", vtep: "192.0.2.10", networks: ["web"], traffic },
    ]);
    expect(topology.carried).toEqual(traffic);
  });
});

describe("of a part", () => {
  test("a network, with who is on it", () => {
    const topology = topologyOf(survey, { network: "db" });
    expect(names(topology.networks)).toEqual(["db"]);
    expect(topology.networks[0]?.color).toBe(1);
    expect(names(topology.nodes)).toEqual(["host-2"]);
    expect(topology.nodes[0]?.networks).toEqual(["db"]);
    expect(topology.containers.map(({ network }) => network)).toEqual(["db"]);
    expect(topology.tunnels).toEqual([]);
  });

  test("a node, with its networks and the way there", () => {
    const topology = topologyOf(survey, { node: "host-10" });
    expect(names(topology.nodes)).toEqual(["host-10"]);
    expect(names(topology.networks)).toEqual(["web"]);
    expect(names(topology.containers)).toEqual(["run-1"]);
    expect(topology.tunnels.map(({ to }) => to)).toEqual(["host-10"]);
    expect(topology.missing).toEqual([]);
  });

  test("both", () => {
    const topology = topologyOf(survey, { node: "host-10", network: "db" });
    expect(names(topology.nodes)).toEqual(["host-10"]);
    expect(names(topology.networks)).toEqual([]);
    expect(topology.containers).toEqual([]);
  });
});

describe("where a part is not known", () => {
  const where = (more: Partial<Survey>) => topologyOf({ ...survey, ...more });
  const away = unknown("Cannot reach it: gone", "Start it.");

  test("the store: what this node remembers", () => {
    const topology = where({ cluster: away });
    expect(topology.store.state).toBe("away");
    expect(names(topology.networks)).toEqual(["web"]);
    expect(names(topology.nodes)).toEqual(["host-a", "at 192.0.2.10"]);
    expect(topology.nodes.map(({ agent }) => agent)).toEqual(["alive", "unknown"]);
    expect(topology.nodes.map(({ blocks }) => blocks.length)).toEqual([1, 1]);
    expect(names(topology.containers)).toEqual(["shop/web-0", "shop/web-1"]);
    expect(topology.tunnels.map(({ to }) => to)).toEqual(["at 192.0.2.10"]);
    expect(topology.missing).toEqual([
      {
        what: "other nodes' names, agents and containers, and networks that this node is not in",
        why: "Cannot reach it: gone",
        todo: "Start it.",
      },
    ]);
  });

  test("the run directory: this node's containers are those that it had written down", () => {
    const topology = where({ here: away });
    expect(names(topology.containers)).toContain("deleted");
    expect(topology.missing[0]?.what).toBe("which containers of this node live");
  });

  test("the switch's database: no ports' traffic", () => {
    const topology = where({ switch: away });
    expect(topology.containers.filter(({ traffic }) => traffic !== undefined)).toEqual([]);
    expect(topology.missing[0]?.what).toBe("containers' ports and traffic");
  });

  test("the flows: tunnels without traffic", () => {
    const { tunnels, carried, missing } = where({ flows: away });
    expect(tunnels.map(({ to, traffic }) => [to, traffic])).toEqual([
      ["host-2", undefined],
      ["host-10", undefined],
    ]);
    expect(carried).toBeUndefined();
    expect(missing[0]?.what).toBe("the tunnels' traffic, and what containers send now");
  });

  test("the agent: it is away", () => {
    expect(where({ agent: away }).nodes[0]?.agent).toBe("away");
  });

  test("this node's name and VTEP", () => {
    const self = { ...survey.self, name: away, vtep: away, mtu: away };
    const topology = where({ self });
    expect(topology.self).toBeUndefined();
    expect(topology.nodes[0]).toMatchObject({ name: "(this node)", isSelf: true });
    expect(topology.networks[0]).not.toHaveProperty("mtu");
    expect(topology.missing.map(({ what }) => what).slice(0, 2)).toEqual([
      "this node's name",
      "this node's VTEP",
    ]);
  });

  test("all of it: this node, and nothing else", () => {
    const topology = where({
      cluster: away,
      here: away,
      switch: away,
      flows: away,
      agent: away,
    });
    expect(names(topology.nodes)).toEqual(["host-a"]);
    expect(topology.containers).toEqual([]);
    expect(topology.missing).toHaveLength(4);
  });

  test("records of the store", () => {
    const unreadable = ["/a", "/b"];
    const topology = where({ cluster: know({ ...cluster, unreadable }) });
    expect(topology.missing[0]).toEqual({
      what: "what 2 records of the store say",
      why: "Cannot read /a, /b: written by another version, or by hand",
    });
  });

  test("of many nodes without an agent, a few are named", () => {
    const nodes = Array.from({ length: 9 }, (_, at) => node(`n-${at}`, `192.0.2.${at + 1}`, false));
    const topology = where({ cluster: know({ ...cluster, nodes }) });
    expect(topology.missing[0]?.what).toBe(
      "what containers n-0, n-1, n-2, n-3, n-4 and 4 more have now",
    );
  });
});

describe("with the embedded store", () => {
  const alone: Survey = {
    ...survey,
    config: parseNodeConfig("{}", "node.json"),
    self: { ...survey.self, name: know("local"), vtep: know(undefined) },
    cluster: know({ ...cluster, nodes: [], leases: [], assignments: [] }),
  };

  test("there is one node, without a VTEP and tunnels", () => {
    const topology = topologyOf(alone);
    expect(topology.store).toEqual({ kind: "embedded", state: "ok" });
    expect(names(topology.nodes)).toEqual(["local"]);
    expect(topology.nodes[0]).not.toHaveProperty("vtep");
    expect(topology.tunnels).toEqual([]);
    expect(topology.missing).toEqual([]);
  });
});

test("an address without a port is a container's, too, and many are counted", () => {
  const plain = local("web", "10.2.0.7", "plain", { ofport: undefined, state: "unseen" });
  const here = survey.here.known ? survey.here.value : undefined;
  if (here === undefined) throw new Error("nothing is known");
  const many = Array.from({ length: 20_000 }, (_, at) => {
    const address = `10.2.${Math.floor(at / 250) % 250}.${(at % 250) + 1}`;
    return mirrored("web", address, `far-${at % 200}`, `c-${at}`);
  });
  const nodes = Array.from({ length: 200 }, (_, at) => node(`far-${at}`, "198.18.0.1"));
  const topology = topologyOf({
    ...survey,
    cluster: know({ ...cluster, nodes, assignments: many }),
    here: know({ ...here, assignments: [plain] }),
  });
  expect(topology.containers[0]).toMatchObject({ name: "shop/plain", state: "unknown" });
  expect(topology.containers[0]).not.toHaveProperty("port");
  expect(topology.networks.find(({ name }) => name === web.name)?.containerCount).toBe(20_001);
  expect(topology.nodes.at(-1)?.containerCount).toBe(100);
});
