/**
 * What `trace` says of a packet, against what becomes of it: the very packets are sent, and looked
 * for at every place that there is, and counted in every flow that they should have met.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Agent } from "../lab/agent.ts";
import { type Attached, attach } from "../lab/attach.ts";
import { type Capture, capture } from "../lab/capture.ts";
import { type Cluster, type ClusterNode, startCluster } from "../lab/cluster.ts";
import { arp, nd, sendFrames, udp4, udp6 } from "../lab/frames.ts";
import { type Lab, type Outside, openLab } from "../lab/lab.ts";
import { reaches } from "../lab/probe.ts";
import { must } from "../lab/run.ts";
import { until } from "../lab/until.ts";

const web = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
};
const db = { ...web, name: "db", subnet: "10.3.0.0/16", subnet6: "fd00:3::/64" };

interface Shown {
  readonly end: End;
  readonly stages: readonly Stage[];
}
interface Stage {
  readonly stage: "neighbour" | "packet" | "answer";
  readonly packet: Readonly<Record<string, string | number>>;
  readonly nodes: readonly Part[];
  readonly end: End;
}
interface Part {
  readonly node: string;
  readonly source: "switch" | "records" | "host";
  readonly because?: string;
  readonly steps: readonly { readonly at: string; readonly met?: string; readonly says: string }[];
  readonly end: End;
}
interface End {
  readonly end: string;
  readonly why?: string;
  readonly todo?: string;
  readonly to?: string;
}

let lab: Lab;
let cluster: Cluster;
let nodeA: ClusterNode;
let nodeB: ClusterNode;
let nodeC: ClusterNode;
let agents: ReadonlyMap<ClusterNode, Agent>;
let outside: Outside;
let webA: Attached;
let webA2: Attached;
let webB: Attached;
let webC: Attached;
let dbA: Attached;
let dbB: Attached;
/** Who hears what: by the name of the place. */
const ears = new Map<string, Capture>();

beforeAll(async () => {
  lab = openLab();
  cluster = await startCluster(lab, { nodes: 3, wire: "unrecorded" });
  [nodeA, nodeB, nodeC] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
  outside = lab.addOutside(nodeA);
  agents = new Map(
    await Promise.all(cluster.nodes.map(async (node) => [node, await node.startAgent()] as const)),
  );
  webA = await attach(nodeA, nodeA.addContainer(), web);
  webA2 = await attach(nodeA, nodeA.addContainer(), web);
  webB = await attach(nodeB, nodeB.addContainer(), web);
  webC = await attach(nodeC, nodeC.addContainer(), web);
  dbA = await attach(nodeA, nodeA.addContainer(), db);
  dbB = await attach(nodeB, nodeB.addContainer(), db);
  for (const { address } of [webB, webC]) {
    await until(`a way to ${address}`, () => reaches(webA.container.netns, address));
  }
  const listen = async (place: string, netns: string, link: string) => {
    const filter = `inbound and (arp or icmp6 or udp dst portrange ${firstPort}-${firstPort + 999})`;
    ears.set(place, await capture(netns, link, filter));
  };
  for (const [place, { container }] of Object.entries({ webA, webA2, webB, webC, dbA, dbB })) {
    await listen(place, container.netns, "eth0");
  }
  for (const node of [nodeA, nodeB]) await listen(node.name, node.netns, "sp-web");
  await listen("outside", outside.netns, "eth0");
});
afterAll(async () => {
  for (const one of ears.values()) await one.stop();
  await lab.close();
});

function agentOf(node: ClusterNode): Agent {
  const agent = agents.get(node);
  if (agent === undefined) throw new Error(`no agent on ${node.name}`);
  return agent;
}

/** Frames of each kind that are sent: what the machine itself sends are fewer. */
const many = 20;
const firstPort = 9_100;
let given = 0;
interface Sent {
  readonly what: string;
  readonly pattern: RegExp;
  /** How many frames make that it was heard. */
  readonly least: number;
  readonly at: readonly string[];
}

/** What was sent as it was traced, and where it should be heard. */
const sent: Sent[] = [];

/** Traces a packet to a UDP port that no other case has. */
async function trace(node: ClusterNode, from: string, to: string, ...more: readonly string[]) {
  given += 1;
  const port = firstPort + given;
  const options = ["--proto", "udp", "--port", `${port}`, "--output", "json", ...more];
  const { json, status, stderr } = await node.socketplane("trace", from, to, ...options);
  if (json === undefined) throw new Error(`Cannot trace: ${stderr}`);
  const traced = json as Shown;
  expectShape(traced);
  expect(status).toBe(traced.end.end === "delivered" ? 0 : 1);
  return traced;
}

/** As docs/trace.md has it: no other keys, and none of the needed ones missing. */
function expectShape(traced: Shown): void {
  const keys = (one: object, needed: string, optional = "") => {
    const has = Object.keys(one);
    const known = `${needed} ${optional}`.split(" ");
    expect(has).toEqual(expect.arrayContaining(needed.split(" ")));
    expect(has.filter((key) => !known.includes(key))).toEqual([]);
  };
  keys(traced, "from to sender receiver network end not_known before stages", "answer");
  for (const stage of traced.stages) {
    keys(stage, "stage packet nodes end");
    for (const node of stage.nodes) {
      keys(node, "node source entry packet steps end own", "because");
      for (const step of node.steps) keys(step, "at says", "met");
    }
  }
}

/** By its name in what is traced. */
function placeOf({ end, to = "" }: End): readonly string[] {
  if (end !== "delivered") return [];
  const container = /^container (\S+)/.exec(to)?.[1];
  const places = Object.entries({ webA, webA2, webB, webC, dbA, dbB });
  const found = places.find(([, one]) => one.container.id === container)?.[0];
  const place =
    found ?? /^(?:host|node) (\S+)/.exec(to)?.[1] ?? (/^the outside/.test(to) && "outside");
  return place ? [place] : [];
}

const text = ({ packet }: Stage, key: string): string => `${packet[key]}`;

/** The frame that a stage is about. */
function frameOf(stage: Stage): Uint8Array {
  const head = { to: text(stage, "destination_mac"), from: text(stage, "source_mac") };
  const [source, destination] = [text(stage, "source"), text(stage, "destination")];
  const ways = { source, destination, from: 40_000, to: Number(stage.packet.port) };
  switch (text(stage, "protocol")) {
    case "arp":
      return arp(head, "request", { sha: head.from, spa: source, tpa: destination });
    case "nd": {
      // The group of those whose addresses end so (RFC 4291, 2.7.1).
      const group = head.to.replace(/^33:33:(..):(..):(..):(..)$/, "ff02::1:$1$2:$3$4");
      const about = { source, destination: group, target: destination, option: head.from };
      return nd(head, "neighbourSolicitation", about);
    }
    default: {
      const udp = destination.includes(":") ? udp6 : udp4;
      return udp(head, ways, Buffer.from("traced"));
    }
  }
}

/** All that a switch has counted, by table, priority and match. */
async function countersOf(node: ClusterNode): Promise<ReadonlyMap<string, number>> {
  const dump = node.ovs.ofctl("--no-names", "dump-flows", "sp0");
  const line = /table=(\d+), n_packets=(\d+), .*?(priority=\S+) actions=/gm;
  return new Map(
    Array.from(dump.matchAll(line), ([, table, packets, match]) => [
      `${table} ${match}`,
      Number(packets),
    ]),
  );
}

/** The flows of a stage's way, by node, where its switch has told. */
function flowsOf({ nodes }: Stage) {
  return nodes
    .filter(({ source }) => source === "switch")
    .map(({ node, steps }) => ({
      node: cluster.nodes.find(({ name }) => name === node) as ClusterNode,
      flows: steps
        .filter(({ at }) => /^\d/.test(at))
        .map(({ at, met = "" }) => `${/^\d+/.exec(at)?.[0]} ${met.replace(/ actions=.*/, "")}`),
    }));
}

/** Sends what a stage is about, and waits until every flow has counted it that it should meet. */
async function sendAsTraced(from: Attached, stage: Stage): Promise<void> {
  const parts = flowsOf(stage);
  expect(parts.length).toBeGreaterThan(0);
  const before = await Promise.all(parts.map(({ node }) => countersOf(node)));
  await sendFrames(from.container.netns, "eth0", Array(many).fill(frameOf(stage)));
  for (const [at, { node, flows }] of parts.entries()) {
    expect(flows.length).toBeGreaterThan(0);
    await until(`${flows.join("; ")} on ${node.name} to count ${many} frames`, async () => {
      const now = await countersOf(node);
      return flows.every((flow) => {
        const was = before[at]?.get(flow);
        return was !== undefined && (now.get(flow) ?? 0) >= was + many;
      });
    });
  }
  const { source, destination, port } = stage.packet;
  const pattern =
    stage.stage === "neighbour"
      ? new RegExp(
          `Request who-has ${destination} .*tell ${source},|${source} > .* who has ${destination},`,
        )
      : new RegExp(`> ${destination}\\.${port}: UDP`);
  if (stage.stage === "neighbour" && stage.end.end === "delivered") return;
  const hosts = stage.nodes.filter((part) => part.source === "host").map(({ node }) => node);
  const at = [...new Set([...hosts, ...placeOf(stage.end)])].sort();
  // Of neighbours the kernel asks as well, now and then.
  const least = stage.stage === "neighbour" ? many / 2 : 1;
  sent.push({ what: `${stage.stage} ${source} > ${destination}`, pattern, least, at });
}

/** A node's own in a network. */
async function ownAddress({ netns }: ClusterNode, link = "sp-web"): Promise<string> {
  const argv = ["ip", "-4", "-o", "address", "show", link];
  const [, address] = / inet ([\d.]+)\/16 /.exec(await must({ netns, argv })) ?? [];
  if (address === undefined) throw new Error(`no address on ${link} of ${netns}`);
  return address;
}

const way = ({ stages }: Shown, which: Stage["stage"]): Stage => {
  const found = stages.find(({ stage }) => stage === which);
  if (found === undefined) throw new Error(`no ${which} was traced`);
  return found;
};
/** "host-a: 0 20 30" */
const tablesOf = (stage: Stage): readonly string[] =>
  flowsOf(stage).map(
    ({ node, flows }) => `${node.name}: ${flows.map((flow) => flow.split(" ")[0]).join(" ")}`,
  );

describe("as it is traced, so it goes", () => {
  test("from a container to another one of its node", async () => {
    const traced = await trace(nodeA, webA.address, webA2.address);
    expect(traced.end).toEqual({ end: "delivered", to: `container ${webA2.container.id}` });
    // By the single addresses where the block is the gateway's.
    expect(tablesOf(way(traced, "packet"))).toEqual([
      expect.stringMatching(/^host-a: 0 30 (35 )?40$/),
    ]);
    for (const stage of ["neighbour", "packet"] as const)
      await sendAsTraced(webA, way(traced, stage));
  });

  test("to one of another node, whose own switch says so", async () => {
    const traced = await trace(nodeA, webA.address, webB.address);
    expect(traced.end).toEqual({ end: "delivered", to: `container ${webB.container.id}` });
    const { nodes } = way(traced, "packet");
    expect(nodes.map(({ node, source }) => [node, source])).toEqual([
      ["host-a", "switch"],
      ["host-b", "switch"],
    ]);
    for (const stage of ["neighbour", "packet"] as const)
      await sendAsTraced(webA, way(traced, stage));
  });

  test("over IPv6, on one node, on two, and to nobody", async () => {
    for (const to of [webA2, webB]) {
      const traced = await trace(nodeA, webA.address6 ?? "", to.address6 ?? "");
      expect(traced.end).toEqual({ end: "delivered", to: `container ${to.container.id}` });
      for (const stage of ["neighbour", "packet"] as const) {
        await sendAsTraced(webA, way(traced, stage));
      }
    }
    const nobody = await trace(nodeA, webA.address6 ?? "", "fd00:2::a02:c8c8");
    const why = expect.stringMatching(/nobody holds/);
    expect(nobody.end).toMatchObject({ end: "dropped", why });
    await sendAsTraced(webA, way(nobody, "neighbour"));
  });

  test("from another node's container to one of here", async () => {
    const traced = await trace(nodeA, webB.address, webA.address);
    expect(traced.end).toEqual({ end: "delivered", to: `container ${webA.container.id}` });
    await sendAsTraced(webB, way(traced, "packet"));
  });

  test("to the outside", async () => {
    const traced = await trace(nodeA, webA.address, outside.address);
    expect(traced.end).toMatchObject({
      end: "delivered",
      to: expect.stringMatching(/^the outside/),
    });
    await sendAsTraced(webA, way(traced, "packet"));
  });

  test("to the host, and to another node's", async () => {
    for (const node of [nodeA, nodeB]) {
      const traced = await trace(nodeA, webA.address, await ownAddress(node));
      expect(placeOf(traced.end)).toEqual([node.name]);
      await sendAsTraced(webA, way(traced, "packet"));
    }
  });

  test("to an address that nobody holds: nobody answers for it", async () => {
    const traced = await trace(nodeA, webA.address, "10.2.200.200");
    expect(traced.end).toMatchObject({
      end: "dropped",
      why: expect.stringMatching(/nobody holds 10\.2\.200\.200/),
    });
    expect(traced.stages.map(({ stage }) => stage)).toEqual(["neighbour"]);
    expect(tablesOf(way(traced, "neighbour"))).toEqual(["host-a: 0 20 30 35"]);
    await sendAsTraced(webA, way(traced, "neighbour"));
  });

  test("to a free address of a block, here and on another node", async () => {
    for (const near of [webA, webB]) {
      const free = near.address.replace(/\d+$/, (last) => `${Number(last) + 20}`);
      const traced = await trace(nodeA, webA.address, free);
      expect(traced.end).toMatchObject({
        end: "dropped",
        why: expect.stringMatching(new RegExp(`no container there has ${free}`)),
      });
      await sendAsTraced(webA, way(traced, "neighbour"));
    }
  });

  test("with a sender that is not its own", async () => {
    const traced = await trace(nodeA, webA.address, webA2.address, "--source", webB.address);
    expect(traced.end).toMatchObject({ end: "dropped", why: expect.stringMatching(/spoof guard/) });
    expect(tablesOf(way(traced, "packet"))).toEqual(["host-a: 0"]);
    await sendAsTraced(webA, way(traced, "packet"));
    const byMac = await trace(nodeA, webA.address, webA2.address, "--from-mac", webA2.mac);
    expect(byMac.end).toMatchObject({ end: "dropped", why: expect.stringMatching(/spoof guard/) });
    await sendAsTraced(webA, way(byMac, "packet"));
  });

  test("into another network: not until it is allowed", async () => {
    const apart = await trace(nodeA, webA.address, dbA.address);
    expect(apart.end).toMatchObject({
      end: "dropped",
      why: expect.stringMatching(/networks web and db are apart/),
    });
    await sendAsTraced(webA, way(apart, "packet"));
    const { status, stderr } = await nodeA.socketplane("network", "allow", "web", "db");
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const allowed = await until("that web may send to db", async () => {
      const traced = await trace(nodeA, webA.address, dbA.address);
      return traced.end.end === "delivered" && traced;
    });
    expect(allowed.end).toEqual({ end: "delivered", to: `container ${dbA.container.id}` });
    await sendAsTraced(webA, way(allowed, "packet"));
    const far = await until("that it may on another node", async () => {
      const traced = await trace(nodeA, webA.address, dbB.address);
      return traced.end.end === "delivered" && traced;
    });
    expect(far.end).toEqual({ end: "delivered", to: `container ${dbB.container.id}` });
    await sendAsTraced(webA, way(far, "packet"));
  });
});

describe("what keeps it from arriving, though no record says so", () => {
  test.each([
    ["this node's own port", () => nodeA],
    ["another node's own port", () => nodeB],
  ])("%s is down", async (_what, which) => {
    const node = which();
    const own = await ownAddress(node, "sp-db");
    const set = (state: "up" | "down") =>
      must({ netns: node.netns, argv: ["ip", "link", "set", "sp-db", state] });
    // Nobody listens on that link: who does is thrown out when it goes down.
    await set("down");
    try {
      expect(await reaches(dbA.container.netns, own)).toBe(false);
      const { end } = await trace(nodeA, dbA.address, own);
      const why = expect.stringContaining(`link sp-db of ${node.name}`);
      expect(end).toMatchObject({ end: "dropped", why });
    } finally {
      await set("up");
    }
  });

  test("a flow of somebody else", async () => {
    const flow = "table=30,priority=65000,actions=drop";
    nodeA.ovs.ofctl("-O", "OpenFlow15", "add-flow", "sp0", flow);
    const { end } = await trace(nodeA, webA.address, webB.address);
    expect(end).toMatchObject({
      end: "dropped",
      why: expect.stringMatching(/flow that is not ours/),
    });
    const remove = /ovs-ofctl (.*) "(.*)"$/.exec(`${end.todo}`);
    nodeA.ovs.ofctl(...`${remove?.[1]}`.split(" "), `${remove?.[2]}`);
    const after = await trace(nodeA, webA.address, webB.address);
    expect(after.end).toEqual({ end: "delivered", to: `container ${webB.container.id}` });
  });
});

describe("a node that was removed", () => {
  beforeAll(async () => {
    await agentOf(nodeC).stop();
    const { status, stderr } = await nodeA.socketplane("node", "remove", nodeC.name, "--force");
    expect({ status, stderr }).toMatchObject({ status: 0 });
    await until("its leases to be gone from the switches", async () => {
      const { end } = await trace(nodeA, webA.address, webC.address);
      return end.end === "dropped";
    });
  });

  test("is reached by nobody", async () => {
    const traced = await trace(nodeA, webA.address, webC.address);
    const why = expect.stringContaining(`nobody holds ${webC.address}`);
    expect(traced.end).toMatchObject({ end: "dropped", why });
    await sendAsTraced(webA, way(traced, "neighbour"));
  });

  test("reaches nobody: others don't take what it sends", async () => {
    const traced = await trace(nodeC, webC.address, webA.address);
    expect(traced.end).toMatchObject({ end: "dropped", why: expect.stringMatching(/removed/) });
    const asked = way(traced, "neighbour");
    expect(tablesOf(asked)).toEqual([
      expect.stringMatching(/^host-c: 0 20 30( 35)?$/),
      "host-a: 0 10",
    ]);
    await sendAsTraced(webC, asked);
  });
});

describe("a switch that can't be asked is told of by what is on record", () => {
  const sources = (stage: Stage) => stage.nodes.map(({ node, source }) => [node, source]);
  const because = (stage: Stage, of: ClusterNode) =>
    stage.nodes.find(({ node }) => node === of.name)?.because;
  const byRecords = [
    ["host-a", "switch"],
    ["host-b", "records"],
  ];
  /** What a node's switch was told to do; of another node's, no port's number is on record. */
  const told = (stage: Stage, of: ClusterNode) =>
    stage.nodes
      .filter(({ node, steps }) => node === of.name && /^\d/.test(steps[0]?.at ?? ""))
      .flatMap(({ steps }) => steps)
      .map(({ met = "", ...step }) => ({
        ...step,
        met: met.replace(/(in_port=|output:)[^,\s]+/g, "$1"),
      }));
  const all: readonly Stage["stage"][] = ["neighbour", "packet"];
  /** Nobody has said that it works. */
  const expectOnRecord = ({ end }: Shown, { container }: Attached) => {
    const why = `if it works as is on record, this is delivered to container ${container.id}`;
    expect(end).toMatchObject({ end: "unknown", why: expect.stringContaining(why) });
  };
  const toHost = async (node: ClusterNode) => trace(nodeA, webA.address, await ownAddress(node));
  let asked: { readonly far: Shown; readonly host: Shown; readonly near: Shown };
  beforeAll(async () => {
    asked = {
      far: await trace(nodeA, webA.address, webB.address),
      host: await toHost(nodeB),
      near: await trace(nodeA, webA.address, webA2.address),
    };
  });

  test("where the other node's agent does not answer", async () => {
    agentOf(nodeB).kill("SIGSTOP");
    try {
      const traced = await trace(nodeA, webA.address, webB.address);
      expectOnRecord(traced, webB);
      expect(sources(way(traced, "packet"))).toEqual(byRecords);
      expect(because(way(traced, "packet"), nodeB)).toMatch(/does not answer/);
    } finally {
      agentOf(nodeB).kill("SIGCONT");
    }
  });

  test("where it does not run, and what it may have by now is not known", async () => {
    await agentOf(nodeB).stop();
    const traced = await trace(nodeA, webA.address, webB.address);
    expectOnRecord(traced, webB);
    expect(sources(way(traced, "packet"))).toEqual(byRecords);
    expect(because(way(traced, "packet"), nodeB)).toMatch(/agent of host-b does not run/);
    for (const stage of ["neighbour", "packet"] as const) {
      await sendAsTraced(webA, way(traced, stage));
    }
    for (const [was, is] of [
      [asked.far, traced],
      [asked.host, await toHost(nodeB)],
    ] as const) {
      expect(is.end).toMatchObject({
        end: "unknown",
        why: expect.stringContaining(`${was.end.to}`),
      });
      for (const stage of all) {
        expect(told(way(is, stage), nodeB)).toEqual(told(way(was, stage), nodeB));
      }
    }
    const free = webB.address.replace(/\d+$/, (last) => `${Number(last) + 21}`);
    const unsure = await trace(nodeA, webA.address, free);
    const why = expect.stringMatching(
      /which containers host-b has .* agent of host-b does not run/,
    );
    expect(unsure.end).toMatchObject({ end: "unknown", why });
  });

  test("all that was sent was heard where its trace ends, and nowhere else", async () => {
    const heard = new Map<string, readonly string[]>();
    for (const [place, ear] of ears) heard.set(place, await ear.stop());
    ears.clear();
    const places = sent.map(({ what, pattern, least }) => ({
      what,
      at: [...heard]
        .filter(([, lines]) => lines.filter((line) => pattern.test(line)).length >= least)
        .map(([place]) => place)
        .sort(),
    }));
    expect(places).toEqual(sent.map(({ what, at }) => ({ what, at })));
    expect(new Set(sent.flatMap(({ at }) => at))).toEqual(
      new Set(["webA", "webA2", "webB", "dbA", "dbB", "host-a", "host-b", "outside"]),
    );
  });

  test("a node that can't be reached ends it, be it asked for or sent to", async () => {
    nodeB.cutOff();
    nodeA.ovs.appctl("tnl/neigh/flush");
    try {
      const traced = await trace(nodeA, webA.address, webB.address);
      const why = expect.stringMatching(/host-b .* does not answer on br-phy/);
      expect(traced.end).toMatchObject({ end: "dropped", why });
      expect(traced.stages.map(({ stage }) => stage)).toEqual(["neighbour"]);
    } finally {
      nodeB.reconnect();
    }
    // Where it is known again, which it was not a moment ago.
    await until("a way", () => reaches(webA.container.netns, webB.address));
  });

  test("without the store: what it would say is said to be missing, and the rest is there", async () => {
    await cluster.etcd.kill();
    const far = await trace(nodeA, webA.address, webB.address);
    expect(far.end).toMatchObject({ end: "unknown", why: expect.stringMatching(/store/) });
    expect(sources(way(far, "neighbour"))).toEqual([["host-a", "switch"]]);
    const here = await trace(nodeA, webA.address, webA2.address);
    expect(here.end).toEqual({ end: "delivered", to: `container ${webA2.container.id}` });
    expect(sources(way(here, "packet"))).toEqual([["host-a", "switch"]]);
  });

  test("and where this node's Open vSwitch and agent are down too", async () => {
    await agentOf(nodeA).stop();
    await nodeA.ovs.killSwitch();
    const traced = await trace(nodeA, webA.address, webA2.address);
    expectOnRecord(traced, webA2);
    expect(because(way(traced, "packet"), nodeA)).toMatch(/ovs-vswitchd/);
    for (const stage of all) {
      expect(sources(way(traced, stage))).toEqual([["host-a", "records"]]);
      // Of this node the run directory has it all.
      const steps = ({ stages }: Shown) =>
        stages.find((one) => one.stage === stage)?.nodes[0]?.steps;
      expect(steps(traced)).toEqual(steps(asked.near));
    }
    const spoofed = await trace(nodeA, webA.address, webA2.address, "--source", webB.address);
    const why = expect.stringMatching(/spoof guard/);
    expect(spoofed.end).toMatchObject({ end: "dropped", why });
  });
});
