/** The link by which a machine reaches all others: told once, and what comes of it is not told again. */
import { expect, test } from "vitest";
import { checks } from "../../../lib/doctor/checks.ts";
import type { Facts, NodeFacts } from "../../../lib/doctor/facts.ts";
import { judge } from "../../../lib/doctor/judge.ts";
import type { PeerFacts } from "../../../lib/doctor/probe-facts.ts";
import type { Survey } from "../../../lib/survey/survey.ts";
import type { Link } from "../../../lib/sys/kernel.ts";
import { healthy, know, link, port, unknown } from "./healthy.ts";

const { survey } = healthy.node;

const onNode = (more: Partial<NodeFacts>, seen: Partial<Survey> = {}): Facts => ({
  ...healthy,
  node: { ...healthy.node, ...more, survey: { ...survey, ...seen } },
});

const away = {
  endpoints: [{ url: "https://192.0.2.250:2379", state: "away", why: "no answer" }],
} as const;
const noStore = { cluster: unknown("Cannot read etcd") };
const on = (underlay: Link) => ({ self: { ...survey.self, underlay: know(underlay) } });

/** The bridge that has the VTEP, with these ports. */
function bridged(...ports: readonly [name: string, more: Partial<Link>][]) {
  if (!survey.switch.known) throw new Error("the sample is wrong");
  const own = ports.map(([name]) => port(name, { bridge: "br-phy" }));
  const itself = port("br-phy", { bridge: "br-phy", type: "internal" });
  const found = know({
    ...survey.switch.value,
    ports: [...survey.switch.value.ports, itself, ...own],
  });
  const links = ports.map(([name, more]) => [name, link(name, more)] as const);
  return onNode(
    { ...away, links: new Map([...healthy.node.links, ...links]) },
    {
      ...noStore,
      switch: found,
    },
  );
}

const faultsIn = (given: Facts) =>
  judge(checks, given)
    .filter(({ because, state }) => state !== "ok" && because === undefined)
    .map(({ id, seen, todo }) => `${id}: ${seen}: ${todo}`);

const cable = (name: string) =>
  `See to the cable of ${name}, and to what is at its other end: ip -d link show ${name}; ethtool ${name}`;

test.each<readonly [string, Facts, string]>([
  [
    "set down",
    onNode(away, { ...noStore, ...on(link("eth0", { up: false, running: false })) }),
    'underlay.link: link "eth0", which has the VTEP, is down: ip link set eth0 up',
  ],
  [
    "without a carrier",
    onNode(away, { ...noStore, ...on(link("eth0", { running: false })) }),
    `underlay.link: link "eth0", which has the VTEP, has no carrier: ${cable("eth0")}`,
  ],
  [
    "set down, so that its routes are gone",
    onNode(
      { ...away, lostUnderlay: link("eth0", { up: false }) },
      {
        ...noStore,
        self: {
          ...survey.self,
          vtep: unknown("there is no default route"),
          underlay: know(undefined),
        },
      },
    ),
    'underlay.link: link "eth0", which has the VTEP, is down: ip link set eth0 up',
  ],
  [
    "in a bridge, and set down",
    bridged(["eth0", { up: false }]),
    'underlay.link: link "eth0", by which bridge "br-phy" reaches others, is down: ip link set eth0 up',
  ],
  [
    "in a bridge, without a carrier, and so the other",
    bridged(["eth0", { running: false }], ["eth1", { up: false }]),
    `underlay.link: link "eth0", by which bridge "br-phy" reaches others, has no carrier: ${cable("eth0")}`,
  ],
])("%s: it is told, and nothing that comes of it", (_, given, expected) => {
  expect(faultsIn(given)).toEqual([expected]);
  const told = judge(checks, given).filter(({ because }) => because === "underlay.link");
  expect(told.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["store.reachable", "node.leases", "peers.tunnel", "peers.mtu"]),
  );
});

test("one of a bridge's links is enough", () => {
  const given = bridged(["eth0", { running: false }], ["eth1", {}]);
  expect(faultsIn(given)).toEqual([expect.stringMatching(/^store\.reachable: no answer: /)]);
});

test("what is on this machine does not go by its link", () => {
  const endpoints = [{ url: "http://127.0.0.1:2379", state: "away", why: "refused" }] as const;
  const given = onNode({ endpoints }, { ...noStore, ...on(link("eth0", { running: false })) });
  expect(faultsIn(given)).toEqual([
    expect.stringMatching(/^underlay\.link: /),
    expect.stringMatching(/^store\.reachable: refused: /),
  ]);
});

test("where others answer all the same, it is in nobody's way", () => {
  const given = onNode({}, on(link("eth0", { running: false })));
  const answered = { node: "host-b", tunnel: { small: "answered", echoFull: "answered" } };
  const peers = know([answered as unknown as PeerFacts]);
  const found = judge(checks, { ...given, peers }).filter(({ state }) => state !== "ok");
  expect(found).toMatchObject([
    { id: "underlay.link", state: "warning", seen: expect.stringMatching(/all the same$/) },
  ]);
});

test.each(["tun", "openvswitch"])(
  "a bridge (%s) that is down with its switch is not told",
  (kind) => {
    const dead = { ...noStore, switch: unknown("Cannot reach ovsdb-server") };
    const given = onNode(away, { ...dead, ...on(link("br-phy", { kind, running: false })) });
    expect(faultsIn(given).map((told) => told.split(":")[0])).not.toContain("underlay.link");
    const own = judge(checks, given).find(({ id }) => id === "underlay.link");
    expect(own).toMatchObject({ state: "unknown", because: "switch.database" });
  },
);
