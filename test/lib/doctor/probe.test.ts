/** What is made of what other nodes answer, and do not. */
import { describe, expect, test } from "vitest";
import type { Finding } from "../../../lib/doctor/check.ts";
import type { Facts } from "../../../lib/doctor/facts.ts";
import { askPeers } from "../../../lib/doctor/probe.ts";
import { peerChecks } from "../../../lib/doctor/probe-checks.ts";
import type { PeerFacts } from "../../../lib/doctor/probe-facts.ts";
import type { PlannedPeer } from "../../../lib/doctor/probe-plan.ts";
import { lengthsBetween, narrowed } from "../../../lib/doctor/probe-search.ts";
import { behaving, type FakePeer, openWire, planOf, type Wire } from "./wire.ts";

const well: FakePeer = { underlay: 1_500, there: 1_450 };

/** What is found of nodes that behave so, by the checks of the other nodes alone. */
async function found(
  peers: readonly FakePeer[],
  more: Partial<PlannedPeer> = {},
  seen: (value: readonly PeerFacts[]) => readonly PeerFacts[] = (value) => value,
): Promise<{ readonly findings: readonly Omit<Finding, "area">[]; readonly wire: Wire }> {
  const wire = openWire(behaving(...peers));
  const value = await askPeers(wire.world, planOf(peers.length, more));
  expect(wire.open()).toBe(0);
  const facts = { peers: { known: true, value: seen(value) } } as unknown as Facts;
  const findings = peerChecks.flatMap(({ id, judge }) =>
    judge(facts).map((verdict) => ({ id, ...verdict })),
  );
  return { findings, wire };
}

const said = (findings: readonly Omit<Finding, "area">[]) =>
  findings.map(({ id, state, subject, seen }) => `${state} ${id} ${subject}: ${seen}`);

test("nodes that are well are said to be so once, at once", async () => {
  const { findings, wire } = await found([well, well, { ...well, forgetful: true }]);
  expect(said(findings)).toEqual([
    'ok peers.tunnel nodes "host-2", "host-3", "host-4": reached through the tunnel, in network "web"',
    'ok peers.mtu nodes "host-2", "host-3", "host-4": packets of 1450 bytes, the MTU of network "web", pass both ways',
  ]);
  // The one that forgot its first frame is asked again.
  expect(wire.now()).toBeLessThan(300);
  const quick = await found([well, well]);
  expect(quick.wire.now()).toBeLessThan(20);
  // Nobody is asked by the underlay who answers in the tunnel.
  expect([...quick.wire.sent.keys()]).toEqual(["10.2.2.1", "10.2.3.1"]);
});

describe("of one that does not answer through the tunnel", () => {
  const silent: FakePeer = { underlay: 1_500 };
  const at = 'peers.tunnel node "host-3": nobody answers through the tunnel, in network "web"';
  test.each<[string, FakePeer, Partial<PlannedPeer>, string, RegExp]>([
    [
      "UDP 4789 is dropped",
      silent,
      {},
      `broken ${at}, though echo requests to the VTEP are answered: UDP port 4789 is dropped on the way`,
      /^Let UDP port 4789 pass between 192.0.2.1 and 192.0.2.3, both ways/,
    ],
    [
      "its agent is away",
      silent,
      { agent: false },
      `broken ${at}, though echo requests to the VTEP are answered: UDP port 4789 is dropped on the way, or the switch there is behind, as no agent is alive there`,
      /4789.*socketplane agent start/s,
    ],
    [
      "a firewall says so",
      { ...silent, port: "prohibited" },
      {},
      `broken ${at}: a firewall says that it lets no UDP port 4789 through`,
      /4789/,
    ],
    [
      "it has no tunnel",
      { ...silent, port: "closed" },
      {},
      `broken ${at}: UDP port 4789 is closed there, so that Open vSwitch has no tunnel`,
      /socketplane agent start.*on host-3$/,
    ],
    [
      "it is cut off",
      {},
      {},
      `broken ${at}, nor echo requests to the VTEP; the agent there is alive`,
      /^ping 192.0.2.3/,
    ],
    [
      "it is off",
      {},
      { agent: false },
      `broken ${at}, nor echo requests to the VTEP; no agent is alive there: off, or cut off`,
      /socketplane node remove host-3$/,
    ],
    [
      "nobody knows of its agent",
      {},
      { agent: undefined },
      `broken ${at}, nor echo requests to the VTEP`,
      /^ping 192.0.2.3/,
    ],
  ])("%s", async (_, peer, more, expected, todo) => {
    const { findings } = await found([well, peer], more);
    const [other, one] = findings.filter(({ id }) => id === "peers.tunnel");
    expect(other).toMatchObject({ state: "ok", subject: 'node "host-2"' });
    expect(said(one === undefined ? [] : [one])).toEqual([expected]);
    expect(one?.todo).toMatch(todo);
    // Of what is not reached, nothing is said that it takes too little.
    expect(findings.filter(({ id }) => id === "peers.mtu")).toHaveLength(1);
  });

  test.each<[FakePeer, string, RegExp]>([
    [
      silent,
      'broken peers.tunnel node "host-2": nobody answers through the tunnel, in network "web", though echo requests to the VTEP are answered: the switch of this machine does not know the MAC that leads there, and drops what goes there',
      /^ovs-appctl revalidator\/purge\n.*ARP .* for 192\.0\.2\.2 /,
    ],
    [
      {},
      'broken peers.tunnel node "host-2": nobody answers through the tunnel, in network "web", nor echo requests to the VTEP, and the switch does not know the MAC that leads there; the agent there is alive',
      /^ping 192\.0\.2\.2/,
    ],
  ])("the switch here does not know the way: %o", async (peer, expected, todo) => {
    const unresolved = (value: readonly PeerFacts[]) =>
      value.map((one) => ({ ...one, isResolved: false }));
    const { findings } = await found([peer], {}, unresolved);
    expect(said(findings)).toEqual([expected]);
    expect(findings[0]?.todo).toMatch(todo);
  });

  test("nobody may be there to answer", async () => {
    const { way } = planOf(1).peers[0] ?? {};
    const { findings } = await found([silent], { way: way && { ...way, isSure: false } });
    expect(findings).toMatchObject([{ state: "unknown", todo: "socketplane doctor, on host-2" }]);
    // A firewall may let no echo requests through.
    const filtered = await found([{}], { way: way && { ...way, isSure: false } });
    expect(filtered.findings).toMatchObject([{ state: "unknown" }]);
  });
});

test("with no network of both nodes it can't be told, and how it could is", async () => {
  const { findings } = await found([well], { way: undefined });
  expect(findings).toMatchObject([
    {
      state: "unknown",
      seen: expect.stringMatching(/no network is on both.*echo requests to the VTEP are answered/),
    },
  ]);
  expect(findings[0]?.todo).toMatch(/Attach a container/);
  expect((await found([{}], { way: undefined, agent: false })).findings).toMatchObject([
    { state: "warning", todo: expect.stringMatching(/node remove host-2/) },
  ]);
});

test("on a machine without a network, nothing needs the tunnel", () => {
  const peers = { known: true, value: [{ node: "host-2" }] };
  const facts = { peers, node: { networks: [] } } as unknown as Facts;
  expect(peerChecks.flatMap(({ judge }) => judge(facts))).toMatchObject([
    { state: "ok", seen: expect.stringMatching(/^not needed yet/) },
  ]);
});

describe("of packets as long as the MTU", () => {
  const lost =
    'broken peers.mtu node "host-2": packets of 1450 bytes, the MTU of network "web", are lost';
  const limit = ": 1350 do, so that the underlay takes 1400, and VXLAN makes it 1500";
  test.each<[string, FakePeer, string]>([
    ["the way takes less", { underlay: 1_400, there: 1_350 }, `${lost}${limit}`],
    [
      "a router says so",
      { underlay: 1_400, there: 1_350, router: 1_400 },
      `${lost}${limit}; a router on the way takes 1400`,
    ],
    ["the way back takes less", { ...well, back: 1_350 }, `${lost} on the way back${limit}`],
    ["echo requests are not answered", { underlay: 1_400, there: 1_350, echo: false }, lost],
  ])("%s", async (_, peer, expected) => {
    const { findings, wire } = await found([peer]);
    expect(said(findings)).toEqual([
      'ok peers.tunnel node "host-2": reached through the tunnel, in network "web"',
      expected,
    ]);
    expect(findings[1]?.todo).toMatch(/ip link set dev LINK mtu 1500/);
    expect(wire.now()).toBeLessThan(3_000);
  });

  test("who is slow to answer is waited for before it is said", async () => {
    const { findings, wire } = await found([{ ...well, late: 900 }]);
    expect(findings.map(({ state }) => state)).toEqual(["ok", "ok"]);
    expect(wire.now()).toBeLessThan(2_500);
  });

  test("where echo requests are not answered, that they arrive is enough", async () => {
    expect(said((await found([{ ...well, echo: false }])).findings)[1]).toBe(
      'ok peers.mtu node "host-2": packets of 1450 bytes, the MTU of network "web", pass',
    );
  });
});

test("a machine that stands still while it asks has asked no less", async () => {
  const wire = openWire(behaving({ ...well, forgetful: true }), 2_000);
  const [peer] = await askPeers(wire.world, planOf(1));
  expect(peer?.tunnel).toMatchObject({ small: "answered", echoFull: "answered" });
});

test("what came while a machine stood still is taken", async () => {
  const wire = openWire(behaving({ ...well, late: 1 }), 2_000);
  const [peer] = await askPeers(wire.world, planOf(1));
  expect(peer?.tunnel).toMatchObject({ small: "answered", echoFull: "answered" });
});

test("two hundred that are silent take seconds, few frames each, and one line", async () => {
  const silent = Array.from({ length: 200 }, (): FakePeer => ({ underlay: 1_500 }));
  const { findings, wire } = await found(silent);
  expect(findings).toHaveLength(1);
  expect(findings[0]?.subject).toBe(
    'nodes "host-2", "host-3", "host-4", "host-5", "host-6" and 195 more',
  );
  expect(wire.now()).toBeLessThan(3_000);
  expect(Math.max(...wire.sent.values())).toBeLessThanOrEqual(9);
});

test.each([1_449, 1_350, 1_280, 577, 85])("a search ends at %i, in three rounds", (largest) => {
  let bounds = { passes: 84, fails: 1_450 };
  let rounds = 0;
  while (lengthsBetween(bounds).length > 0) {
    rounds += 1;
    bounds = narrowed(bounds, (size) => size <= largest);
  }
  expect(bounds).toEqual({ passes: largest, fails: largest + 1 });
  expect(rounds).toBeLessThanOrEqual(3);
});

test("what is lost at random in between makes no search endless", () => {
  let bounds = { passes: 84, fails: 1_450 };
  for (let round = 0; lengthsBetween(bounds).length > 0; round += 1) {
    expect(round).toBeLessThan(10);
    bounds = narrowed(bounds, (size) => size % 3 === 0);
  }
  expect(bounds.passes).toBeLessThan(bounds.fails);
});
