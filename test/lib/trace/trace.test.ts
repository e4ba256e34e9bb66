import { describe, expect, test } from "vitest";
import { Failure } from "../../../lib/errors.ts";
import { macOfIp4 } from "../../../lib/net/mac.ts";
import type { Facts, Holder } from "../../../lib/trace/facts.ts";
import type { Following } from "../../../lib/trace/follow.ts";
import { asJson } from "../../../lib/trace/json.ts";
import { ip4Of, textOf } from "../../../lib/trace/packet-text.ts";
import { partiesOf } from "../../../lib/trace/parties.ts";
import type { TraceQuestion } from "../../../lib/trace/start.ts";
import { formatTraced } from "../../../lib/trace/text.ts";
import { trace } from "../../../lib/trace/trace.ts";
import type { Entry, Packet, PartEnd } from "../../../lib/trace/way.ts";
import { address, facts, ip, vtep } from "./sample-facts.ts";

/** What a node's switch does with it. */
type Switch = (node: string, entry: Entry, packet: Packet) => PartEnd;

/** Who has it, by its MAC: all switches are as they should be. */
const asTheyShould: Switch = (node, _entry, packet) => {
  const asked = packet.content.kind === "neighbour" ? ip4Of(packet.to) : undefined;
  const isGateway = textOf(packet.to) === "10.2.0.1" || packet.ethDst === macOfIp4(ip("10.2.0.1"));
  if (isGateway) return { end: "to host", packet };
  const holder = facts.holders.find(
    (one) => one.network === packet.network && (one.address === asked || one.mac === packet.ethDst),
  );
  if (holder === undefined) return { end: "dropped", why: "nobody has it", todo: "Look" };
  if (holder.node !== node) {
    const to = facts.nodes.find(({ name }) => name === holder.node)?.vtep ?? vtep(9);
    return { end: "across", node: holder.node, vtep: to, packet };
  }
  if (holder.isOwn) return { end: "to host", packet };
  return { end: "delivered", to: `container ${holder.name}` };
};

const none = { forward: [], input: [], output: [] };

const following = (does: Switch = asTheyShould, known: Facts = facts): Following => ({
  facts: known,
  through: async (node, entry, packet) => ({
    node,
    source: "switch",
    entry,
    packet,
    steps: [{ at: "0 classify", met: "priority=0 actions=drop", says: "seen" }],
    end: does(node, entry, packet),
    own: ["Flow: "],
  }),
  hostSees: (packet) => ({
    route: {
      route: ["10.2.0.1", "10.2.105.64"].includes(textOf(packet.to)) ? "local" : "unicast",
      index: packet.network === "web" ? 2 : 3,
      via: undefined,
      source: undefined,
    },
    own: { route: "unicast", index: 2, via: undefined, source: address("203.0.113.1") },
    linkName: (index) => ["", "", "eth0", "sp-web"][index] ?? "",
    forwards: true,
    isFiltered: true,
    foreignDrop: undefined,
    foreign: none,
  }),
  routeOf: () => ({
    route: { route: "unicast", index: 3, via: undefined, source: undefined },
    link: "sp-web",
    foreign: none,
  }),
  ownElsewhere: () => undefined,
});

const question = (from: string, to: string, more: Partial<TraceQuestion> = {}): TraceQuestion => ({
  ...partiesOf(facts, { from, to, network: undefined }),
  network: undefined,
  content: { kind: "icmp", answer: false },
  spoofed: {},
  ...more,
});

describe("a trace", () => {
  test("asks for the neighbour, follows the packet, and the answer", async () => {
    const { stages, end, answer } = await trace(following(), question("one", "two"));
    expect(
      stages.map(({ stage, way }) => `${stage}: ${way.nodes.map(({ node }) => node).join(" ")}`),
    ).toEqual(["neighbour: host-a host-b", "packet: host-a host-b", "answer: host-b host-a"]);
    expect(stages[1]?.way.nodes[1]?.entry).toEqual({ by: "tunnel", vtep: vtep(1) });
    expect(stages[2]?.way.packet).toMatchObject({
      from: address("10.2.0.3"),
      to: address("10.2.105.65"),
      ethDst: macOfIp4(ip("10.2.105.65")),
      content: { kind: "icmp", answer: true },
    });
    expect([end, answer]).toEqual([
      { end: "delivered", to: "container two" },
      { end: "delivered", to: "container one" },
    ]);
  });

  test("ends where nobody answers for the neighbour", async () => {
    const { stages, end } = await trace(following(), question("one", "10.2.9.9"));
    expect(stages.map(({ stage }) => stage)).toEqual(["neighbour"]);
    expect(end).toEqual({
      end: "dropped",
      why: "nobody answers: nobody has it",
      todo: "Look",
    });
  });

  test("asks for the gateway on the way to elsewhere", async () => {
    const { stages, end, answer } = await trace(following(), question("one", "198.51.100.7"));
    expect(stages[0]?.way.packet.to).toEqual(address("10.2.0.1"));
    expect(stages[1]?.way.packet).toMatchObject({
      to: address("198.51.100.7"),
      ethDst: macOfIp4(ip("10.2.0.1")),
    });
    expect(end).toMatchObject({ end: "delivered", to: "the outside, by link eth0" });
    expect(answer).toEqual({
      end: "unknown",
      why: "what is out there answers to 203.0.113.1; host-a knows the connection, and takes it back to one",
    });
  });

  test("of IPv6, where that was typed", async () => {
    const { stages } = await trace(following(), question("fd00:2::a02:6941", "two"));
    expect(stages[1]?.way.packet).toMatchObject({
      from: address("fd00:2::a02:6941"),
      to: address("fd00:2::a02:3"),
    });
    expect(stages[0]?.way.packet.ethDst).toBe(0x3333_ff02_0003);
  });

  test("of IPv6 to a node that has no other VTEP", async () => {
    const at6 = address("2001:db8:2::3");
    const nodes = facts.nodes.map((one) => (one.name === "host-c" ? { ...one, vtep: at6 } : one));
    const asked = question("one", "host-c");
    const { stages } = await trace(following(asTheyShould, { ...facts, nodes }), asked);
    expect(stages[0]?.way.packet.to).toEqual(address("fd00:2::a02:1"));
  });

  test("spoofs the packet, and not the request before it", async () => {
    const spoofed = { address: address("10.2.0.9") };
    const { stages } = await trace(following(), question("one", "two", { spoofed }));
    expect(stages.map(({ way }) => textOf(way.packet.from)).slice(0, 2)).toEqual([
      "10.2.105.65",
      "10.2.0.9",
    ]);
  });

  test("begins with the host's own route", async () => {
    const { network, before, stages } = await trace(following(), question("host-a", "two"));
    expect(network).toBe("web");
    expect(before.map(({ at }) => at)).toEqual(["host routing"]);
    expect(stages[0]?.way.nodes[0]?.entry).toEqual({ by: "host" });
  });

  test("reaches the gateway, which answers", async () => {
    const { end, answer } = await trace(following(), question("one", "10.2.0.1"));
    expect(end).toMatchObject({ end: "delivered" });
    expect(answer).toEqual({ end: "delivered", to: "container one" });
  });

  test("goes not further than is known", async () => {
    const blind: Switch = (_node, _entry, packet) => {
      return { end: "across", node: undefined, vtep: vtep(2), packet };
    };
    const { end } = await trace(following(blind), question("one", "two"));
    expect(end).toMatchObject({ end: "unknown" });
  });

  test("a switch that does not answer may be down", async () => {
    const { through, ...rest } = following();
    const silent: Following = {
      ...rest,
      through: async (...of) => ({
        ...(await through(...of)),
        source: "records",
        because: "nobody listens there",
        doubt: "the switch of host-a does not answer",
      }),
    };
    const { end } = await trace(silent, question("one", "two"));
    expect(end).toEqual({
      end: "unknown",
      why: "the switch of host-a does not answer; if it works as is on record, this is delivered to container two",
    });
    const dropped = await trace(silent, question("one", "10.2.9.9"));
    expect(dropped.end).toMatchObject({ end: "dropped" });
  });

  test("says what is wrong though it is delivered", async () => {
    const { hostSees, ...rest } = following();
    const bare: Following = { ...rest, hostSees: (of) => ({ ...hostSees(of), isFiltered: false }) };
    const traced = await trace(bare, question("one", "198.51.100.7"));
    expect(formatTraced(traced, { verbose: false, withAnswer: false })).toMatch(
      /\nHanded to the outside, by link eth0: whether it arrives is not known here, but nothing keeps network web apart/,
    );
  });

  test("to itself passes no switch", async () => {
    const { stages, end } = await trace(following(), question("one", "10.2.105.65"));
    expect(stages).toEqual([]);
    expect(end).toEqual({ end: "delivered", to: "container one itself, inside it: by no switch" });
  });

  test("has an end", async () => {
    const circle: Switch = (node, _entry, packet) => {
      const other = node === "host-a" ? 2 : 1;
      return { end: "across", node: other === 2 ? "host-b" : "host-a", vtep: vtep(other), packet };
    };
    const { end } = await trace(following(circle), question("one", "two"));
    expect(end).toEqual({ end: "unknown", why: "it goes on and on" });
  });

  test.each<[string, string, Partial<TraceQuestion>, string]>([
    ["one", "two", { network: "db" }, "container one has no address in network db"],
    ["198.51.100.7", "two", {}, "nobody is known to have 198.51.100.7"],
    ["host-b", "two", {}, "it is another machine: trace it there"],
    ["one", "10.2.255.255", {}, "broadcast and multicast reach nobody"],
    ["one", "ff02::1", {}, "broadcast and multicast reach nobody"],
    ["host-a", "10.3.255.255", {}, "broadcast and multicast reach nobody"],
    ["one", "224.0.0.1", {}, "broadcast and multicast reach nobody"],
    ["one", "255.255.255.255", {}, "broadcast and multicast reach nobody"],
    ["one", "0.0.0.0", {}, "0.0.0.0 is nobody's address, and no destination"],
    ["one", "::", {}, ":: is nobody's address, and no destination"],
    ["one", "127.0.0.1", {}, "127.0.0.1 is everybody's own: it reaches the sender itself"],
    ["host-a", "::1", {}, "::1 is everybody's own: it reaches the sender itself"],
    ["one", "fe80::1", {}, "fe80::1 is link-local"],
    ["10.2.105.65", "fd00:2::a02:3", {}, "a packet is of one of them"],
    ["one", "fd00::1", { spoofed: { address: address("10.2.0.4") } }, "a packet is of one of them"],
  ])("from %s to %s is refused", async (from, to, more, words) => {
    await expect(trace(following(), question(from, to, more))).rejects.toThrow(words);
  });
});

describe("a word of a command line", () => {
  const pod: Holder = {
    ...(facts.holders[1] as Holder),
    name: "shop/web-0",
    address: ip("10.2.105.70"),
  };
  const podNamed = (name: string, last: number): Holder => ({
    ...pod,
    name,
    address: ip(`10.2.105.${last}`),
    id: { ...pod.id, containerId: `${last}${last}${last}` },
  });
  const more: Facts = {
    ...facts,
    holders: [
      ...facts.holders,
      { ...pod, id: { ...pod.id, containerId: "4f5e6d" } },
      {
        ...pod,
        name: "4f5e00",
        address: ip("10.2.105.71"),
        id: { ...pod.id, containerId: "4f5e00" },
      },
      podNamed("shop/web-1", 72),
      podNamed("pay/web-1", 73),
      podNamed("shop/a b", 74),
    ],
  };
  const meant = (word: string) => {
    const { from: party } = partiesOf(more, { from: word, to: word, network: undefined });
    if (party.is === "container") return `container ${party.name}`;
    return party.is === "host" ? `node ${party.node}` : textOf(party.address);
  };

  test.each([
    ["one", "container one"],
    ["shop/web-0", "container shop/web-0"],
    ["web-0", "container shop/web-0"],
    ["4f5e6", "container shop/web-0"],
    ["10.2.0.3", "container two"],
    ["fd00:2::a02:3", "container two"],
    ["10.2.105.64", "node host-a"],
    ["192.0.2.3", "node host-c"],
    ["host-c", "node host-c"],
    ["198.51.100.7", "198.51.100.7"],
  ])("%s is %s", (word, who) => {
    expect(meant(word)).toBe(who);
  });

  const failure = (from: string, to = "one", network?: string, known = more) => {
    try {
      partiesOf(known, { from, to, network });
    } catch (thrown) {
      return thrown instanceof Failure ? `${thrown.message}\n${thrown.details}` : undefined;
    }
    return undefined;
  };
  const none = "no container, address or node is called so";
  const see = "See which there are: socketplane address list; socketplane node list";

  test("means more than one", () => {
    expect(failure("4f5e")).toBe(
      'Cannot trace "4f5e": 2 containers are called so\n' +
        "Name it in full, or by its address: shop/web-0 (10.2.105.70), 4f5e00 (10.2.105.71)",
    );
    expect(failure("web-1")).toContain("shop/web-1 (10.2.105.72), pay/web-1 (10.2.105.73)");
  });

  test.each([
    ["oen", 'Did you mean "one"?\n'],
    ["shop/web", 'Did you mean "shop/web-0" or "shop/web-1"?\n'],
    ["web", 'Did you mean "pay/web-1" or "shop/web-0" or "shop/web-1"?\n'],
    ["shpo/web-0", 'Did you mean "shop/web-0" or "shop/web-1"?\n'],
    ["host", 'Did you mean "host-a" or "host-b" or "host-c"?\n'],
    ["host-d", ""],
    ["shop/xyz", ""],
  ])("%s means nothing, and may have been another", (word, meant) => {
    expect(failure(word)).toBe(`Cannot trace "${word}": ${none}\n${meant}${see}`);
  });

  test("all that mean nothing are named at once, and what networks there are", () => {
    expect(failure("nope", "nope2", "wbe")).toBe(
      `Cannot trace "nope": ${none}; "nope2": ${none}; in network "wbe": there is none\n` +
        `${see}\nNetworks: web, db`,
    );
    expect(failure("one", "two", "wbe")).toBe(
      'Cannot trace in network "wbe": there is none\nNetworks: web, db',
    );
  });

  test("means nothing without the store: an address may", () => {
    const gaps = ["Cannot read etcd."];
    expect(failure("nope", "one", undefined, { ...more, isWhole: false, gaps })).toBe(
      `Cannot trace "nope": ${none}, as far as this node knows\nCannot read etcd.\n` +
        `A container of another node is found by its address: use that.\n${see}`,
    );
  });

  test("is of nobody: what A may be is said", async () => {
    const refused = trace(following(), question("198.51.100.7", "two"));
    await expect(refused).rejects.toMatchObject({
      details: expect.stringMatching(/^What sends \(A\) is a container/),
    });
  });
});

describe("what is shown", () => {
  test("as text", async () => {
    const traced = await trace(following(), question("one", "two"));
    expect(formatTraced(traced, { verbose: false, withAnswer: false })).toBe(`\
From container one (10.2.105.65) to container two (10.2.0.3), in network web

ARP: who has 10.2.0.3? Container two on host-b answers

ICMP echo: 10.2.105.65 -> 10.2.0.3
  host-a, from container one (its switch says)
    0 classify  seen
    => by the tunnel to host-b (192.0.2.2)
  host-b, from host-a (192.0.2.1) by the tunnel (its switch says)
    0 classify  seen
    => delivered to container two

Delivered to container two.
The answer: delivered to container one.
`);
    const verbose = formatTraced(traced, { verbose: true, withAnswer: true });
    expect(verbose).toContain("                priority=0 actions=drop\n");
    expect(verbose).toContain("    | Flow: \n");
    expect(verbose).toContain("The answer, ICMP echo: 10.2.0.3 -> 10.2.105.65\n");
  });

  test("as text, of what is dropped, and what is not known", async () => {
    const gaps = ["Cannot read etcd."];
    const away = following(asTheyShould, { ...facts, gaps });
    const text = formatTraced(await trace(away, question("one", "10.2.9.9")), {
      verbose: false,
      withAnswer: false,
    });
    expect(text).toContain("\nNot known: Cannot read etcd.\n");
    expect(text).toContain("ARP: who has 10.2.9.9?\n  host-a, from container one");
    expect(text).toMatch(/\nDropped: nobody answers: nobody has it.\n {2}Look\n$/);
  });

  test("what others have named moves no cursor", async () => {
    const gaps = ["Cannot read \u001b]0;title\u0007etcd."];
    const away = following(asTheyShould, { ...facts, gaps });
    const text = formatTraced(await trace(away, question("one", "two")), {
      verbose: true,
      withAnswer: true,
    });
    expect(text).toContain("Cannot read ?]0;title?etcd.");
  });

  test("as JSON", async () => {
    const json = asJson(await trace(following(), question("one", "two")));
    expect(json).toMatchObject({
      from: "container one (10.2.105.65)",
      to: "container two (10.2.0.3)",
      sender: {
        kind: "container",
        name: "one",
        network: "web",
        address: "10.2.105.65",
        node: "host-a",
      },
      receiver: { kind: "container", name: "two", network: "web", node: "host-b" },
      network: "web",
      end: { end: "delivered", to: "container two" },
      answer: { end: "delivered", to: "container one" },
      not_known: [],
      stages: [
        { stage: "neighbour", packet: { protocol: "arp", destination_mac: "ff:ff:ff:ff:ff:ff" } },
        {
          stage: "packet",
          end: { end: "delivered", to: "container two" },
          nodes: [
            {
              node: "host-a",
              source: "switch",
              entry: { by: "container", container: "one", port: 2202 },
              end: { end: "across", node: "host-b", vtep: "192.0.2.2" },
            },
            { node: "host-b", entry: { by: "tunnel", vtep: "192.0.2.1" } },
          ],
        },
        { stage: "answer" },
      ],
    });
    // No address is left as a number, nor a bigint, which JSON has not.
    expect(JSON.stringify(json)).not.toMatch(/"address":\d/);
  });
});
